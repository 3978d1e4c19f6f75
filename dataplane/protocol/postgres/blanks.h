// What stands in a cell that is hidden as a whole: a value of its type and of the same length that says nothing, so
// that whoever reads the row goes on reading it. Each byte is known from where it stands, the length and (of times)
// the byte that was there, so a value of any length is blanked as it passes.
#pragma once

#include <cstdint>

#include "common/bytes.h"

namespace sluice::postgres {

enum class Blank : std::uint8_t {
  stars,  // ********: of texts, and of all types that have no other
  // text format
  digits,       // 0000
  boolean,      // f
  json,         // "****"
  bytea,        // \x0000
  uuid,         // 00000000-0000-0000-0000-000000000000
  address,      // ::0000:0000/0
  mac,          // 00:00:00:00:00:00
  time,         // 11:11:11.111: every digit is 1
  date,         // 1111-11-11 11:11:11, and of eight or nine bytes (infinity) 1111-1-1
  star_array,   // {******}
  digit_array,  // {000000}
  empty_array,  // {      }
  // binary format
  zeros,
  numeric,  // 0, in as many digits
  inet,     // 0.0.0.0 or ::
  cidr,     // the same of all bits
  jsonb,    // a version and a json
  bits,     // as many bits, none set
};

// Of a type by its OID, in the text or the binary format of the protocol.
Blank blank_of(std::uint32_t type, std::uint16_t format);

// Blanks bytes of a value: those from `offset` on, of `length` in all.
void blank(Blank how, std::uint64_t offset, std::uint64_t length, MutableBytes bytes);

}  // namespace sluice::postgres
