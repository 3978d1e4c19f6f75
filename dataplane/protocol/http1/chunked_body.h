// The chunked coding (RFC 9112 section 7.1) as it arrives: labels sizes and delimiters, data and trailer
// fields, and buffers nothing but the name of one trailer field. Stricter than the grammar where real senders
// are: no white space in extensions, at most 15 digits of size. Internal to this folder.
#pragma once

#include <array>
#include <cstdint>

#include "common/bytes.h"
#include "common/error.h"
#include "dataplane/protocol/http1/head.h"
#include "dataplane/protocol/http1/step.h"

namespace sluice::http1 {

// Trailer field lines and the empty line that ends them, byte by byte.
class TrailerSection {
 public:
  explicit TrailerSection(const Limits& limits) : limits_(limits) {}
  void begin();
  // An error leaves the state as it was: the same byte gives the same error again.
  ErrorCode take(std::uint8_t byte);
  [[nodiscard]] bool done() const { return state_ == State::done; }
  // Whether `byte`, come next, belongs to the line that ends the section.
  [[nodiscard]] bool is_framing(std::uint8_t byte) const;

 private:
  enum class State : std::uint8_t { line_begin, name, value, line_feed, last_line_feed, done };
  ErrorCode take_name(std::uint8_t byte);

  Limits limits_;
  State state_ = State::line_begin;
  std::uint32_t bytes_ = 0;
  std::uint32_t fields_ = 0;
  std::uint32_t name_bytes_ = 0;
  std::array<char, kLongestKnownName> name_{};  // its beginning: all that the table can know
};

class ChunkedBody {
 public:
  explicit ChunkedBody(const Limits& limits) : trailers_(limits) {}
  void begin();
  // As Reader::next(), for the bytes after a head: framing, body, trailer, message_end, error.
  Step next(Bytes input);

 private:
  enum class State : std::uint8_t {
    size_begin,
    size,
    extension_name_begin,
    extension_name,
    extension_value_begin,
    extension_token,
    extension_quoted,
    extension_escaped,
    extension_end,
    size_line_feed,
    data,
    data_return,
    data_line_feed,
    trailers,
  };
  ErrorCode take(std::uint8_t byte);
  ErrorCode take_size(std::uint8_t byte);
  ErrorCode take_extension(std::uint8_t byte);
  ErrorCode take_line_feed(std::uint8_t byte);
  Step take_run(Bytes input);

  State state_ = State::size_begin;
  std::uint64_t left_ = 0;  // of the chunk
  std::uint32_t digits_ = 0;
  std::uint32_t extension_bytes_ = 0;
  TrailerSection trailers_;
};

}  // namespace sluice::http1
