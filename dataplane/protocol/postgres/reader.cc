#include "dataplane/protocol/postgres/reader.h"

#include <algorithm>
#include <cstring>

namespace sluice::postgres {
namespace {

constexpr std::uint32_t kMostLength = 0x7fffffff;
constexpr std::uint8_t kLengthBytes = 4;
constexpr std::uint8_t kPacketHeadBytes = 8;   // length and code
constexpr std::uint8_t kMessageHeadBytes = 5;  // type and length
constexpr std::uint32_t kCancelRequest = 80877102;
constexpr std::uint32_t kSslRequest = 80877103;
constexpr std::uint32_t kGssRequest = 80877104;
constexpr std::uint32_t kMajor = 3;
constexpr std::size_t kKeptValues = 256;  // of each list between messages: idle connections stay small

template <class T>
void empty(std::vector<T>& list) {
  list.clear();
  if (list.capacity() > kKeptValues) std::vector<T>().swap(list);
}

void empty(Values& values) {
  values.count = 0;
  values.target = 0;
  empty(values.types);
  empty(values.formats);
  empty(values.result_formats);
  empty(values.columns);
  empty(values.key);
}

}  // namespace

Reader::Reader(Direction direction, const Limits& limits)
    : limits_(limits), direction_(direction), has_types_(direction == Direction::response) {}

Step Reader::next(Bytes input, std::uint64_t behind) {
  switch (state_) {
    case State::head:
      return input.empty() ? Step{} : next_head(input);
    case State::body:
      return next_body(input, behind);
    case State::opaque:
      return label(input.empty() ? StepKind::more : StepKind::opaque, input.empty() ? 0 : input.size() + behind);
    case State::failed:
      break;
  }
  return {.kind = StepKind::error, .error = error_};
}

Step Reader::finish() {
  if (state_ == State::failed) return {.kind = StepKind::error, .error = error_};
  if (state_ == State::body || !(idle() || state_ == State::opaque)) return fail(ErrorCode::postgres_incomplete);
  return {.kind = StepKind::message_end};
}

void Reader::expect_encryption_answer(bool gss) {
  answer_ = gss ? 'G' : 'S';
}

void Reader::become_opaque() {
  if (state_ != State::failed) state_ = State::opaque;
}

// A head is looked at byte by byte where it is cut or wrong, so that it is refused at the same byte however it is cut.
Step Reader::next_head(Bytes input) {
  if (head_bytes_ == 0 && has_types_ && answer_ == 0 && input.size() >= kMessageHeadBytes) {
    std::memcpy(raw_.data(), input.data(), kMessageHeadBytes);
    if (check_head(1) == ErrorCode::ok && check_head(kMessageHeadBytes) == ErrorCode::ok)
      return begin_message(kMessageHeadBytes - 1, kMessageHeadBytes);
  }
  for (std::uint32_t used = 0; used < input.size(); ++used) {
    raw_.at(head_bytes_) = input[used];
    if (const ErrorCode error = check_head(head_bytes_ + 1U); error != ErrorCode::ok)
      return fail_behind(StepKind::more, used, error);
    ++head_bytes_;
    const bool is_answer = answer_ != 0 && raw_[0] != 'E';
    if (is_answer || head_bytes_ == (has_types_ ? kMessageHeadBytes : kPacketHeadBytes))
      return begin_message(used, head_bytes_);
  }
  return label(StepKind::more, input.size());
}

// What the last of `have` bytes shows.
ErrorCode Reader::check_head(std::uint32_t have) const {
  if (over_) return ErrorCode::postgres_unexpected_message;
  if (has_types_) {
    if (have == 1) {
      if (answer_ != 0 && raw_[0] != 'E')
        return raw_[0] == answer_ || raw_[0] == 'N' ? ErrorCode::ok : ErrorCode::postgres_bad_answer;
      return grammar(direction_, raw_[0]).kind == MessageKind::none ? ErrorCode::postgres_unknown_message
                                                                    : ErrorCode::ok;
    }
    if (have < kMessageHeadBytes) return ErrorCode::ok;
    const std::uint32_t length = load_be32(raw_.data() + 1);
    return length < kLengthBytes || length > kMostLength ? ErrorCode::postgres_bad_length : ErrorCode::ok;
  }
  const std::uint32_t length = load_be32(raw_.data());
  if (have == kLengthBytes && (length < kPacketHeadBytes || length > limits_.startup_bytes))
    return ErrorCode::postgres_bad_startup;
  if (have < kPacketHeadBytes) return ErrorCode::ok;
  const std::uint32_t code = load_be32(raw_.data() + kLengthBytes);
  if (code == kSslRequest || code == kGssRequest)
    return length == kPacketHeadBytes ? ErrorCode::ok : ErrorCode::postgres_bad_startup;
  return code == kCancelRequest || code >> 16U == kMajor ? ErrorCode::ok : ErrorCode::postgres_version_unsupported;
}

// Its head of `head` bytes is in raw_, checked; `before` bytes of this run and the one after them were its last ones.
Step Reader::begin_message(std::uint32_t before, std::uint32_t head) {
  message_ = {.offset = offset_ + before + 1 - head};
  empty(values_);
  field_ = {};
  if (head == 1) {
    message_.kind = MessageKind::encryption_answer;
    message_.type = raw_[0];
    at_ = kEmptyProgram;
    left_ = 0;
  } else if (has_types_) {
    const Grammar& known = grammar(direction_, raw_[0]);
    message_.kind = known.kind;
    message_.type = raw_[0];
    message_.length = load_be32(raw_.data() + 1);
    at_ = known.program;
    left_ = message_.length - kLengthBytes;
  } else {
    message_.length = load_be32(raw_.data());
    left_ = message_.length - kPacketHeadBytes;
    begin_packet(load_be32(raw_.data() + kLengthBytes));
  }
  state_ = State::body;
  doing_ = Doing::instruction;
  answer_ = head_bytes_ = 0;
  index_ = repeats_ = 0;
  is_value_ = false;
  return label(StepKind::message, before + 1);
}

void Reader::begin_packet(std::uint32_t code) {
  at_ = kEmptyProgram;
  if (code == kSslRequest) {
    message_.kind = MessageKind::ssl_request;
  } else if (code == kGssRequest) {
    message_.kind = MessageKind::gss_request;
  } else if (code == kCancelRequest) {
    message_.kind = MessageKind::cancel_request;
    at_ = kCancelProgram;
    over_ = true;
  } else {
    message_.kind = MessageKind::startup;
    at_ = kStartupProgram;
    values_.protocol = code;
    has_types_ = true;
  }
}

Step Reader::next_body(Bytes input, std::uint64_t behind) {
  std::uint32_t used = 0;  // bytes of framing: they are one run up to the next field
  for (;;) {
    const Bytes rest = input.subspan(used);
    switch (doing_) {
      case Doing::instruction:
        if (at_->op == Op::end && left_ == 0) {
          if (used > 0) return label(StepKind::framing, used);
          state_ = State::head;
          return {.kind = StepKind::message_end};
        }
        // The cells of rows, as they nearly always come; what is cut or wrong goes the long way, with the same end.
        if (at_->op == Op::sized && rest.size() >= kLengthBytes && left_ >= kLengthBytes) {
          left_ -= kLengthBytes;
          used += kLengthBytes;
          if (const ErrorCode error = take_length(load_be32(rest.data())); error != ErrorCode::ok)
            return fail_behind(StepKind::framing, used - 1, error);
          return label(StepKind::framing, used);
        }
        if (const ErrorCode error = begin_instruction(); error != ErrorCode::ok)
          return fail_behind(StepKind::framing, used, error);
        break;
      case Doing::number: {
        if (rest.empty()) return label(used > 0 ? StepKind::framing : StepKind::more, used);
        used += gather(rest);
        if (gathered_ < wanted_) break;
        if (const ErrorCode error = take_number(); error != ErrorCode::ok)
          return fail_behind(StepKind::framing, used - 1, error);
        break;
      }
      case Doing::choice:  // an empty text ends the list
        if (rest.empty()) return label(used > 0 ? StepKind::framing : StepKind::more, used);
        if (rest.front() == 0) {
          --left_;
          ++used;
          ++at_;
          doing_ = Doing::instruction;
        } else {
          begin_field(false, 0);
          doing_ = Doing::text;
        }
        break;
      case Doing::text:
        return used > 0 ? label(StepKind::framing, used) : next_text(input);
      case Doing::counted:
        return used > 0 ? label(StepKind::framing, used) : next_counted(input, behind);
    }
  }
}

Step Reader::next_text(Bytes input) {
  if (left_ == 0) return fail(ErrorCode::postgres_missing_nul);
  if (input.empty()) return {};
  const Bytes window = input.first(std::min<std::size_t>(input.size(), left_));
  const void* nul = std::memchr(window.data(), 0, window.size());
  std::size_t bytes = window.size();
  if (nul != nullptr) {
    bytes = static_cast<std::size_t>(static_cast<const std::uint8_t*>(nul) - window.data());
    field_.last = true;
    begin_number(1, Number::nul);
  }
  return piece(bytes);
}

Step Reader::next_counted(Bytes input, std::uint64_t behind) {
  if (field_left_ > 0 && input.empty()) return {};
  const bool is_key = field_.kind == FieldKind::cancel_key;
  const std::uint64_t available = input.size() + (is_key ? 0 : behind);
  const std::uint64_t bytes = std::min<std::uint64_t>({field_left_, available, kMostStepBytes});
  if (is_key) values_.key.insert(values_.key.end(), input.begin(), input.begin() + static_cast<std::ptrdiff_t>(bytes));
  field_left_ -= static_cast<std::uint32_t>(bytes);
  field_.last = field_left_ == 0;
  if (field_.last) {
    ++at_;
    doing_ = Doing::instruction;
    if (at_->op == Op::again) list_again();
  }
  return piece(bytes);
}

// The labels `first` and `last` are those of this piece.
Step Reader::piece(std::uint64_t bytes) {
  const Step step = label(StepKind::field, bytes);
  left_ -= step.bytes;
  field_.first = !field_begun_;
  field_begun_ = true;
  return step;
}

std::uint32_t Reader::gather(Bytes input) {
  const auto bytes = static_cast<std::uint32_t>(std::min<std::size_t>(wanted_ - gathered_, input.size()));
  std::memcpy(raw_.data() + gathered_, input.data(), bytes);
  gathered_ += static_cast<std::uint8_t>(bytes);
  left_ -= bytes;
  return bytes;
}

Step Reader::label(StepKind kind, std::uint64_t bytes) {
  const auto counted = static_cast<std::uint32_t>(std::min(bytes, kMostStepBytes));
  offset_ += counted;
  return {.kind = kind, .bytes = counted};
}

Step Reader::fail(ErrorCode error) {
  state_ = State::failed;
  error_ = error;
  return {.kind = StepKind::error, .error = error};
}

// What came before is sound and has its label first.
Step Reader::fail_behind(StepKind kind, std::uint32_t bytes, ErrorCode error) {
  const Step failed = fail(error);
  return bytes > 0 ? label(kind, bytes) : failed;
}

}  // namespace sluice::postgres
