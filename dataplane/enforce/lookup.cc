// See lookup.h.
#include "dataplane/enforce/lookup.h"

#include <algorithm>
#include <utility>

namespace sluice::enforce {
namespace {

constexpr std::uint64_t key_of(std::uint32_t address, std::uint16_t port) {
  return std::uint64_t{address} << 16 | port;
}

}  // namespace

void ServiceTable::add(std::uint32_t address, std::uint16_t port, std::uint32_t index) {
  entries_.push_back({key_of(address, port), index});
}

bool ServiceTable::finish() {
  std::ranges::sort(entries_, {}, &Entry::key);
  return std::ranges::adjacent_find(entries_, {}, &Entry::key) == entries_.end();
}

std::uint32_t ServiceTable::find(std::uint32_t address, std::uint16_t port) const {
  const std::uint64_t key = key_of(address, port);
  const auto found = std::ranges::lower_bound(entries_, key, {}, &Entry::key);
  return found != entries_.end() && found->key == key ? found->index : kNone;
}

bool ServiceTable::has_address(std::uint32_t address) const {
  const auto found = std::ranges::lower_bound(entries_, key_of(address, 0), {}, &Entry::key);
  return found != entries_.end() && found->key >> 16 == address;
}

void PrincipalTable::add(std::uint32_t network, unsigned prefix_bits, std::string name) {
  const std::uint32_t host_mask = prefix_bits == 0 ? ~std::uint32_t{0} : (std::uint32_t{1} << (32 - prefix_bits)) - 1;
  networks_.push_back({network, network | host_mask, static_cast<std::uint32_t>(names_.size())});
  names_.push_back(std::move(name));
}

// Networks are nested or apart, never crossing: in the order of their first address, wider first, a stack
// holds those that are open.
void PrincipalTable::finish() {
  std::ranges::sort(networks_, [](const Network& a, const Network& b) {
    return a.first != b.first ? a.first < b.first : a.last > b.last;
  });
  std::vector<Network> open;
  const auto close_until = [&](std::uint64_t first) {
    while (!open.empty() && open.back().last < first) {
      const std::uint64_t after = std::uint64_t{open.back().last} + 1;
      open.pop_back();
      begin_range(after, open.empty() ? 0 : open.back().name);
    }
  };
  for (const Network& network : networks_) {
    close_until(network.first);
    open.push_back(network);
    begin_range(network.first, network.name);
  }
  close_until(std::uint64_t{1} << 32);
  networks_ = {};
}

void PrincipalTable::begin_range(std::uint64_t first, std::uint32_t name) {
  if (first > ~std::uint32_t{0}) return;
  if (ranges_.back().first != first) ranges_.push_back({static_cast<std::uint32_t>(first), name});
  ranges_.back().name = name;
}

std::string_view PrincipalTable::find(std::uint32_t address) const {
  const auto after = std::ranges::upper_bound(ranges_, address, {}, &Range::first);
  return names_[std::prev(after)->name];
}

}  // namespace sluice::enforce
