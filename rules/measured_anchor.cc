// See measured_anchor.h.
#include "rules/measured_anchor.h"

#include "rules/sample_text.h"

namespace sluice::rules {
namespace {

constexpr std::size_t kMeasuredBytes = 32 * 1024;
constexpr std::size_t kTooOften = 32;  // places in as many bytes: one a kilobyte

}  // namespace

Anchor measured_anchor(const Expression& expression, const Automaton& automaton) {
  Anchor anchor = choose_anchor(expression, automaton);
  if (anchor.kind != AnchorKind::shape) return anchor;
  const Bytes sample = as_bytes(sample_text()).first(kMeasuredBytes);
  if (count_places(shape_of(automaton), sample) > kTooOften && shapes_of(automaton).size() > 1)
    anchor.kind = AnchorKind::shapes;
  return anchor;
}

std::size_t count_places(const std::vector<ByteSet>& places, Bytes text) {
  std::size_t found = 0;
  for (std::size_t at = 0; at + places.size() <= text.size(); ++at) {
    std::size_t same = 0;
    while (same < places.size() && places[same][text[at + same]]) ++same;
    found += same == places.size() ? 1 : 0;
  }
  return found;
}

}  // namespace sluice::rules
