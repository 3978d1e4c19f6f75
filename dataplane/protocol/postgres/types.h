// What is known of PostgreSQL's built-in types: how their binary values are read, and what hides them.
#pragma once

#include <cstdint>

#include "dataplane/protocol/postgres/blanks.h"
#include "dataplane/protocol/postgres/value_texts.h"

namespace sluice::postgres {

struct Type {
  std::uint32_t oid;
  std::uint32_t array_oid;
  TextOf text;      // of a binary value; nullptr: it is not read
  bool is_as_text;  // a binary value holds the bytes of its text as they are, but for a byte before them
  Blank text_blank;
  Blank binary_blank;
};

// By its OID, or by that of its arrays; nullptr: it is not known.
const Type* type_of(std::uint32_t oid);
const Type* type_of_array(std::uint32_t oid);

}  // namespace sluice::postgres
