// Values in the binary format, as the text that PostgreSQL prints for them (DateStyle ISO, time zone UTC,
// extra_float_digits 1, bytea_output hex), for the record and for rules: what is not read is said, never guessed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "common/bytes.h"
#include "common/error.h"

namespace sluice::postgres {

// Whether append_text() reads binary values of a type, by its OID.
bool is_known_type(std::uint32_t type);

// Appends the text of a binary value. `out` gets at most `most` bytes of it, which also bounds the work: a few bytes
// can be a numeric of 131,072 digits. An error (postgres_unknown_type, postgres_bad_value, postgres_value_too_long)
// leaves `out` as it was.
ErrorCode append_text(std::uint32_t type, Bytes value, std::size_t most, std::string& out);

}  // namespace sluice::postgres
