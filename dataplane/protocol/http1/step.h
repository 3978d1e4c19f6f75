// What a reader says about a run of bytes.
#pragma once

#include <cstdint>

#include "common/error.h"

namespace sluice::http1 {

enum class StepKind : std::uint8_t {
  more,         // these bytes belong to a head that is not complete yet; with 0 bytes: all input is labelled
  head,         // the last bytes of a head: head() is valid
  framing,      // chunk sizes, delimiters, the last chunk, the end of the trailer section
  body,         // content
  trailer,      // trailer field lines (a reader may drop them, RFC 9112 section 7.1.2: where content is masked, do)
  message_end,  // no bytes: the message is complete
  opaque,       // bytes after an accepted upgrade: no structure is read any more
  error,        // no bytes: the next byte shows that the stream cannot be read on; `error` says why
};

struct Step {
  StepKind kind = StepKind::more;
  std::uint32_t bytes = 0;  // how many bytes of the input this step labels
  ErrorCode error = ErrorCode::ok;
};

}  // namespace sluice::http1
