// See skeleton.h.
#include "dataplane/sql/skeleton.h"

#include <algorithm>

namespace sluice::sql {
namespace {

bool is_name(TokenKind kind) {
  return kind == TokenKind::word || kind == TokenKind::quoted_identifier || kind == TokenKind::unicode_identifier;
}

char folded(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
}

}  // namespace

void Skeleton::begin() {
  size_ = last_begin_ = depth_ = element_count_ = 0;
  last_ = TokenKind::end;
  last_character_ = 0;
  full_ = false;
  frames_[0] = {};
}

// Only where both tokens would be read as two without it.
bool Skeleton::needs_space(TokenKind kind, char first) const {
  if (last_ == TokenKind::end) return false;
  const char last = last_character_;
  if (last == '(' || last == '[') return false;
  if (last == '.' && is_name(kind)) return false;
  if (kind != TokenKind::punctuation) return true;
  if (first == ')' || first == ']' || first == ',' || first == ';') return false;
  if (first == '.') return !is_name(last_) && last != ')' && last != ']';
  if (first == '(' || first == '[') return !is_name(last_);
  return true;
}

void Skeleton::write(TokenKind kind, std::string_view text) {
  const char first = text.empty() ? '\0' : text.front();
  const bool space = needs_space(kind, first);
  if (text_.size() - size_ < text.size() + 1) {
    full_ = true;
    return;
  }
  if (space) text_[size_++] = ' ';
  last_begin_ = size_;
  char* const to = text_.data() + size_;
  if (kind == TokenKind::word)
    std::ranges::transform(text, to, folded);
  else
    std::ranges::copy(text, to);
  size_ += text.size();
  last_ = kind;
  last_character_ = kind == TokenKind::punctuation ? first : '\0';
}

void Skeleton::begin_list(Frame& frame, List list) {
  frame.list = list;
  frame.in_element = false;
  frame.separated = true;
  frame.first = static_cast<std::uint16_t>(element_count_);
}

void Skeleton::open(char bracket) {
  Frame* const outer = frame();
  const std::string_view word = last_word();
  List list = List::none;
  if (bracket == '(' && word == "in") list = List::elements;
  if (bracket == '[' && (word == "array" || (outer != nullptr && outer->list == List::array && !outer->in_element)))
    list = List::array;
  if (bracket == '(' && word == "values" && outer != nullptr && outer->list != List::rows)
    begin_list(*outer, List::rows);
  before(TokenKind::punctuation, bracket);
  write(TokenKind::punctuation, {&bracket, 1});
  ++depth_;
  Frame* const inner = frame();
  if (inner == nullptr) return;
  *inner = {};
  begin_list(*inner, list);
}

// An element that is there already goes again, with what separates it from the one before.
void Skeleton::end_element(Frame& frame) {
  if (!frame.in_element) return;
  frame.in_element = false;
  const std::string_view whole = text();
  const std::string_view element = whole.substr(frame.element);
  for (std::size_t i = frame.first; i < element_count_; ++i) {
    if (elements_[i].bytes != element.size() || whole.substr(elements_[i].begin, element.size()) != element) continue;
    size_ = last_begin_ = frame.separator;
    return;
  }
  if (element_count_ < kElements)
    elements_[element_count_++] = {frame.element, static_cast<std::uint32_t>(element.size())};
}

void Skeleton::close() {
  Frame* const inner = frame();
  if (inner != nullptr) {
    if (inner->list == List::elements || inner->list == List::array) end_element(*inner);
    element_count_ = std::min<std::size_t>(element_count_, inner->first);
  }
  if (depth_ > 0) --depth_;
}

bool Skeleton::begins_query() const {
  const std::string_view word = last_word();
  return word == "select" || word == "with" || word == "values" || word == "table";
}

// What the token to come means to the list that it stands in.
void Skeleton::before(TokenKind kind, char character) {
  Frame* const here = frame();
  if (here == nullptr || here->list == List::none) return;
  const bool comma = kind == TokenKind::punctuation && character == ',';
  if (comma) {
    if (here->list != List::rows) end_element(*here);
    here->separator = static_cast<std::uint32_t>(size_);
    here->separated = true;
    return;
  }
  const bool begins_row = character == '(' && kind == TokenKind::punctuation && !here->in_element && here->separated;
  if (here->list == List::rows && !begins_row) {
    here->list = List::none;
    element_count_ = std::min<std::size_t>(element_count_, here->first);
    return;
  }
  if (here->in_element) return;
  here->in_element = true;
  here->separated = false;
  here->element = static_cast<std::uint32_t>(size_ + (needs_space(kind, character) ? 1 : 0));
}

void Skeleton::put(TokenKind kind, std::string_view text) {
  const char character = kind == TokenKind::punctuation ? text.front() : '\0';
  if (character == '(' || character == '[') return open(character);
  if (character == ')' || character == ']') {
    close();
    write(kind, text);
    Frame* const here = frame();
    if (here != nullptr && here->list == List::rows) end_element(*here);
    return;
  }
  if (character == ';' && (last_ == TokenKind::end || last_character_ == ';')) return;
  before(kind, character);
  write(kind, text);
  Frame* const here = frame();
  // IN (SELECT ...): what commas separate there is no list of values.
  if (here != nullptr && here->list == List::elements && here->in_element && last_begin_ == here->element &&
      begins_query())
    here->list = List::none;
}

void Skeleton::finish() {
  if (last_character_ == ';') --size_;
}

}  // namespace sluice::sql
