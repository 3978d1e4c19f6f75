// See callers.h.
#include "dataplane/session/callers.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "common/bytes.h"

namespace sluice::session {
namespace {

// As a row can hold it.
std::string_view cut(std::string_view name) {
  return name.substr(0, std::min(name.find('\0'), CallerRow::kNameBytes - 1));
}

bool is(const std::array<char, CallerRow::kNameBytes>& field, std::string_view name) {
  return name == std::string_view(field.data());
}

}  // namespace

Callers::Callers(const HashKey& seed) : seed_(seed), rows_(std::make_unique<Rows>()) {}

CallerRow& Callers::find(std::string_view service, std::string_view principal, std::uint64_t source, CallerRow* last) {
  service = cut(service);
  principal = cut(principal);
  if (last != nullptr && last->source == source && is(last->principal, principal) && is(last->service, service))
    return *last;
  if (CallerRow* row = find_row(service, principal, source, source == 0 ? kMost - 1 : kMostGiven)) return *row;
  if (CallerRow* row = find_row(service, kOthers, 0, kMost - 1)) return *row;
  return *find_row("", kOthers, 0, kMost);
}

CallerRow* Callers::find_row(std::string_view service, std::string_view principal, std::uint64_t source,
                             std::size_t most) {
  std::array<char, sizeof source + 2 * CallerRow::kNameBytes> key{};
  std::memcpy(key.data(), &source, sizeof source);
  std::ranges::copy(service, key.begin() + sizeof source);
  std::ranges::copy(principal, key.begin() + sizeof source + service.size() + 1);
  const std::string_view used_of_key(key.data(), sizeof source + service.size() + 1 + principal.size());
  std::size_t place = siphash(seed_, as_bytes(used_of_key)) % places_.size();
  for (; places_[place] != 0; place = (place + 1) % places_.size()) {
    CallerRow& row = (*rows_)[places_[place] - 1U];
    if (row.source == source && is(row.principal, principal) && is(row.service, service)) return &row;
  }
  const std::size_t used = used_.load(std::memory_order_relaxed);
  if (used >= most) return nullptr;
  const std::span<const std::uint64_t> sources(sources_.data(), used);
  if (source != 0 && std::ranges::count(sources, source) >= static_cast<std::ptrdiff_t>(kMostOfSource)) return nullptr;
  CallerRow& row = (*rows_)[used];
  std::ranges::copy(service, row.service.begin());
  std::ranges::copy(principal, row.principal.begin());
  sources_[used] = row.source = source;
  places_[place] = static_cast<std::uint16_t>(used + 1);
  used_.store(used + 1, std::memory_order_release);
  return &row;
}

}  // namespace sluice::session
