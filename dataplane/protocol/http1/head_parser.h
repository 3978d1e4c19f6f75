// Parses a head while it arrives. It is given all bytes of the head so far, again and again, and
// reads each byte once: what it answers depends on the bytes alone, never on how they were cut.
// Internal to this folder.
#pragma once

#include <cstdint>
#include <string_view>

#include "common/bytes.h"
#include "common/error.h"
#include "dataplane/protocol/http1/head.h"

namespace sluice::http1 {

// What a response answers, as far as it changes the framing (RFC 9112 section 6.3).
enum class AnswerTo : std::uint8_t { other, head, connect };
AnswerTo answer_to(std::string_view request_method);

class HeadParser {
 public:
  enum class State : std::uint8_t { more, done, error };
  struct Progress {
    State state = State::more;
    std::uint32_t bytes = 0;  // done: the length of the head; error: the offset of the byte that showed it
    ErrorCode error = ErrorCode::ok;
  };

  HeadParser(Direction direction, const Limits& limits);

  // Starts the next head.
  void begin(Head& head);
  // `so_far` starts at the head's first byte and may move between calls. After done or error, begin() comes next.
  Progress advance(Bytes so_far, AnswerTo answer_to, Head& head);
  // Nothing but the empty line that may stand before a request line.
  [[nodiscard]] bool only_empty_line(std::size_t bytes_so_far) const;

 private:
  ErrorCode control_error(Bytes so_far, std::uint32_t at) const;
  ErrorCode take_line(Bytes so_far, std::uint32_t end, Head& head);
  ErrorCode take_request_line(std::string_view line, Head& head);
  ErrorCode take_status_line(std::string_view line, Head& head);
  ErrorCode take_field(Bytes so_far, std::uint32_t end, Head& head);
  void bind(Bytes bytes, Head& head) const;

  Direction direction_;
  Limits limits_;
  std::uint32_t at_ = 0;  // every byte before it is read
  std::uint32_t line_begin_ = 0;
  std::uint32_t start_ = 0;  // where the start line begins: 2 after an empty line
  std::uint32_t method_bytes_ = 0;
  std::uint32_t target_bytes_ = 0;
  bool has_start_line_ = false;
  bool complete_ = false;
};

}  // namespace sluice::http1
