// See language.h.
#include "rules/import/language.h"

#include <algorithm>
#include <cstdint>
#include <deque>
#include <map>
#include <set>
#include <utility>
#include <vector>

namespace sluice::rules::import {
namespace {

using Kind = Regex::Kind;

constexpr std::size_t kMaxNodes = 16 * 1024;
constexpr std::size_t kMaxPairs = 128 * 1024;
constexpr std::uint32_t kMaxCopies = 3;  // of what repeats, before it may do so for ever

struct Node {
  ByteSet set{};  // none: goes on without a byte
  std::vector<std::uint32_t> next{};
  bool accepts = false;
};

// From the end to the beginning: each part knows what comes after it.
class Nfa {
 public:
  explicit Nfa(const Regex& regex) {
    const std::uint32_t accept = add({.accepts = true});
    entry_ = compile(regex, accept);
  }
  // It would have been too large: no question can be answered.
  [[nodiscard]] bool gave_up() const { return nodes_.size() >= kMaxNodes; }
  [[nodiscard]] std::uint32_t entry() const { return entry_; }
  [[nodiscard]] const Node& node(std::uint32_t at) const { return nodes_[at]; }

 private:
  std::uint32_t add(Node node) {
    if (nodes_.size() < kMaxNodes) nodes_.push_back(std::move(node));
    return static_cast<std::uint32_t>(nodes_.size() - 1);
  }

  std::uint32_t compile(const Regex& regex, std::uint32_t next) {
    if (gave_up()) return next;
    switch (regex.kind) {
      case Kind::bytes:
        return add({.set = regex.set, .next = {next}});
      case Kind::sequence:
      case Kind::group:
        for (auto part = regex.parts.rbegin(); part != regex.parts.rend(); ++part) next = compile(*part, next);
        return next;
      case Kind::choice: {
        Node split;
        for (const Regex& part : regex.parts) split.next.push_back(compile(part, next));
        return add(std::move(split));
      }
      case Kind::repeat:
        return repeat(regex, next);
      default:
        return next;
    }
  }

  std::uint32_t repeat(const Regex& regex, std::uint32_t next) {
    const Regex& body = regex.parts.front();
    const std::uint32_t copies = std::min(regex.min, kMaxCopies);
    std::uint32_t entry = next;
    if (regex.max > copies && regex.max <= kMaxCopies) {
      for (std::uint32_t i = copies; i < regex.max; ++i) entry = add({.next = {compile(body, entry), next}});
    } else if (regex.max > copies) {
      const std::uint32_t loop = add({});
      const std::uint32_t inside = compile(body, loop);
      nodes_[loop].next = {inside, next};
      entry = loop;
    }
    for (std::uint32_t i = 0; i < copies; ++i) entry = compile(body, entry);
    return entry;
  }

  std::vector<Node> nodes_;
  std::uint32_t entry_ = 0;
};

// Pairs of states that can be reached, each once.
class Pairs {
 public:
  using Pair = std::pair<std::uint32_t, std::uint32_t>;
  void add(std::uint32_t a, std::uint32_t b) {
    if (seen_.insert({a, b}).second) open_.push_back({a, b});
  }
  [[nodiscard]] bool more() const { return !open_.empty(); }
  [[nodiscard]] bool full() const { return seen_.size() > kMaxPairs; }
  Pair take() {
    const Pair pair = open_.front();
    open_.pop_front();
    return pair;
  }

 private:
  std::set<Pair> seen_;
  std::deque<Pair> open_;
};

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

// How much of a word stands at the end of what was read: the longest such beginning of a word.
class Words {
 public:
  explicit Words(std::span<const std::string> words) {
    for (const std::string& word : words) {
      std::string text;
      for (const char c : word) text += lower(c);
      if (!text.empty()) words_.insert(text);
      for (std::size_t length = 0; length <= text.size(); ++length) state_of(text.substr(0, length));
    }
  }
  [[nodiscard]] bool any() const { return !words_.empty(); }

  static constexpr std::uint32_t kFound = UINT32_MAX;
  std::uint32_t step(std::uint32_t state, char byte) const {
    std::string text = states_[state] + lower(byte);
    for (std::string_view rest = text; !rest.empty(); rest.remove_prefix(1))
      if (words_.contains(std::string(rest))) return kFound;
    while (!numbers_.contains(text)) text.erase(0, 1);
    return numbers_.at(text);
  }
  // The bytes that are in a word, either case; all others lead to state 0.
  [[nodiscard]] ByteSet bytes() const {
    ByteSet set;
    for (const std::string& word : words_)
      for (const char c : word) set |= fold_case(single_byte(c));
    return set;
  }

 private:
  void state_of(const std::string& text) {
    if (numbers_.emplace(text, static_cast<std::uint32_t>(states_.size())).second) states_.push_back(text);
  }
  std::set<std::string> words_;
  std::map<std::string, std::uint32_t> numbers_{{"", 0}};
  std::vector<std::string> states_{""};
};

}  // namespace

bool always_holds(const Regex& regex, std::span<const std::string> list) {
  const Words words(list);
  const Nfa nfa(regex);
  if (!words.any() || nfa.gave_up()) return false;
  const ByteSet told = words.bytes();
  Pairs pairs;
  pairs.add(nfa.entry(), 0);
  while (pairs.more()) {
    const auto [at, state] = pairs.take();
    const Node& node = nfa.node(at);
    if (node.accepts || pairs.full()) return false;
    if (node.set.none()) {
      for (const std::uint32_t next : node.next) pairs.add(next, state);
      continue;
    }
    if ((node.set & ~told).any()) pairs.add(node.next.front(), 0);
    for (unsigned byte = 0; byte < 256; ++byte) {
      if (!node.set[byte] || !told[byte]) continue;
      const std::uint32_t to = words.step(state, static_cast<char>(byte));
      if (to != Words::kFound) pairs.add(node.next.front(), to);
    }
  }
  return true;
}

bool may_meet(const Regex& one, const Regex& other) {
  const Nfa a(one);
  const Nfa b(other);
  if (a.gave_up() || b.gave_up()) return true;
  Pairs pairs;
  pairs.add(a.entry(), b.entry());
  while (pairs.more()) {
    const auto [at_a, at_b] = pairs.take();
    const Node& node_a = a.node(at_a);
    const Node& node_b = b.node(at_b);
    if ((node_a.accepts && node_b.accepts) || pairs.full()) return true;
    const bool free_a = !node_a.accepts && node_a.set.none();
    const bool free_b = !node_b.accepts && node_b.set.none();
    if (free_a)
      for (const std::uint32_t next : node_a.next) pairs.add(next, at_b);
    if (free_b)
      for (const std::uint32_t next : node_b.next) pairs.add(at_a, next);
    if (!free_a && !free_b && (node_a.set & node_b.set).any()) pairs.add(node_a.next.front(), node_b.next.front());
  }
  return false;
}

}  // namespace sluice::rules::import
