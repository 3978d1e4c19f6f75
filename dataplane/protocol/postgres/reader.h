// Reads one direction of a PostgreSQL connection (protocol 3.x). Sans-I/O and streaming: it is given the stream in runs
// of any length and labels every byte exactly once, in order. How the stream is cut changes nothing but how runs are
// split. No message is ever held whole: what it keeps are the numbers and lists of values(), each no larger than what
// has come in for it. There is no bound on a message, a statement or a cell but the protocol's 2 GiB.
//
//   for (Step step = reader.next(rest); ; step = reader.next(rest)) {
//     if (step.kind == StepKind::more && step.bytes == 0) break;  // all input is labelled
//     rest = rest.subspan(step.bytes);
//     ...                                                         // error ends the loop too
//   }
//
// The last call, with nothing left, matters: it is how message_end, empty fields and some errors come.
//
// A client's stream begins without type bytes: startup packets until one of them is no request for encryption. What its
// owner knows and the stream does not say, the owner tells: that an encryption answer comes next, that nothing
// structured follows.
#pragma once

#include <array>
#include <cstdint>

#include "common/bytes.h"
#include "common/unit.h"
#include "dataplane/protocol/postgres/grammar.h"
#include "dataplane/protocol/postgres/message.h"
#include "dataplane/protocol/postgres/step.h"

namespace sluice::postgres {

class Reader {
 public:
  explicit Reader(Direction direction, const Limits& limits = {});

  // Labels the next run of `input` (from its first byte). Call again with the rest. `behind`: bytes that lie there
  // already behind those of `input`, elsewhere; where no byte has to be looked at, the run takes them in.
  Step next(Bytes input, std::uint64_t behind = 0);
  // The peer finished: message_end between messages, else error.
  Step finish();

  // Since the message step, until the next one.
  [[nodiscard]] const Message& message() const { return message_; }
  [[nodiscard]] const Values& values() const { return values_; }
  // Of the last field step.
  [[nodiscard]] const Field& field() const { return field_; }
  // Between messages: nothing of a message has been seen since the last message_end.
  [[nodiscard]] bool idle() const { return state_ == State::head && head_bytes_ == 0; }

  // Response direction, between messages: the next byte answers an SSLRequest (or GSSENCRequest), unless it is an
  // ErrorResponse.
  void expect_encryption_answer(bool gss);
  // Between messages: nothing structured follows.
  void become_opaque();

  // Between messages: the last one was a row of this many cells, so that others like it may follow; 0: it was none.
  [[nodiscard]] std::uint32_t cells_of_row() const {
    return idle() && message_.kind == MessageKind::data_row ? values_.count : 0;
  }
  // Its owner found `bytes` of whole rows like it (data_row.h), of which the last has `last` bytes: they are labelled.
  void pass_rows(std::size_t bytes, std::uint32_t last) {
    offset_ += bytes;
    message_.offset = offset_ - last;
    message_.length = last - 1;
  }

 private:
  enum class State : std::uint8_t { head, body, opaque, failed };
  enum class Doing : std::uint8_t { instruction, number, choice, text, counted };
  enum class Number : std::uint8_t { instruction, nul, code, length };  // what the bytes gathered are for

  Step next_head(Bytes input);
  [[nodiscard]] ErrorCode check_head(std::uint32_t have) const;
  Step begin_message(std::uint32_t before, std::uint32_t head);
  void begin_packet(std::uint32_t code);

  Step next_body(Bytes input, std::uint64_t behind);
  Step next_text(Bytes input);
  Step next_counted(Bytes input, std::uint64_t behind);
  Step piece(std::uint64_t bytes);
  std::uint32_t gather(Bytes input);

  // reader_instructions.cc: what the numbers mean
  ErrorCode begin_instruction();
  void begin_number(std::uint8_t size, Number what);
  ErrorCode begin_counted(std::uint32_t length);
  void begin_field(bool length_known, std::uint32_t length);
  [[nodiscard]] FieldKind field_kind() const;
  void list_again() {
    ++index_;
    --repeats_;
    at_ = repeats_ > 0 ? list_ : at_ + 1;
  }
  ErrorCode take_number();
  ErrorCode take_code(std::uint8_t code);
  ErrorCode take_length(std::uint32_t length);
  ErrorCode take_count(const Instruction& list, std::uint32_t count);
  ErrorCode take_column();
  ErrorCode take_slot(Slot slot, std::uint32_t value);
  void text_done();

  Step label(StepKind kind, std::uint64_t bytes);
  Step fail(ErrorCode error);
  Step fail_behind(StepKind kind, std::uint32_t bytes, ErrorCode error);

  Limits limits_;
  Direction direction_;
  State state_ = State::head;
  Doing doing_ = Doing::instruction;
  Number number_ = Number::instruction;
  bool has_types_;                      // false: the next packet is one of the startup family
  std::uint8_t answer_ = 0;             // the acceptance that an encryption answer may be; 0: none is awaited
  std::uint8_t wanted_ = 0;             // bytes of the number that is being gathered
  std::uint8_t gathered_ = 0;           // how many of them are there
  std::uint8_t head_bytes_ = 0;         // how many of the next head are there
  bool over_ = false;                   // a request to cancel is the last packet of its connection
  bool is_value_ = false;               // of pairs: the value comes, not the name
  bool field_begun_ = false;            // a piece of the field was labelled
  ErrorCode error_ = ErrorCode::ok;     // in State::failed
  std::uint32_t left_ = 0;              // of the message
  std::uint32_t field_left_ = 0;        // of a field whose length is known
  std::uint32_t index_ = 0;             // of the list's items, or of texts
  std::uint32_t repeats_ = 0;           // of the list, this one included; 0: all done
  std::uint64_t offset_ = 0;            // bytes labelled since the beginning of the stream
  const Instruction* at_ = nullptr;     // the instruction that is under way or comes next
  const Instruction* list_ = nullptr;   // the first one of the list
  std::array<std::uint8_t, 18> raw_{};  // of a number or of a head
  Message message_;
  Field field_;
  Values values_;
};

}  // namespace sluice::postgres
