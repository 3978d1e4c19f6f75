// See lookup.h.
#include "dataplane/enforce/lookup.h"

#include <algorithm>
#include <utility>

namespace sluice::enforce {

void ServiceTable::add(const IpAddress& address, std::uint16_t port, std::uint32_t index) {
  entries_.push_back({{address, port}, index});
}

bool ServiceTable::finish() {
  std::ranges::sort(entries_, {}, &Entry::key);
  return std::ranges::adjacent_find(entries_, {}, &Entry::key) == entries_.end();
}

std::uint32_t ServiceTable::find(const IpAddress& address, std::uint16_t port) const {
  const Key key{address, port};
  const auto found = std::ranges::lower_bound(entries_, key, {}, &Entry::key);
  return found != entries_.end() && found->key == key ? found->index : kNone;
}

bool ServiceTable::has_address(const IpAddress& address) const {
  const auto found = std::ranges::lower_bound(entries_, Key{address, 0}, {}, &Entry::key);
  return found != entries_.end() && found->key.address == address;
}

void PrincipalTable::add(const IpAddress& network, unsigned prefix_bits, std::string name) {
  networks_.push_back({network, network.last_of(prefix_bits), static_cast<std::uint32_t>(names_.size())});
  names_.push_back(std::move(name));
}

// Networks are nested or apart, never crossing: in the order of their first address, wider first, a stack
// holds those that are open.
void PrincipalTable::finish() {
  std::ranges::sort(networks_, [](const Network& a, const Network& b) {
    return a.first != b.first ? a.first < b.first : a.last > b.last;
  });
  std::vector<Network> open;
  const auto close = [&] {
    const IpAddress after = open.back().last.next();
    open.pop_back();
    if (!after.is_none()) begin_range(after, open.empty() ? 0 : open.back().name);
  };
  for (const Network& network : networks_) {
    while (!open.empty() && open.back().last < network.first) close();
    open.push_back(network);
    begin_range(network.first, network.name);
  }
  while (!open.empty()) close();
  networks_ = {};
}

void PrincipalTable::begin_range(const IpAddress& first, std::uint32_t name) {
  if (ranges_.back().first != first) ranges_.push_back({first, name});
  ranges_.back().name = name;
}

std::string_view PrincipalTable::find(const IpAddress& address) const {
  const auto after = std::ranges::upper_bound(ranges_, address, {}, &Range::first);
  return names_[std::prev(after)->name];
}

}  // namespace sluice::enforce
