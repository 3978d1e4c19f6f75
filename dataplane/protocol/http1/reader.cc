#include "dataplane/protocol/http1/reader.h"

#include <algorithm>

namespace sluice::http1 {
namespace {

constexpr std::size_t kKeptBytes = 4096;  // of the buffer between heads: idle connections stay small

}  // namespace

Reader::Reader(Direction direction, const Limits& limits)
    : limits_(limits), parser_(direction, limits), chunks_(limits) {
  parser_.begin(head_);
}

Step Reader::next(Bytes input, std::uint64_t behind) {
  if (head_in_buffer_) drop_gathered();
  if (state_ == State::failed) return {.kind = StepKind::error, .error = error_};
  if (state_ == State::message_end) {
    expect_head();
    return {.kind = StepKind::message_end};
  }
  if (state_ == State::chunked) {
    const Step step = chunks_.next(input);
    if (step.kind == StepKind::error) return fail(step.error);
    if (step.kind == StepKind::message_end) expect_head();
    return step;
  }
  if (input.empty()) return {};
  switch (state_) {
    case State::head:
      return next_head(input);
    case State::body: {
      const Step step = label(StepKind::body, std::min(left_, input.size() + behind));
      left_ -= step.bytes;
      if (left_ == 0) state_ = State::message_end;
      return step;
    }
    case State::until_close:
      return label(StepKind::body, input.size() + behind);
    default:
      return label(StepKind::opaque, input.size() + behind);
  }
}

Step Reader::finish() {
  if (head_in_buffer_) drop_gathered();
  switch (state_) {
    case State::head:
      if (!gathered_.empty() && !parser_.only_empty_line(gathered_.size())) return fail(ErrorCode::http_incomplete);
      break;
    case State::chunked:
      if (chunks_.next({}).kind != StepKind::message_end) return fail(ErrorCode::http_incomplete);
      break;
    case State::body:
      return fail(ErrorCode::http_incomplete);
    case State::failed:
      return {.kind = StepKind::error, .error = error_};
    case State::until_close:
    case State::message_end:
    case State::opaque:
      break;
  }
  drop_gathered();
  expect_head();
  return {.kind = StepKind::message_end};
}

void Reader::become_opaque() {
  if (state_ != State::failed) state_ = State::opaque;
}

Step Reader::next_head(Bytes input) {
  const auto before = static_cast<std::uint32_t>(gathered_.size());
  Bytes so_far = input;
  if (before > 0) {
    const Bytes taken = input.first(std::min<std::size_t>(input.size(), limits_.head_bytes - before));
    gathered_.insert(gathered_.end(), taken.begin(), taken.end());
    so_far = gathered_;
  }
  const HeadParser::Progress progress = parser_.advance(so_far, answer_to_, head_);
  const std::uint32_t labelled = progress.bytes - before;
  switch (progress.state) {
    case HeadParser::State::done:
      head_in_buffer_ = before > 0;
      return head_done(labelled);
    case HeadParser::State::error: {
      const Step failed = fail(progress.error);
      return labelled > 0 ? label(StepKind::more, labelled) : failed;
    }
    case HeadParser::State::more:
      break;
  }
  if (before == 0) gathered_.assign(input.begin(), input.end());
  return label(StepKind::more, input.size());
}

Step Reader::head_done(std::uint32_t bytes) {
  state_ = State::message_end;
  if (head_.framing == Framing::chunked) {
    chunks_.begin();
    state_ = State::chunked;
  } else if (head_.framing == Framing::until_close) {
    state_ = State::until_close;
  } else if (head_.has_body()) {
    left_ = head_.content_length;
    state_ = State::body;
  }
  return label(StepKind::head, bytes);
}

Step Reader::label(StepKind kind, std::uint64_t bytes) const {
  return {.kind = kind, .bytes = static_cast<std::uint32_t>(std::min(bytes, kMostStepBytes))};
}

Step Reader::fail(ErrorCode error) {
  state_ = State::failed;
  error_ = error;
  return {.kind = StepKind::error, .error = error};
}

void Reader::expect_head() {
  state_ = State::head;
  parser_.begin(head_);
}

void Reader::drop_gathered() {
  head_in_buffer_ = false;
  gathered_.clear();
  if (gathered_.capacity() > kKeptBytes) std::vector<std::uint8_t>().swap(gathered_);
}

}  // namespace sluice::http1
