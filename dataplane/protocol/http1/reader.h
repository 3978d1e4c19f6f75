// Reads one direction of an HTTP/1 connection. Sans-I/O and streaming: it is given the stream in
// runs of any length and labels every byte exactly once, in order. How the stream is cut changes
// nothing but how runs are split (the labels, heads and errors are the same; of a head, the bytes
// before its last run are labelled `more`).
//
//   for (Step step = reader.next(rest); ; step = reader.next(rest)) {
//     if (step.kind == StepKind::more && step.bytes == 0) break;  // all input is labelled
//     rest = rest.subspan(step.bytes);
//     ...                                                         // error ends the loop too
//   }
//
// The last call, with nothing left, matters: it is how message_end and some errors come.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "common/bytes.h"
#include "dataplane/protocol/http1/chunked_body.h"
#include "dataplane/protocol/http1/head.h"
#include "dataplane/protocol/http1/head_parser.h"
#include "dataplane/protocol/http1/step.h"

namespace sluice::http1 {

class Reader {
 public:
  Reader(Direction direction, const Limits& limits);

  // Labels the next run of `input` (from its first byte). Call again with the rest. `behind`: bytes that lie there
  // already behind those of `input`, elsewhere; where no byte has to be looked at, the run takes them in.
  Step next(Bytes input, std::uint64_t behind = 0);
  // The peer finished: message_end for a body until close or between messages, else error.
  Step finish();

  // Valid after a head step until the next call of next(). head().bytes is contiguous: it lies in
  // the input when the head came in one run, in a buffer of this reader when it did not.
  [[nodiscard]] const Head& head() const { return head_; }
  // Between messages: nothing of a message has been seen since the last message_end.
  [[nodiscard]] bool idle() const { return state_ == State::head && gathered_.empty(); }

  // Response direction: the method of the request that the next head answers; before each head.
  // It stays until it is set again, so that the final response after a 1xx has it too.
  void set_request_method(std::string_view method) { answer_to_ = answer_to(method); }
  // After a head step, or between messages: nothing structured follows (upgrade accepted).
  void become_opaque();

 private:
  enum class State : std::uint8_t { head, body, chunked, until_close, message_end, opaque, failed };

  Step next_head(Bytes input);
  Step head_done(std::uint32_t bytes);
  Step label(StepKind kind, std::uint64_t bytes) const;
  Step fail(ErrorCode error);
  void expect_head();
  void drop_gathered();

  Limits limits_;
  HeadParser parser_;
  ChunkedBody chunks_;
  AnswerTo answer_to_ = AnswerTo::other;
  State state_ = State::head;
  bool head_in_buffer_ = false;         // the last head lies in gathered_, which goes with the next call
  ErrorCode error_ = ErrorCode::ok;     // in State::failed
  std::uint64_t left_ = 0;              // of a body with a length
  std::vector<std::uint8_t> gathered_;  // a head that came in several runs; at most Limits::head_bytes
  Head head_;
};

}  // namespace sluice::http1
