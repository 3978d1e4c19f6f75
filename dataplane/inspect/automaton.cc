// Expression -> nodes (Thompson) -> table (subset construction). \b looks at the byte behind it, so a set of
// nodes keeps its boundaries open until that byte is known; a match is seen to end one lookup late.
#include "dataplane/inspect/automaton.h"

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <utility>

namespace sluice::inspect {
namespace {

constexpr std::size_t kMaxNodes = 64 * 1024;
constexpr std::size_t kMaxEntries = 256 * 1024;  // 1 MiB a rule
constexpr std::uint32_t kNone = ~std::uint32_t{0};

struct Node {
  enum class Kind : std::uint8_t { bytes, split, boundary, no_boundary, match };
  Kind kind = Kind::match;
  ByteSet set{};
  std::uint32_t next = kNone;
  std::uint32_t other = kNone;  // split
  // Optional copies of one byte, as in \d{0,9}: of those in one set the one with the most copies to come
  // (the highest rank) matches all that the others do, and stands for them.
  std::uint32_t chain = kNone;
  std::uint32_t rank = 0;
};

struct Widths {
  std::uint64_t min = 0;
  std::uint64_t max = 0;
};

Widths widths_of(const Expression& e) {
  constexpr std::uint64_t kCeiling = kMaxWidth + 1;
  Widths w;
  switch (e.kind) {
    case Expression::Kind::bytes:
      return {1, 1};
    case Expression::Kind::sequence:
      for (const Expression& part : e.parts) {
        const Widths p = widths_of(part);
        w = {w.min + p.min, w.max + p.max};
      }
      break;
    case Expression::Kind::choice:
      w.min = kCeiling;
      for (const Expression& part : e.parts) {
        const Widths p = widths_of(part);
        w = {std::min(w.min, p.min), std::max(w.max, p.max)};
      }
      break;
    case Expression::Kind::repeat:
      w = widths_of(e.parts.front());
      w = {w.min * e.min, w.max * e.max};
      break;
    case Expression::Kind::boundary:
    case Expression::Kind::no_boundary:
      break;
  }
  return {std::min(w.min, kCeiling), std::min(w.max, kCeiling)};
}

// Nodes are made from the end to the beginning: each knows what comes after it.
class Nodes {
 public:
  std::uint32_t add(Node node) {
    if (all.size() < kMaxNodes) all.push_back(node);
    return static_cast<std::uint32_t>(all.size() - 1);
  }
  [[nodiscard]] bool full() const { return all.size() >= kMaxNodes; }

  std::uint32_t compile(const Expression& e, std::uint32_t next) {
    if (full()) return next;
    switch (e.kind) {
      case Expression::Kind::bytes:
        return add({.kind = Node::Kind::bytes, .set = e.set, .next = next});
      case Expression::Kind::sequence:
        for (auto part = e.parts.rbegin(); part != e.parts.rend(); ++part) next = compile(*part, next);
        return next;
      case Expression::Kind::choice: {
        std::uint32_t entry = compile(e.parts.front(), next);
        for (std::size_t i = 1; i < e.parts.size(); ++i) {
          entry = add({.kind = Node::Kind::split, .next = entry, .other = compile(e.parts[i], next)});
        }
        return entry;
      }
      case Expression::Kind::repeat:
        return compile_repeat(e, next);
      case Expression::Kind::boundary:
        return add({.kind = Node::Kind::boundary, .next = next});
      case Expression::Kind::no_boundary:
        return add({.kind = Node::Kind::no_boundary, .next = next});
    }
    return next;
  }

  std::vector<Node> all;

 private:
  std::uint32_t compile_repeat(const Expression& e, std::uint32_t next) {
    const Expression& body = e.parts.front();
    const std::uint32_t chain = chains_++;
    // Any number of copies of something without width is the same as one.
    const std::uint32_t most = widths_of(body).max == 0 ? 1 : kMaxWidth;
    const std::uint32_t needed = std::min(e.min, most);
    const std::uint32_t optional = std::min(e.max - e.min, most);
    std::uint32_t entry = next;
    for (std::uint32_t copy = 0; copy < optional && !full(); ++copy) {
      entry = compile(body, entry);
      if (body.kind == Expression::Kind::bytes) {
        all[entry].chain = chain;
        all[entry].rank = copy;
      }
      entry = add({.kind = Node::Kind::split, .next = entry, .other = next});
    }
    for (std::uint32_t copy = 0; copy < needed && !full(); ++copy) entry = compile(body, entry);
    return entry;
  }

  std::uint32_t chains_ = 0;
};

}  // namespace

class AutomatonBuilder {
 public:
  Result<Automaton> build(const Expression& expression) {
    const Widths widths = widths_of(expression);
    if (widths.min == 0) return fail(ErrorCode::bundle_malformed, "a match could be empty");
    if (widths.max > kMaxWidth) {
      return fail(ErrorCode::bundle_malformed, "a match could be wider than " + std::to_string(kMaxWidth) + " bytes");
    }
    out_.min_width_ = static_cast<std::uint32_t>(widths.min);
    out_.max_width_ = static_cast<std::uint32_t>(widths.max);
    const std::uint32_t entry = nodes_.compile(expression, nodes_.add({}));
    seen_.resize(nodes_.all.size());
    if (!nodes_.full()) {
      classify_bytes();
      determinize(entry);
    }
    if (nodes_.full() || out_.table_.size() > kMaxEntries) {
      return fail(ErrorCode::bundle_malformed, "it has too many ways to match; shorten its repetitions");
    }
    return std::move(out_);
  }

 private:
  // Nodes before any byte is read, splits followed, ascending; and what \b saw on its left.
  struct State {
    std::vector<std::uint32_t> nodes;
    bool after_word = false;
    auto operator<=>(const State&) const = default;
  };

  void classify_bytes() {
    ByteSet contained;
    std::vector<ByteSet> sets = {word_bytes()};
    for (const Node& node : nodes_.all) {
      if (node.kind != Node::Kind::bytes) continue;
      contained |= node.set;
      if (std::find(sets.begin(), sets.end(), node.set) == sets.end()) sets.push_back(node.set);
    }
    std::map<std::vector<bool>, std::uint8_t> classes;
    for (unsigned byte = 0; byte < 256; ++byte) {
      std::vector<bool> member;
      for (const ByteSet& set : sets) member.push_back(set[byte]);
      const auto [it, fresh] = classes.emplace(std::move(member), static_cast<std::uint8_t>(classes.size()));
      if (fresh) examples_.push_back(static_cast<std::uint8_t>(byte));
      out_.class_of_[byte] = it->second;
      out_.is_word_[byte] = word_bytes()[byte];
      out_.contained_[byte] = contained[byte];
    }
    out_.end_class_ = static_cast<std::uint32_t>(examples_.size());
    out_.open_class_ = out_.end_class_ + 1;
    stride_ = out_.open_class_ + 1;
  }

  void determinize(std::uint32_t entry) {
    row_of({});  // the dead state is row 0
    std::vector<std::uint32_t> begin;
    ++stamp_;
    follow(entry, begin);
    out_.initial_ = row_of({begin, false});
    out_.initial_after_word_ = row_of({begin, true});
    for (std::size_t done = 0; done < states_.size() && out_.table_.size() <= kMaxEntries; ++done) fill_row(done);
  }

  // The row of a state that may be new. What can make no difference is left out of it first.
  std::uint32_t row_of(State state) {
    bool looks = false;
    std::map<std::uint32_t, std::uint32_t> best;  // of a chain
    for (const std::uint32_t at : state.nodes) {
      const Node& node = nodes_.all[at];
      looks = looks || node.kind == Node::Kind::boundary || node.kind == Node::Kind::no_boundary;
      if (node.chain == kNone) continue;
      const auto [it, fresh] = best.emplace(node.chain, node.rank);
      if (!fresh) it->second = std::max(it->second, node.rank);
    }
    std::erase_if(state.nodes, [&](std::uint32_t at) {
      const Node& node = nodes_.all[at];
      return node.chain != kNone && best[node.chain] != node.rank;
    });
    state.after_word = state.after_word && looks;
    std::sort(state.nodes.begin(), state.nodes.end());
    const auto row = static_cast<std::uint32_t>(states_.size() * stride_);
    const auto [it, fresh] = rows_.emplace(std::move(state), row);
    if (fresh) {
      states_.push_back(&it->first);
      out_.table_.resize(out_.table_.size() + stride_);
    }
    return it->second;
  }

  void fill_row(std::size_t index) {
    const State state = *states_[index];
    const std::size_t row = index * stride_;
    bool open = false;
    std::uint32_t all_alike = 0;
    for (std::uint32_t c = 0; c <= out_.end_class_; ++c) {
      const bool is_end = c == out_.end_class_;
      const std::uint32_t entry = step(state, is_end ? std::nullopt : std::optional(examples_[c]));
      out_.table_[row + c] = entry;
      if (c == 0) all_alike = entry;
      open = open || (entry & ~Automaton::kEndsHere) != Automaton::kDead || entry != all_alike;
    }
    out_.table_[row + out_.open_class_] = open ? Automaton::kOpen : all_alike;
  }

  // What follows a state when the next byte is `byte`, or when the text ends.
  std::uint32_t step(const State& state, std::optional<std::uint8_t> byte) {
    const bool before_word = byte && word_bytes()[*byte];
    const bool boundary = state.after_word != before_word;
    std::vector<std::uint32_t> here = state.nodes;
    ++stamp_;
    for (const std::uint32_t at : here) seen_[at] = stamp_;
    bool ends_here = false;
    State next{{}, before_word};
    std::vector<std::uint32_t> targets;
    for (std::size_t i = 0; i < here.size(); ++i) {
      const Node& node = nodes_.all[here[i]];
      if (node.kind == Node::Kind::match) ends_here = true;
      if (node.kind == (boundary ? Node::Kind::boundary : Node::Kind::no_boundary)) follow(node.next, here);
      if (node.kind == Node::Kind::bytes && byte && node.set[*byte]) targets.push_back(node.next);
    }
    ++stamp_;
    for (const std::uint32_t target : targets) follow(target, next.nodes);
    const std::uint32_t row = next.nodes.empty() ? Automaton::kDead : row_of(std::move(next));
    return row | (ends_here ? Automaton::kEndsHere : 0);
  }

  // Adds `at` and what splits lead to, each node once per stamp.
  void follow(std::uint32_t at, std::vector<std::uint32_t>& into) {
    std::vector<std::uint32_t> open = {at};
    while (!open.empty()) {
      at = open.back();
      open.pop_back();
      if (std::exchange(seen_[at], stamp_) == stamp_) continue;
      const Node& node = nodes_.all[at];
      if (node.kind == Node::Kind::split) {
        open.push_back(node.next);
        open.push_back(node.other);
      } else {
        into.push_back(at);
      }
    }
  }

  Automaton out_;
  Nodes nodes_;
  std::vector<std::uint32_t> seen_;
  std::uint32_t stamp_ = 0;
  std::uint32_t stride_ = 0;
  std::vector<std::uint8_t> examples_;  // a byte of each class
  std::map<State, std::uint32_t> rows_;
  std::vector<const State*> states_;  // in the order of their rows; keys of rows_ stay where they are
};

Result<Automaton> Automaton::build(const Expression& expression) {
  return AutomatonBuilder().build(expression);
}

}  // namespace sluice::inspect
