// A RuleSet from the inside: what finds the anchors (Hyperscan for literals and patterns, bitmaps for shapes), and for
// each rule the automaton that says exactly what its matches are. All read an expression the same way: bytes, no UTF,
// `.` is any byte but \n, case folded for ASCII only. Built once, then immutable and shared by all workers.
#pragma once

#include <hs.h>

#include <memory>
#include <vector>

#include "dataplane/inspect/scanner.h"
#include "dataplane/inspect/shapes.h"
#include "dataplane/inspect/tails.h"
#include "rules/automaton.h"
#include "rules/conditions.h"

namespace sluice::inspect {

struct CompiledRule {
  RuleIndex index = 0;
  Validator validator = Validator::none;
  // Within so many bytes of its start a match shows its anchor.
  std::uint32_t reach = 0;
  rules::Automaton automaton;
  std::unique_ptr<const rules::Conditions> conditions;  // null where there are none
};

struct DatabaseDeleter {
  void operator()(hs_database_t* database) const { hs_free_database(database); }
};
struct ScratchDeleter {
  void operator()(hs_scratch_t* scratch) const { hs_free_scratch(scratch); }
};

using DatabasePointer = std::unique_ptr<hs_database_t, DatabaseDeleter>;

struct CompiledRules {
  std::vector<CompiledRule> rules;
  DatabasePointer patterns;  // null when no rule needs it; so are literals
  DatabasePointer literals;
  std::vector<LiteralSpec> literal_table;
  Shapes shapes;
  Tails tails;
  std::uint32_t max_width = 0;
  std::uint32_t bytes_before = rules::kContextBytes;  // that a rule may look at
};

struct RuleSet::Impl {
  CompiledRules compiled;
};

}  // namespace sluice::inspect
