// See copy_reader.h. The format is that of PostgreSQL's chapter on COPY, "Binary Format".
#include "dataplane/protocol/postgres/copy_reader.h"

#include <algorithm>
#include <string_view>
#include <utility>

namespace sluice::postgres {
namespace {

constexpr std::string_view kSignature("PGCOPY\n\xff\r\n", 10);  // and a 0
constexpr std::uint32_t kNull = 0xffffffff;
constexpr std::uint32_t kTrailer = 0xffff;
constexpr std::uint32_t kMostLength = 0x7fffffff;
constexpr std::uint32_t kMostValues = 0x7fff;

}  // namespace

CopyReader::Step CopyReader::next(Bytes input) {
  switch (state_) {
    case State::signature:
      return next_of_signature(input);
    case State::flags:  // who does not know one of the upper sixteen must not read on
    case State::extension:
    case State::length:
      return gather(input, 4);
    case State::count:
      return gather(input, 2);
    case State::value: {
      const std::size_t bytes = std::min<std::size_t>(input.size(), left_);
      if (bytes == 0 && left_ > 0) return {};
      left_ -= static_cast<std::uint32_t>(bytes);
      const bool first = !is_begun_;
      is_begun_ = left_ > 0;
      if (left_ == 0) state_ = behind_value();
      return {.kind = Kind::value, .bytes = bytes, .first = first, .length = length_};
    }
    case State::null:
      state_ = behind_value();
      return {.kind = Kind::null};
    case State::end_of_row:
      state_ = State::count;
      return {.kind = Kind::row_end, .length = values_};
    case State::trailer:  // nothing follows; if it does, it is nothing that is known
      if (!input.empty()) state_ = State::text;
      [[fallthrough]];
    case State::text:
      return input.empty() ? Step{} : Step{.kind = Kind::text, .bytes = input.size()};
  }
  return {};
}

CopyReader::Step CopyReader::next_of_signature(Bytes input) {
  if (input.empty()) return {};
  const Bytes expected = as_bytes(kSignature).subspan(gathered_);
  if (expected.empty()) {
    gathered_ = 0;
    state_ = input[0] == 0 ? State::flags : State::text;
    return state_ == State::flags ? Step{.kind = Kind::begin, .bytes = 1} : next(input);
  }
  const auto same = static_cast<std::size_t>(std::ranges::mismatch(input, expected).in1 - input.begin());
  gathered_ = static_cast<std::uint8_t>(gathered_ + same);
  if (same == input.size() || same == expected.size()) return {.kind = Kind::text, .bytes = same};
  state_ = State::text;
  return next(input);
}

// A number is framing; what it says is known with its last byte.
CopyReader::Step CopyReader::gather(Bytes input, std::uint32_t wanted) {
  const std::size_t bytes = std::min<std::size_t>(input.size(), wanted - gathered_);
  if (bytes == 0) return {};
  for (const std::uint8_t byte : input.first(bytes)) number_ = number_ << 8 | byte;
  gathered_ = static_cast<std::uint8_t>(gathered_ + bytes);
  if (gathered_ == wanted) {
    gathered_ = 0;
    state_ = behind_number(std::exchange(number_, 0));
  }
  return {.kind = Kind::framing, .bytes = bytes};
}

CopyReader::State CopyReader::behind_number(std::uint32_t number) {
  switch (state_) {
    case State::flags:
      return number >> 16 == 0 ? State::extension : State::text;
    case State::extension:
      if (number > kMostLength) return State::text;
      length_ = left_ = number;
      return number == 0 ? State::count : State::value;
    case State::count:
      if (number == kTrailer) return State::trailer;
      if (number > kMostValues) return State::text;
      values_ = values_left_ = number;
      return number == 0 ? State::end_of_row : State::length;
    default:
      if (number == kNull) return State::null;
      if (number > kMostLength) return State::text;
      length_ = left_ = number;
      return State::value;
  }
}

// What extends the header comes before the first row, where no values are left.
CopyReader::State CopyReader::behind_value() {
  if (values_left_ == 0) return State::count;
  return --values_left_ == 0 ? State::end_of_row : State::length;
}

}  // namespace sluice::postgres
