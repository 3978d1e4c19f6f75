// The words for what SQL statements are, in policies, facts and records.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace sluice::sql {

enum class Kind : std::uint8_t {
#define SLUICE_SQL_KIND(name, word) name,
#include "common/sql_words.def"
#undef SLUICE_SQL_KIND
};
// The kind of what DDL, GRANT and the like are about.
enum class Object : std::uint8_t {
#define SLUICE_SQL_OBJECT(name, word) name,
#include "common/sql_words.def"
#undef SLUICE_SQL_OBJECT
};
// The other end of a COPY.
enum class CopyEnd : std::uint8_t { none, client, file, program };

std::string_view word_of(Kind kind);
std::string_view word_of(Object object);
// Nothing for a word that none has.
std::optional<Kind> kind_of(std::string_view word);
// Of all kinds, in their order.
std::span<const std::string_view> kind_words();

}  // namespace sluice::sql
