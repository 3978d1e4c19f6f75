// See coded_value.h.
#include "dataplane/session/coded_value.h"

#include <algorithm>

#include "dataplane/protocol/postgres/array_head.h"
#include "dataplane/protocol/postgres/data_row.h"
#include "dataplane/protocol/postgres/values.h"

namespace sluice::session {
namespace {

using postgres::Blank;

constexpr std::uint32_t kMostCodedBytes = 80 * 1024;  // a numeric has at most 73,738
constexpr std::size_t kMostTextBytes = 256 * 1024;    // and 147,457 characters
constexpr std::size_t kKeptBytes = 4 * 1024;          // of a buffer between values

std::uint32_t number_at(const std::string& raw, std::size_t at) {
  return load_be32(as_bytes(raw).data() + at);
}

}  // namespace

bool CodedValue::reads(std::uint32_t type) {
  const postgres::Type* single = postgres::type_of(type);
  return single != nullptr ? is_single(*single) : postgres::type_of_array(type) != nullptr;
}

void CodedValue::begin(std::uint32_t type, std::uint32_t length, std::span<const RuleIndex> hidden_by) {
  type_ = postgres::type_of(type);
  is_array_ = type_ == nullptr;
  if (is_array_) type_ = postgres::type_of_array(type);
  hidden_by_ = hidden_by;
  left_ = length_ = length;
  wanted_ = is_array_ ? postgres::kArrayHeadBytes : length;
  state_ = is_array_ ? State::head : State::coded;
  elements_ = 0;
  raw_.clear();
}

// What is wanted may be nothing, so each round ends by bytes that are not there.
std::size_t CodedValue::label(Held& held, Message& message, Bytes bytes) {
  const std::size_t all = bytes.size();
  const auto is_read = [this] { return state_ != State::plain; };
  if (is_read() && wanted_ > left_) give_up(held, message);
  if (state_ == State::coded && raw_.empty() && wanted_ > kMostCodedBytes)
    begin_plain(held, message, length_, type_->binary_blank);
  while (state_ != State::none) {
    const auto count = static_cast<std::uint32_t>(std::min<std::size_t>(wanted_, bytes.size()));
    if (is_read()) raw_.append(as_text(bytes.first(count)));
    if (state_ == State::plain)
      held.label(RunKind::content, count);
    else if (state_ == State::length)
      held.label(RunKind::framing, count);
    else
      held.label_coded(count);
    bytes = bytes.subspan(count);
    left_ -= count;
    wanted_ -= count;
    if (wanted_ > 0) break;
    switch (state_) {
      case State::coded:
        finish_coded(held, message);
        break;
      case State::head:
        take_head(held, message);
        break;
      case State::bounds:
        take_bounds(held, message);
        break;
      case State::length:
        take_length(held, message);
        break;
      default:
        next_element(held, message);
        break;
    }
    if (awaits_element()) break;
  }
  return all - bytes.size();
}

void CodedValue::want(Held& held, Message& message, State state, std::uint32_t bytes) {
  if (bytes > left_) return give_up(held, message);
  if (state != State::bounds) raw_.clear();
  state_ = state;
  wanted_ = bytes;
}

// Content as it stands, of which what is open was the beginning; the rest of the value if it is as long.
void CodedValue::begin_plain(Held& held, Message& message, std::uint32_t length, Blank blank) {
  const auto open = static_cast<std::uint32_t>(held.open_bytes());
  held.close_plain(length);
  const std::uint64_t begin = held.content_end() - open;
  if (!hidden_by_.empty()) message.hide(hidden_by_, begin, begin + length, blank);
  state_ = State::plain;
  wanted_ = length - open;
}

// What is left, and what is open, is nothing that its type has.
void CodedValue::give_up(Held& held, Message& message) {
  elements_ = 0;
  begin_plain(held, message, left_ + static_cast<std::uint32_t>(held.open_bytes()), Blank::stars);
}

void CodedValue::finish_coded(Held& held, Message& message) {
  text_.clear();
  const ErrorCode error = postgres::append_text(type_->oid, as_bytes(raw_), kMostTextBytes, text_);
  if (error != ErrorCode::ok || text_.empty()) return begin_plain(held, message, length_, type_->binary_blank);
  held.close_coded(text_, type_->binary_blank);
  const std::uint64_t end = held.content_end();
  if (!hidden_by_.empty()) message.hide(hidden_by_, end - text_.size(), end, type_->binary_blank);
  next_element(held, message);
}

void CodedValue::take_head(Held& held, Message& message) {
  const std::uint32_t head = postgres::array_head_bytes(as_bytes(raw_), type_->oid);
  if (head == 0) return give_up(held, message);
  want(held, message, State::bounds, head - postgres::kArrayHeadBytes);
}

void CodedValue::take_bounds(Held& held, Message& message) {
  const auto count = postgres::array_elements(as_bytes(raw_), left_ / postgres::kElementHeadBytes);
  if (!count) return give_up(held, message);
  held.close_framing();
  held.mark(Item::list, *count);
  elements_ = *count;
  next_element(held, message);
}

void CodedValue::take_length(Held& held, Message& message) {
  const std::uint32_t length = number_at(raw_, 0);
  if (length == postgres::kNullLength) {
    held.mark(Item::null, 0);
    return next_element(held, message);
  }
  if (length > left_) return give_up(held, message);
  length_ = length;
  if (is_single(*type_) && length <= kMostCodedBytes) return want(held, message, State::coded, length);
  begin_plain(held, message, length, type_->binary_blank);
}

void CodedValue::next_element(Held& held, Message& message) {
  if (elements_ > 0) {
    --elements_;
    return want(held, message, State::length, postgres::kElementHeadBytes);
  }
  if (left_ > 0) return give_up(held, message);
  state_ = State::none;
  if (raw_.capacity() > kKeptBytes) raw_ = {};
  if (text_.capacity() > kKeptBytes) text_ = {};
}

}  // namespace sluice::session
