// What Sluice says by itself in PostgreSQL's words: appended to a buffer that has a bound, whole or not at all.
//
// Texts are cut to kMostTextBytes (never inside a UTF-8 sequence), and a NUL in one is written as a space: no text can
// end its field. They are the client's to show, so they never hold a secret.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "common/error.h"

namespace sluice::postgres {

inline constexpr std::size_t kMostTextBytes = 2048;  // of one field

// An ErrorResponse or a NoticeResponse. Fields that are empty are left out, but for the message.
struct Report {
  std::string_view severity = "ERROR";  // for notices: NOTICE, WARNING, INFO; FATAL ends the session
  std::string_view code = "42501";      // SQLSTATE, five characters
  std::string_view message{};
  std::string_view detail{};
  std::string_view hint{};
};

class Writer {
 public:
  // `out` gets at most `most` bytes in all, those included that it has already.
  Writer(std::string& out, std::size_t most) : out_(out), most_(most) {}

  // False: there was no room, and nothing was written.
  bool error(const Report& report) { return write_report('E', report); }
  bool notice(const Report& report) { return write_report('N', report); }
  // 'I', 'T' or 'E': what the server said last, never another.
  bool ready(std::uint8_t transaction);
  // The answer to SSLRequest and GSSENCRequest: go on in clear.
  bool refuse_encryption() { return append("N"); }
  // To the server.
  bool sync();

 private:
  bool write_report(char type, const Report& report);
  bool append(std::string_view bytes);

  std::string& out_;
  std::size_t most_;
};

// The SQLSTATE with which an error is answered: what is denied lacks a privilege (42501), what is limited exceeds what
// is configured (53400), a message that cannot be is a protocol violation (08P01), and so on.
std::string_view sqlstate_for(ErrorCode error);

}  // namespace sluice::postgres
