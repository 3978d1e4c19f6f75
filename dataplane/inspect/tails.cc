// See tails.h.
#include "dataplane/inspect/tails.h"

#include <algorithm>
#include <cstring>

namespace sluice::inspect {
namespace {

constexpr std::size_t kPeriod = 12;  // and what divides it

// Other text is told from it by one comparison.
bool repeats_itself(Bytes text) {
  if (text.size() <= 2 * kPeriod) return false;
  std::uint64_t first = 0;
  std::uint64_t second = 0;
  std::memcpy(&first, text.data(), sizeof first);
  std::memcpy(&second, text.data() + kPeriod, sizeof second);
  return first == second && std::memcmp(text.data(), text.data() + kPeriod, text.size() - kPeriod) == 0;
}

}  // namespace

void Tails::Table::set(const rules::ByteSet& bytes, std::size_t rule) {
  for (std::size_t byte = 0; byte < 256; ++byte)
    if (bytes[byte]) bits_[byte * words_ + rule / 64] |= std::uint64_t{1} << rule % 64;
}

void Tails::add(const rules::Automaton& automaton, std::uint32_t reach) {
  Rule rule;
  rule.reach = reach;
  for (unsigned value = 0; value < 256; ++value) {
    const auto byte = static_cast<std::uint8_t>(value);
    rule.contained[value] = automaton.may_contain(byte);
    rule.first[value] = automaton.may_begin(byte, false);
    rule.first_after_word[value] = automaton.may_begin(byte, true);
  }
  const auto begins = automaton.first_bytes(std::min(automaton.min_width(), 2U));
  rule.second = begins.size() > 1 ? begins[1] : rules::ByteSet().set();
  rules_.push_back(rule);
}

void Tails::finish() {
  words_ = (rules_.size() + 63) / 64;
  for (Table* table : {&contained_, &first_, &first_after_word_, &second_}) table->resize(words_);
  for (std::size_t i = 0; i < rules_.size(); ++i) {
    contained_.set(rules_[i].contained, i);
    first_.set(rules_[i].first, i);
    first_after_word_.set(rules_[i].first_after_word, i);
    second_.set(rules_[i].second, i);
    shown_.push_back({rules_[i].reach, static_cast<std::uint32_t>(i)});
    longest_ = std::max(longest_, rules_[i].reach);
  }
  std::ranges::sort(shown_, {}, &Shown::distance);
  rules_ = {};
}

void Tails::find(Content& content, std::uint32_t first, Room& room) const {
  room.last_byte = false;
  const std::uint32_t length = content.length();
  const std::uint32_t nearest = std::max(first, length - std::min(length, longest_));
  const Bytes text = content.view(nearest - std::min(nearest, rules::kContextBytes), length);
  std::size_t farthest = length - nearest;
  // What repeats itself tells nothing after its first period: fewer rules are in question, and the same of them begin.
  if (nearest >= rules::kContextBytes && repeats_itself(text)) farthest = kPeriod + 1;
  words_ == 1 ? find_in_word(text, farthest, room) : find_in_words(text, farthest, room);
}

// All rules in a register.
void Tails::find_in_word(Bytes text, std::size_t farthest, Room& room) const {
  const std::uint64_t* contained = contained_.of(0);
  const std::uint64_t* first = first_.of(0);
  const std::uint64_t* first_after_word = first_after_word_.of(0);
  const std::uint64_t* second = second_.of(0);
  std::uint64_t alive = ~std::uint64_t{0};
  std::uint64_t open = 0;
  std::uint64_t goes_on = 0;
  auto shown = shown_.begin();
  for (std::size_t distance = 1; distance <= farthest; ++distance) {
    for (; shown != shown_.end() && shown->distance <= distance; ++shown) alive &= ~(std::uint64_t{1} << shown->rule);
    const std::size_t at = text.size() - distance;
    const std::uint8_t byte = text[at];
    alive &= contained[byte];
    if (alive == 0) break;
    const std::uint64_t begins = alive & (rules::is_after_word(text, at) ? first_after_word : first)[byte];
    if (distance == 1) room.last_byte = begins != 0;
    open |= begins & goes_on;
    goes_on = second[byte];
  }
  room.open.front() = open;
}

void Tails::find_in_words(Bytes text, std::size_t farthest, Room& room) const {
  std::fill_n(room.alive.begin(), words_, ~std::uint64_t{0});
  std::fill_n(room.open.begin(), words_, 0);
  auto shown = shown_.begin();
  for (std::size_t distance = 1; distance <= farthest; ++distance) {
    for (; shown != shown_.end() && shown->distance <= distance; ++shown)
      room.alive[shown->rule / 64] &= ~(std::uint64_t{1} << shown->rule % 64);
    const std::size_t at = text.size() - distance;
    const std::uint64_t* contained = contained_.of(text[at]);
    const std::uint64_t* begins = (rules::is_after_word(text, at) ? first_after_word_ : first_).of(text[at]);
    const std::uint64_t* goes_on = distance > 1 ? second_.of(text[at + 1]) : nullptr;
    std::uint64_t left = 0;
    for (std::size_t word = 0; word < words_; ++word) {
      const std::uint64_t alive = room.alive[word] & contained[word];
      room.alive[word] = alive;
      left |= alive;
      if (goes_on != nullptr)
        room.open[word] |= alive & begins[word] & goes_on[word];
      else
        room.last_byte |= (alive & begins[word]) != 0;
    }
    if (left == 0) return;
  }
}

}  // namespace sluice::inspect
