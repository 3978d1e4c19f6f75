// What a reader says about a run of bytes.
#pragma once

#include <cstdint>

#include "common/error.h"

namespace sluice::postgres {

enum class StepKind : std::uint8_t {
  more,         // of a message's type and length, not complete yet; with 0 bytes: all input is labelled
  message,      // the last bytes of a message's type and length: message() is valid
  framing,      // counts, lengths, numbers, codes and NULs between fields
  field,        // a piece of a field, with 0 bytes too: field() says of which
  message_end,  // no bytes: the message is complete, and so are its values()
  opaque,       // no structure is read any more: encryption that was accepted, or a stream that is passed on as it is
  error,        // no bytes: what comes next shows that the stream cannot be read on; `error` says why
};

inline constexpr std::uint64_t kMostStepBytes = 1ULL << 30U;  // a step counts in 32 bits

struct Step {
  StepKind kind = StepKind::more;
  std::uint32_t bytes = 0;  // how many bytes of the input this step labels
  ErrorCode error = ErrorCode::ok;
};

}  // namespace sluice::postgres
