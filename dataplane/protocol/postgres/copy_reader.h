// Reads the data of one COPY, as the CopyData messages of one direction carry it. In the binary format: a signature,
// then rows of values with their lengths, then a row of -1 values. All else is a text, and so is what turns out not to
// be sound, to its end. The signature tells, and not what the server says of the format: clients send data before it
// does, and it holds a byte 0, which no text has that a server takes.
// Sans-I/O and streaming: it is given the data in runs of any length and labels every byte exactly once, in order;
// where messages and segments end makes no difference. It keeps a few numbers and no byte of a value.
#pragma once

#include <array>
#include <cstdint>

#include "common/bytes.h"

namespace sluice::postgres {

class CopyReader {
 public:
  enum class Kind : std::uint8_t {
    more,     // all input is labelled
    text,     // `bytes` of it; the signature is one, but for the 0 with which it ends
    begin,    // `bytes` of that 0: the text ends before it, and values follow
    framing,  // `bytes` of flags, counts and lengths
    value,    // `bytes` of a value, or of what extends the header; `length` is that of all of it, known from its first
              // piece on
    null,     // a value that is NULL: no bytes
    row_end,  // behind the last value of a row, which had `length` of them: no bytes
  };
  struct Step {
    Kind kind = Kind::more;
    std::size_t bytes = 0;
    bool first = false;  // piece of a value
    std::uint32_t length = 0;
  };
  // Labels the next run of `input`. Call again with what is left, also with nothing, until it says more.
  Step next(Bytes input);

 private:
  enum class State : std::uint8_t {
    signature,
    flags,
    extension,
    count,
    length,
    value,
    null,
    end_of_row,
    trailer,
    text
  };

  Step next_of_signature(Bytes input);
  Step gather(Bytes input, std::uint32_t wanted);
  [[nodiscard]] State behind_number(std::uint32_t number);
  [[nodiscard]] State behind_value();

  State state_ = State::signature;
  bool is_begun_ = false;      // a piece of the value was labelled
  std::uint8_t gathered_ = 0;  // bytes of the number, or of the signature
  std::uint32_t number_ = 0;
  std::uint32_t length_ = 0;  // of the value
  std::uint32_t left_ = 0;    // of it
  std::uint32_t values_ = 0;  // of the row
  std::uint32_t values_left_ = 0;
};

}  // namespace sluice::postgres
