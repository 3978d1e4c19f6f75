// One value of PostgreSQL's binary format as it comes: its bytes are labelled so that its content is what people and
// rules read. A single value (an int8, say) becomes its text once it is whole; an array becomes its elements, each a
// value of its own behind the mark of the list. What is not what its type says is content as it stands.
// It keeps at most kMostCodedBytes of a value: no type that is read needs more, and arrays of any size pass by their
// elements.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "dataplane/protocol/postgres/types.h"
#include "dataplane/session/held.h"
#include "dataplane/session/message.h"

namespace sluice::session {

class CodedValue {
 public:
  // Values of the type are more than the bytes that they are.
  static bool reads(std::uint32_t type);
  // Likewise, and no array.
  static bool is_single(const postgres::Type& type) { return type.text != nullptr && !type.is_as_text; }

  // A value of so many bytes begins, of a type that it reads. It is hidden by these rules, which outlive it.
  void begin(std::uint32_t type, std::uint32_t length, std::span<const RuleIndex> hidden_by);
  [[nodiscard]] bool active() const { return state_ != State::none; }
  // No more of it comes.
  void leave() { state_ = State::none; }
  // Labels of its next bytes as many as come before the next element of an array, and returns how many; a value of none
  // has one piece of none. `held` is that of `message`.
  std::size_t label(Held& held, Message& message, Bytes bytes);
  // All that came was labelled, and an element comes.
  [[nodiscard]] bool awaits_element() const { return state_ == State::length && raw_.empty(); }

 private:
  enum class State : std::uint8_t { none, coded, plain, head, bounds, length };

  void begin_single(Held& held, Message& message, std::uint32_t length);
  void begin_plain(Held& held, Message& message, std::uint32_t length, postgres::Blank blank);
  void finish_coded(Held& held, Message& message);
  void take_head(Held& held, Message& message);
  void take_bounds(Held& held, Message& message);
  void take_length(Held& held, Message& message);
  void next_element(Held& held, Message& message);
  void want(Held& held, Message& message, State state, std::uint32_t bytes);
  void give_up(Held& held, Message& message);

  State state_ = State::none;
  bool is_array_ = false;
  const postgres::Type* type_ = nullptr;  // of the value, or of the elements
  std::uint32_t left_ = 0;                // bytes of the value that were not labelled
  std::uint32_t wanted_ = 0;              // of those, of what is read now
  std::uint32_t length_ = 0;              // of the value; of an array, of the element
  std::uint64_t elements_ = 0;            // that are still to come
  std::span<const RuleIndex> hidden_by_;
  std::string raw_;   // what is read now, as far as it is there
  std::string text_;  // of it
};

}  // namespace sluice::session
