// The text of a statement without its literals, as it is written token by token: one space at most between two tokens,
// and of the elements of a list (`IN (...)`, `ARRAY[...]`, the rows of VALUES) only those that differ. It is itself a
// statement: read by the same grammar it says all that the first one says, but for its literals.
//
// What always holds: the text is bounded, and what does not fit is told by full(); nothing is allocated after the
// beginning.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

#include "dataplane/sql/lexer.h"

namespace sluice::sql {

class Skeleton {
 public:
  explicit Skeleton(std::size_t bytes) : text_(bytes) {}

  void begin();
  // One token: `text` stands for it. A word is folded.
  void put(TokenKind kind, std::string_view text);
  void finish();

  [[nodiscard]] bool full() const { return full_; }
  [[nodiscard]] std::string_view text() const { return {text_.data(), size_}; }
  // As written: the last token, when that was a word.
  [[nodiscard]] std::string_view last_word() const {
    return last_ == TokenKind::word ? text().substr(last_begin_) : std::string_view{};
  }
  [[nodiscard]] TokenKind last() const { return last_; }

 private:
  static constexpr std::size_t kDepth = 64;      // of brackets; in deeper ones lists stay as they are
  static constexpr std::size_t kElements = 128;  // different ones of all open lists; more are not told apart

  enum class List : std::uint8_t { none, elements, array, rows };
  struct Frame {
    List list = List::none;
    bool in_element = false;
    bool separated = false;       // no element, or a comma, since the last one
    std::uint16_t first = 0;      // of this list's elements
    std::uint32_t element = 0;    // where the one that is being written begins
    std::uint32_t separator = 0;  // where what separates it from the one before begins
  };
  struct Span {
    std::uint32_t begin;
    std::uint32_t bytes;
  };

  Frame* frame() { return depth_ < kDepth ? &frames_[depth_] : nullptr; }
  [[nodiscard]] bool needs_space(TokenKind kind, char first) const;
  void write(TokenKind kind, std::string_view text);
  void open(char bracket);
  void close();
  void begin_list(Frame& frame, List list);
  void end_element(Frame& frame);
  void before(TokenKind kind, char character);
  [[nodiscard]] bool begins_query() const;

  std::vector<char> text_;
  std::size_t size_ = 0;
  std::size_t last_begin_ = 0;
  TokenKind last_ = TokenKind::end;
  char last_character_ = 0;  // of punctuation
  bool full_ = false;
  std::size_t depth_ = 0;
  std::array<Frame, kDepth> frames_{};
  std::array<Span, kElements> elements_{};
  std::size_t element_count_ = 0;
};

}  // namespace sluice::sql
