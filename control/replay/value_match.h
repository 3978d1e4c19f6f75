// Whether a value on the record is the one that another server gives, which comes as PostgreSQL prints it. On the
// record it may have come in the binary format, and parts of it, or all, may be masked.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "control/replay/recorded_items.h"

namespace sluice::control {

enum class ValueMatch : std::uint8_t {
  same,
  masked,     // the same as far as the record shows it; all of it masked, as far as both are something
  unread,     // in a binary format that nobody reads here: as far as both are something
  different,  // also where one is NULL
};

struct ValueKind {
  std::uint32_t type = 0;  // OID
  bool is_binary = false;  // on the record
};

ValueMatch match_value(const RecordedValue& recorded, std::optional<std::string_view> replayed, const ValueKind& kind,
                       bool is_masked);

// The same of texts: names, tags, rows of COPY.
ValueMatch match_text(std::string_view recorded, std::string_view replayed, bool is_masked);

// What the digits at the beginning say.
std::string bytes_of_hex(std::string_view digits);

// The elements of an array as PostgreSQL prints it, those of all its dimensions one behind the other; nothing where it
// is none.
std::optional<std::vector<std::optional<std::string>>> array_elements(std::string_view text, char delimiter);

// Such a text of one dimension, to be bound; nothing where elements are in a binary format that nobody reads here.
std::optional<std::string> array_text(const std::vector<RecordedItem>& elements, std::uint32_t array_type);

}  // namespace sluice::control
