// Reads one direction of an HTTP/1 connection. Sans-I/O and streaming: it is given the stream in
// runs of any length and labels every byte exactly once, in order. How the stream is cut changes
// nothing but how runs are split (the labels, heads and errors are the same).
#pragma once

#include <cstdint>
#include <string>

#include "common/bytes.h"
#include "dataplane/protocol/http1/head.h"

namespace sluice::http1 {

enum class StepKind : std::uint8_t {
  more,         // these bytes belong to a head that is not complete yet (or there was no input)
  head,         // the last bytes of a head: head() is valid
  framing,      // chunk sizes, delimiters, the last chunk, the end of the trailer section
  body,         // content
  trailer,      // trailer field lines
  message_end,  // no bytes: the message is complete
  opaque,       // bytes after an accepted upgrade: no structure is read any more
  error,        // no bytes: the stream cannot be read on; `error` says why
};

struct Step {
  StepKind kind = StepKind::more;
  std::uint32_t bytes = 0;  // how many bytes of the input this step labels
  ErrorCode error = ErrorCode::ok;
};

class Reader {
 public:
  Reader(Direction direction, const Limits& limits);

  // Labels the next run of `input` (from its first byte). Call again with the rest.
  Step next(Bytes input);
  // The peer finished: message_end for a body until close or between messages, else error.
  Step finish();

  // Valid after a head step until the next call of next(). head().bytes is contiguous: it lies in
  // the input when the head came in one run, in a buffer of this reader when it did not.
  [[nodiscard]] const Head& head() const { return head_; }
  // Between messages: nothing of a message has been seen since the last message_end.
  [[nodiscard]] bool idle() const;

  // Response direction: the method of the request that the next head answers; before each head.
  void set_request_method(std::string_view method);
  // After a head step: nothing structured follows (upgrade accepted).
  void become_opaque();

 private:
  Direction direction_;
  Limits limits_;
  Head head_;
};

}  // namespace sluice::http1
