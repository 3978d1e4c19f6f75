// See sql_words.h.
#include "common/sql_words.h"

#include <algorithm>
#include <iterator>

namespace sluice::sql {
namespace {

constexpr std::string_view kKindWords[] = {
#define SLUICE_SQL_KIND(name, word) word,
#include "common/sql_words.def"
#undef SLUICE_SQL_KIND
};
constexpr std::string_view kObjectWords[] = {
#define SLUICE_SQL_OBJECT(name, word) word,
#include "common/sql_words.def"
#undef SLUICE_SQL_OBJECT
};

}  // namespace

std::string_view word_of(Kind kind) {
  return kKindWords[static_cast<std::size_t>(kind)];
}

std::string_view word_of(Object object) {
  return kObjectWords[static_cast<std::size_t>(object)];
}

std::optional<Kind> kind_of(std::string_view word) {
  const auto* const found = std::ranges::find(kKindWords, word);
  if (found == std::end(kKindWords)) return std::nullopt;
  return static_cast<Kind>(found - std::begin(kKindWords));
}

std::span<const std::string_view> kind_words() {
  return kKindWords;
}

}  // namespace sluice::sql
