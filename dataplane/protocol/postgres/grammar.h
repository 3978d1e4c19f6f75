// The formats of all messages, as short programs that a Reader steps through: a message is added here and nowhere else.
#pragma once

#include <cstdint>

#include "common/unit.h"
#include "dataplane/protocol/postgres/message.h"

namespace sluice::postgres {

enum class Op : std::uint8_t {
  end,      // the message ends here
  number8,  // `slot` says what it is
  number16,
  number32,
  column,   // the 18 bytes of a column that follow its name
  text,     // bytes up to a NUL
  rest,     // all bytes that are left
  sized,    // four bytes of length, then so many bytes; -1 is NULL
  count16,  // the instructions up to `again` follow that many times, each time at least `least` bytes
  count32,
  again,
  coded_texts,  // a code byte and a text, until a 0 stands for the code
  texts,        // texts, until an empty one
  pairs,        // names (`field`) and values (the kind after it), until an empty name
};

enum class Slot : std::uint8_t {
  none,
  protocol,
  authentication,
  process,
  max_rows,
  function,
  target,
  transaction,
  copy_format,
  result_format,  // the only one of a function's result
  type,
  format,
  bind_result_format,
  columns,     // the count of them
  parameters,  // the count of values, which that of their formats must fit
};

struct Instruction {
  Op op = Op::end;
  FieldKind field = FieldKind::none;
  Slot slot = Slot::none;
  std::uint8_t least = 0;
};

struct Grammar {
  MessageKind kind = MessageKind::none;  // none: there is no such message
  const Instruction* program = nullptr;
};

// Of messages with a type byte.
const Grammar& grammar(Direction direction, std::uint8_t type);

extern const Instruction kEmptyProgram[];
extern const Instruction kStartupProgram[];
extern const Instruction kCancelProgram[];
// What follows the number of an Authentication message.
const Instruction* authentication_program(std::uint32_t number);

}  // namespace sluice::postgres
