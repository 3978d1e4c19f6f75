#include "dataplane/protocol/http1/chunked_body.h"

#include <algorithm>
#include <string_view>

#include "common/hex.h"
#include "dataplane/protocol/http1/syntax.h"

namespace sluice::http1 {
namespace {

constexpr std::uint32_t kMostSizeDigits = 15;       // below 2^60: no reader's integer overflows
constexpr std::uint32_t kMostExtensionBytes = 256;  // of one chunk; they are passed on, never stored

// What is wrong with a byte that stands where the chunk's grammar has another.
ErrorCode misplaced(std::uint8_t byte) {
  return byte == '\n' ? ErrorCode::http_bare_lf : ErrorCode::http_bad_chunk;
}

}  // namespace

void TrailerSection::begin() {
  state_ = State::line_begin;
  bytes_ = fields_ = name_bytes_ = 0;
}

bool TrailerSection::is_framing(std::uint8_t byte) const {
  return state_ == State::last_line_feed || (state_ == State::line_begin && byte == '\r');
}

ErrorCode TrailerSection::take(std::uint8_t byte) {
  if (bytes_ >= limits_.head_bytes) return ErrorCode::http_head_too_large;
  switch (state_) {
    case State::line_begin:
      if (byte == '\r') {
        state_ = State::last_line_feed;
        break;
      }
      if (is_blank(byte)) return ErrorCode::http_obs_fold;
      if (byte == '\n') return ErrorCode::http_bare_lf;
      if (!is_token(byte)) return ErrorCode::http_bad_header_name;
      if (fields_ >= limits_.headers) return ErrorCode::http_too_many_headers;
      ++fields_;
      name_.front() = static_cast<char>(byte);
      name_bytes_ = 1;
      state_ = State::name;
      break;
    case State::name:
      if (const ErrorCode error = take_name(byte); error != ErrorCode::ok) return error;
      break;
    case State::value:
      if (byte == '\r') {
        state_ = State::line_feed;
      } else if (byte == '\n') {
        return ErrorCode::http_bare_lf;
      } else if (!is_class(byte, kValueChar)) {
        return ErrorCode::http_bad_header_value;
      }
      break;
    case State::line_feed:
      if (byte != '\n') return ErrorCode::http_bare_cr;
      state_ = State::line_begin;
      break;
    case State::last_line_feed:
      if (byte != '\n') return ErrorCode::http_bare_cr;
      state_ = State::done;
      break;
    case State::done:
      break;
  }
  ++bytes_;
  return ErrorCode::ok;
}

ErrorCode TrailerSection::take_name(std::uint8_t byte) {
  if (is_token(byte)) {
    if (name_bytes_ < name_.size()) name_.at(name_bytes_) = static_cast<char>(byte);
    ++name_bytes_;
    return ErrorCode::ok;
  }
  if (is_blank(byte)) return ErrorCode::http_space_before_colon;
  if (byte == '\n') return ErrorCode::http_bare_lf;
  if (byte != ':') return ErrorCode::http_bad_header_name;
  if (name_bytes_ <= name_.size()) {
    const FieldTraits traits = field_traits(field_id(std::string_view(name_.data(), name_bytes_)));
    if (traits.structural || traits.credential) return ErrorCode::http_bad_trailer;
  }
  state_ = State::value;
  return ErrorCode::ok;
}

void ChunkedBody::begin() {
  state_ = State::size_begin;
  left_ = 0;
  digits_ = extension_bytes_ = 0;
  trailers_.begin();
}

Step ChunkedBody::next(Bytes input) {
  if (state_ == State::trailers && trailers_.done()) return {.kind = StepKind::message_end};
  if (input.empty()) return {};
  if (state_ != State::data) return take_run(input);
  const std::uint64_t run = std::min<std::uint64_t>({left_, input.size(), kMostStepBytes});
  left_ -= run;
  if (left_ == 0) state_ = State::data_return;
  return {.kind = StepKind::body, .bytes = static_cast<std::uint32_t>(run)};
}

// Takes all bytes that have the label of the first one.
Step ChunkedBody::take_run(Bytes input) {
  const auto kind_of = [this](std::uint8_t byte) {
    return state_ == State::trailers && !trailers_.is_framing(byte) ? StepKind::trailer : StepKind::framing;
  };
  const Bytes run = input.first(std::min(input.size(), kMostStepBytes));
  const StepKind kind = kind_of(run.front());
  std::uint32_t taken = 0;
  for (const std::uint8_t byte : run) {
    if (state_ == State::data || trailers_.done() || kind_of(byte) != kind) break;
    const ErrorCode error = take(byte);
    // The wrong byte stays without a label: it comes first in the next input and gives its error there.
    if (error != ErrorCode::ok && taken > 0) break;
    if (error != ErrorCode::ok) return {.kind = StepKind::error, .error = error};
    ++taken;
  }
  return {.kind = kind, .bytes = taken};
}

ErrorCode ChunkedBody::take(std::uint8_t byte) {
  switch (state_) {
    case State::size_begin:
    case State::size:
      return take_size(byte);
    case State::size_line_feed:
    case State::data_line_feed:
      return take_line_feed(byte);
    case State::data_return:
      if (byte != '\r') return misplaced(byte);
      state_ = State::data_line_feed;
      return ErrorCode::ok;
    case State::trailers:
      return trailers_.take(byte);
    case State::data:
      return ErrorCode::ok;
    default:
      return take_extension(byte);
  }
}

ErrorCode ChunkedBody::take_size(std::uint8_t byte) {
  if (const int digit = hex_value(byte); digit >= 0) {
    if (digits_ >= kMostSizeDigits) return ErrorCode::http_bad_chunk;
    ++digits_;
    left_ = left_ * 16 + static_cast<std::uint64_t>(digit);
    state_ = State::size;
    return ErrorCode::ok;
  }
  if (state_ == State::size_begin) return misplaced(byte);
  if (byte == '\r') {
    state_ = State::size_line_feed;
  } else if (byte == ';') {
    state_ = State::extension_name_begin;
  } else {
    return misplaced(byte);
  }
  return ErrorCode::ok;
}

// chunk-ext-name [ "=" ( token / quoted-string ) ], after its semicolon.
ErrorCode ChunkedBody::take_extension(std::uint8_t byte) {
  const bool may_end =
      state_ == State::extension_name || state_ == State::extension_token || state_ == State::extension_end;
  State then = state_;
  if (byte == '\r' && may_end) {
    then = State::size_line_feed;
  } else if (byte == ';' && may_end) {
    then = State::extension_name_begin;
  } else if (byte == '\n') {
    return ErrorCode::http_bare_lf;
  } else if (state_ == State::extension_quoted || state_ == State::extension_escaped) {
    if (!is_class(byte, kValueChar)) return ErrorCode::http_bad_chunk;
    if (state_ == State::extension_escaped) {
      then = State::extension_quoted;
    } else if (byte == '"') {
      then = State::extension_end;
    } else if (byte == '\\') {
      then = State::extension_escaped;
    }
  } else if (state_ == State::extension_value_begin && byte == '"') {
    then = State::extension_quoted;
  } else if (state_ == State::extension_name && byte == '=') {
    then = State::extension_value_begin;
  } else if (state_ != State::extension_end && is_token(byte)) {
    if (state_ == State::extension_name_begin) then = State::extension_name;
    if (state_ == State::extension_value_begin) then = State::extension_token;
  } else {
    return ErrorCode::http_bad_chunk;
  }
  if (extension_bytes_ >= kMostExtensionBytes) return ErrorCode::http_bad_chunk;
  ++extension_bytes_;
  state_ = then;
  return ErrorCode::ok;
}

ErrorCode ChunkedBody::take_line_feed(std::uint8_t byte) {
  if (byte != '\n') return ErrorCode::http_bare_cr;
  if (state_ == State::data_line_feed) {
    state_ = State::size_begin;
  } else {
    state_ = left_ == 0 ? State::trailers : State::data;
  }
  digits_ = extension_bytes_ = 0;
  return ErrorCode::ok;
}

}  // namespace sluice::http1
