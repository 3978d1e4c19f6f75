// Expression -> nodes (Thompson) -> table (subset construction). \b looks at the byte behind it, so a set of
// nodes keeps its boundaries open until that byte is known; a match is seen to end one lookup late.
#include "rules/automaton.h"

#include <algorithm>
#include <map>
#include <optional>
#include <unordered_map>
#include <utility>

#include "common/assert.h"
#include "rules/bounds.h"
#include "rules/start_filter.h"

namespace sluice::rules {
namespace {

constexpr std::size_t kMaxNodes = 64 * 1024;
// Nodes looked at while the table is made: bounds the time and the memory that one expression takes.
constexpr std::size_t kMaxWork = 32 * 1024 * 1024;
constexpr std::size_t kMaxFilterEntries = 64 * 1024;
constexpr std::size_t kMaxFilterWork = 2 * 1024 * 1024;
constexpr std::uint32_t kNone = ~std::uint32_t{0};

struct Node {
  enum class Kind : std::uint8_t { bytes, split, boundary, no_boundary, end, match };
  Kind kind = Kind::match;
  ByteSet set{};
  std::uint32_t next = kNone;
  std::uint32_t other = kNone;  // split
  // Optional copies of one byte, as in \d{0,9}: of those in one set the one with the most copies to come
  // (the highest rank) matches all that the others do, and stands for them.
  std::uint32_t chain = kNone;
  std::uint32_t rank = 0;
};

bool looks(const Node& node) {
  return node.kind == Node::Kind::boundary || node.kind == Node::Kind::no_boundary;
}

// Nodes are made from the end to the beginning: each knows what comes after it.
class Nodes {
 public:
  // What may be repeated more often than this may be repeated without end.
  std::uint32_t loop_above = kMaxMatchBytes;

  std::uint32_t add(Node node) {
    if (all.size() < kMaxNodes) all.push_back(node);
    return static_cast<std::uint32_t>(all.size() - 1);
  }
  [[nodiscard]] bool full() const { return all.size() >= kMaxNodes; }
  [[nodiscard]] std::uint32_t chains() const { return chains_; }

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
      case Expression::Kind::end:
        return add({.kind = Node::Kind::end, .next = next});
    }
    return next;
  }

  std::vector<Node> all;

 private:
  std::uint32_t compile_repeat(const Expression& e, std::uint32_t next) {
    const Expression& body = e.parts.front();
    const std::uint32_t chain = body.kind == Expression::Kind::bytes ? chains_++ : kNone;
    // Any number of copies of something without width is the same as one.
    const std::uint32_t most = widths_of(body).max == 0 ? 1 : kMaxMatchBytes;
    const std::uint32_t needed = std::min(e.min, most);
    const std::uint32_t optional = std::min(e.max - e.min, most);
    if (e.max > loop_above) return compile_loop(body, std::min(needed, loop_above), next);
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

  std::uint32_t compile_loop(const Expression& body, std::uint32_t needed, std::uint32_t next) {
    std::uint32_t entry = add({.kind = Node::Kind::split, .other = next});
    const std::uint32_t again = compile(body, entry);
    all[entry].next = again;
    for (std::uint32_t copy = 0; copy < needed && !full(); ++copy) entry = compile(body, entry);
    return entry;
  }

  std::uint32_t chains_ = 0;
};

}  // namespace

class AutomatonBuilder {
 public:
  std::optional<Automaton> build(const Expression& expression) {
    const Widths widths = widths_of(expression);
    SLUICE_ASSERT(widths.max <= kMaxMatchBytes);
    out_.min_width_ = widths.min;
    out_.max_width_ = widths.max;
    const std::uint32_t entry = nodes_.compile(expression, nodes_.add({}));
    if (nodes_.full()) return std::nullopt;
    seen_.resize(nodes_.all.size());
    best_.resize(nodes_.chains());
    classify_bytes({word_bytes()});
    if (!determinize(entry)) return std::nullopt;
    out_.find_lanes();
    return std::move(out_);
  }

  // The automaton of the reversed expression, with a match that may begin anywhere.
  std::optional<StartFilter> build_starts(const Expression& reversed, std::uint32_t loop_above) {
    max_entries_ = kMaxFilterEntries;
    max_work_ = kMaxFilterWork;
    nodes_.loop_above = loop_above;
    const std::uint32_t entry = nodes_.compile(reversed, nodes_.add({}));
    if (nodes_.full()) return std::nullopt;
    seen_.resize(nodes_.all.size());
    best_.resize(nodes_.chains());
    ByteSet escape_ends;
    for (const char c : kEscapeEnds) escape_ends.set(static_cast<unsigned char>(c));
    classify_bytes({word_bytes(), escape_ends});
    ++stamp_;
    follow(entry, everywhere_);
    State at_end{everywhere_, false};
    State within;  // of a longer text: all may be under way
    ++stamp_;
    for (std::uint32_t node = 0; node < nodes_.all.size(); ++node) follow(node, within.nodes);
    StartFilter filter;
    row_of(at_end);  // row 0 is none but this
    filter.within_ = row_of(within);
    if (!fill_rows()) return std::nullopt;
    filter.reversed_ = std::move(out_);
    return filter;
  }

 private:
  // Nodes before any byte is read, splits followed, ascending; and what \b saw on its left.
  struct State {
    std::vector<std::uint32_t> nodes;
    bool after_word = false;
    bool operator==(const State&) const = default;
  };
  struct StateHash {
    std::size_t operator()(const State& state) const {
      std::uint64_t hash = state.after_word ? 1 : 2;
      for (const std::uint32_t node : state.nodes) hash = (hash ^ node) * 0x9e3779b97f4a7c15U;
      return hash ^ hash >> 32;
    }
  };

  // By the sets of the nodes and these.
  void classify_bytes(std::vector<ByteSet> sets) {
    ByteSet contained;
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
    }
    out_.contained_ = ByteSpan(contained);
    out_.end_class_ = static_cast<std::uint32_t>(examples_.size());
    out_.open_class_ = out_.end_class_ + 1;
    stride_ = out_.open_class_ + 1;
  }

  // False when a bound was met.
  bool determinize(std::uint32_t entry) {
    State state;
    row_of(state);  // the dead state is row 0
    ++stamp_;
    follow(entry, state.nodes);
    const State begin = state;
    out_.initial_ = row_of(state);
    state = {begin.nodes, true};
    out_.initial_after_word_ = row_of(state);
    return fill_rows();
  }

  bool fill_rows() {
    for (std::size_t done = 0; done < states_.size(); ++done) {
      if (out_.table_.size() > max_entries_ || work_ > max_work_) return false;
      fill_row(done);
    }
    return true;
  }

  // The row of a state that may be new. What can make no difference is left out of it first.
  std::uint32_t row_of(State& state) {
    bool is_looking = false;
    bool chained = false;
    for (const std::uint32_t at : state.nodes) {
      const Node& node = nodes_.all[at];
      is_looking = is_looking || looks(node);
      if (node.chain == kNone) continue;
      Best& best = best_[node.chain];
      best = {stamp_, best.stamp == stamp_ ? std::max(best.rank, node.rank) : node.rank};
      chained = true;
    }
    if (chained) {
      std::erase_if(state.nodes, [&](std::uint32_t at) {
        const Node& node = nodes_.all[at];
        return node.chain != kNone && best_[node.chain].rank != node.rank;
      });
    }
    state.after_word = state.after_word && is_looking;
    std::sort(state.nodes.begin(), state.nodes.end());
    if (const auto known = rows_.find(state); known != rows_.end()) return known->second;
    const auto row = static_cast<std::uint32_t>(states_.size() * stride_);
    states_.push_back(&rows_.emplace(state, row).first->first);
    out_.table_.resize(out_.table_.size() + stride_);
    return row;
  }

  void fill_row(std::size_t index) {
    const State& state = *states_[index];
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
    // Read backwards, any place may be the end; and this byte may be the end of an escape, and no word (ends_escape):
    // \b may stand there, and \B.
    const bool backwards = !everywhere_.empty();
    const bool unsure = backwards && byte && kEscapeEnds.find(static_cast<char>(*byte)) != kEscapeEnds.npos;
    here_.assign(state.nodes.begin(), state.nodes.end());
    ++stamp_;
    for (const std::uint32_t at : here_) seen_[at] = stamp_;
    bool ends_here = false;
    targets_.clear();
    for (std::size_t i = 0; i < here_.size(); ++i) {
      const Node& node = nodes_.all[here_[i]];
      if (node.kind == Node::Kind::match) ends_here = true;
      const bool holds = node.kind == (boundary ? Node::Kind::boundary : Node::Kind::no_boundary) ||
                         (node.kind == Node::Kind::end && (!byte || backwards));
      if (holds || (unsure && looks(node))) follow(node.next, here_);
      if (node.kind == Node::Kind::bytes && byte && node.set[*byte]) targets_.push_back(node.next);
    }
    work_ += here_.size();
    ++stamp_;
    next_.nodes.clear();
    next_.after_word = before_word;
    for (const std::uint32_t target : targets_) follow(target, next_.nodes);
    for (const std::uint32_t node : everywhere_)
      if (std::exchange(seen_[node], stamp_) != stamp_) next_.nodes.push_back(node);
    const std::uint32_t row = next_.nodes.empty() ? Automaton::kDead : row_of(next_);
    return row | (ends_here ? Automaton::kEndsHere : 0);
  }

  // Adds `at` and what splits lead to, each node once per stamp.
  void follow(std::uint32_t at, std::vector<std::uint32_t>& into) {
    open_.push_back(at);
    while (!open_.empty()) {
      at = open_.back();
      open_.pop_back();
      if (std::exchange(seen_[at], stamp_) == stamp_) continue;
      ++work_;
      const Node& node = nodes_.all[at];
      if (node.kind == Node::Kind::split) {
        open_.push_back(node.next);
        open_.push_back(node.other);
      } else {
        into.push_back(at);
      }
    }
  }

  // The highest rank of a chain in the state at hand.
  struct Best {
    std::uint32_t stamp = 0;
    std::uint32_t rank = 0;
  };

  Automaton out_;
  Nodes nodes_;
  std::size_t work_ = 0;
  std::size_t max_entries_ = kMaxTableEntries;
  std::size_t max_work_ = kMaxWork;
  std::vector<std::uint32_t> everywhere_;  // what is added at each byte: nothing when matches are anchored
  std::uint32_t stamp_ = 0;
  std::vector<std::uint32_t> seen_;
  std::vector<Best> best_;
  std::uint32_t stride_ = 0;
  std::vector<std::uint8_t> examples_;  // a byte of each class
  std::unordered_map<State, std::uint32_t, StateHash> rows_;
  std::vector<const State*> states_;  // in the order of their rows; keys of rows_ stay where they are
  // Room that step() and follow() use again and again.
  std::vector<std::uint32_t> here_;
  std::vector<std::uint32_t> targets_;
  std::vector<std::uint32_t> open_;
  State next_;
};

std::optional<StartFilter> StartFilter::build(const Expression& expression) {
  const Expression backwards = reversed(expression);
  for (const std::uint32_t loop_above : {kMaxMatchBytes, 128U, 32U, 8U, 1U})
    if (auto filter = AutomatonBuilder().build_starts(backwards, loop_above)) return filter;
  return std::nullopt;
}

std::optional<Automaton> Automaton::build(const Expression& expression) {
  return AutomatonBuilder().build(expression);
}

// Only rows are made that some text leads to.
bool Automaton::can_match() const {
  return std::ranges::any_of(table_, [](std::uint32_t entry) { return (entry & kEndsHere) != 0; });
}

EndPlaces Automaton::ends_between() const {
  EndPlaces out{.class_of = class_of_, .classes = end_class_, .at_end = end_class_, .pairs = {}};
  out.pairs.resize(std::size_t{end_class_} * (end_class_ + 1));
  for (std::size_t row = 0; row < table_.size(); row += open_class_ + 1)
    for (std::uint32_t before = 0; before < end_class_; ++before) {
      const std::uint32_t next = table_[row + before] & kRow;
      for (std::uint32_t behind = 0; behind <= end_class_; ++behind)
        if ((table_[next + behind] & kEndsHere) != 0) out.pairs[before * (end_class_ + 1) + behind] = 1;
    }
  return out;
}

std::optional<Automaton::Path> Automaton::longer(const Path& path, const ByteSet& among) const {
  ByteSet set;
  std::vector<std::uint32_t> next;
  for (const std::uint32_t state : path.states)
    for (unsigned byte = 0; byte < 256; ++byte) {
      const std::uint32_t target = table_[state + class_of_[byte]] & kRow;
      if (!among[byte] || target == kDead) continue;
      set.set(byte);
      next.push_back(target);
    }
  if (next.empty()) return std::nullopt;
  std::ranges::sort(next);
  next.erase(std::ranges::unique(next).begin(), next.end());
  Path out{path.sets, std::move(next)};
  out.sets.push_back(set);
  return out;
}

std::vector<ByteSet> Automaton::first_bytes(std::uint32_t depth) const {
  return std::move(first_bytes_apart(depth, 1).front());
}

std::vector<std::vector<ByteSet>> Automaton::first_bytes_apart(std::uint32_t depth, std::size_t most) const {
  const ByteSet percent = single_byte('%');
  const std::array<ByteSet, 3> kinds = {word_bytes(), percent, ~(word_bytes() | percent)};
  std::vector<Path> paths = {{{}, {initial_, initial_after_word_}}};
  for (std::uint32_t i = 0; i < depth; ++i) {
    std::vector<Path> apart;
    for (const Path& path : paths)
      for (const ByteSet& kind : kinds)
        if (auto next = longer(path, kind)) apart.push_back(*std::move(next));
    if (apart.size() > most) {
      apart.clear();
      for (const Path& path : paths)
        if (auto next = longer(path, ByteSet().set())) apart.push_back(*std::move(next));
    }
    paths = std::move(apart);
  }
  if (paths.empty()) return {std::vector<ByteSet>(depth)};  // there is no match
  std::vector<std::vector<ByteSet>> out;
  for (Path& path : paths) out.push_back(std::move(path.sets));
  return out;
}

}  // namespace sluice::rules
