// See grammar.h.
#include "dataplane/sql/grammar.h"

#include <pg_query.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "dataplane/sql/tree.h"

namespace sluice::sql {
namespace {

// The grammar counts characters from 1.
std::uint32_t byte_of(std::string_view text, int character) {
  std::size_t at = 0;
  for (int left = character - 1; left > 0 && at < text.size(); --left) {
    ++at;
    while (at < text.size() && (static_cast<unsigned char>(text[at]) & 0xc0) == 0x80) ++at;
  }
  return static_cast<std::uint32_t>(at);
}

struct FreeResult {
  void operator()(PgQueryParseResult* result) const { pg_query_free_parse_result(*result); }
};

}  // namespace

Facts read_facts(const std::string& text, const FactsBounds& bounds) {
  FactsBuilder facts(bounds);
  PgQueryParseResult result = pg_query_parse(text.c_str());
  const std::unique_ptr<PgQueryParseResult, FreeResult> owner(&result);
  if (result.error != nullptr) {
    facts.refuse(byte_of(text, result.error->cursorpos), result.error->message);
    return facts.take();
  }
  const nlohmann::json tree = nlohmann::json::parse(result.parse_tree, nullptr, false);
  // Identifiers that are no UTF-8.
  if (tree.is_discarded())
    facts.refuse(0, "the statement is not UTF-8");
  else
    add_facts(tree, facts);
  return facts.take();
}

}  // namespace sluice::sql
