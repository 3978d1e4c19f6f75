// See leads.h.
#include "dataplane/inspect/leads.h"

#include <algorithm>

namespace sluice::inspect {
namespace {

constexpr std::uint32_t kLong = 16;

std::uint32_t most_before(const rules::Literal& literal) {
  return literal.max_reach - static_cast<std::uint32_t>(literal.bytes.size());
}

}  // namespace

bool Leads::are_long(const std::vector<rules::Literal>& literals) {
  return std::ranges::any_of(literals, [](const rules::Literal& literal) { return most_before(literal) >= kLong; });
}

Leads::Leads(const std::vector<rules::Literal>& literals) {
  for (const rules::Literal& literal : literals) {
    const std::uint32_t most = most_before(literal);
    auto lead =
        std::ranges::find_if(leads_, [&](const Lead& one) { return one.set == literal.lead && one.most == most; });
    if (lead == leads_.end()) lead = leads_.insert(lead, Lead(literal.lead, most));
    std::vector<rules::ByteSet>& places = lead->literals.emplace_back(rules::places_of(literal));
    places.insert(places.end(), literal.after.begin(), literal.after.end());
    for (std::size_t byte = 0; byte < 256; ++byte) lead->begins[byte] |= places.front()[byte];
    lead->longest = std::max(lead->longest, static_cast<std::uint32_t>(places.size()));
  }
}

// One of the literals begins with the text, and may end in bytes to come.
bool Leads::is_begun(const Lead& lead, Bytes text) {
  return std::ranges::any_of(lead.literals, [&](const std::vector<rules::ByteSet>& places) {
    std::size_t same = 0;
    while (same < text.size() && same < places.size() && places[same][text[same]]) ++same;
    return same == text.size() && same < places.size();
  });
}

std::uint32_t Leads::first_open(Content& content, std::uint32_t first) const {
  const std::uint32_t length = content.length();
  std::uint32_t open = length;
  for (const Lead& lead : leads_) {
    const std::uint32_t begun = std::min(length - first, lead.longest - 1);
    const std::uint32_t begin = length - std::min(length - first, begun + lead.most);
    const Bytes text = content.view(begin, length);
    const auto note = [&](std::size_t at) {
      const std::size_t most = std::min<std::size_t>(at, lead.most);
      const std::size_t before = lead.bytes.at_end(text.subspan(at - most, most));
      open = std::min(open, begin + static_cast<std::uint32_t>(at - before));
    };
    note(text.size());  // all of it is to come
    for (std::size_t at = text.size() - begun; at < text.size(); ++at)
      if (lead.begins[text[at]] && is_begun(lead, text.subspan(at))) note(at);
  }
  return open;
}

}  // namespace sluice::inspect
