// A RuleSet from the inside: what finds the anchors (Hyperscan for literals and patterns, bitmaps for shapes), and for
// each rule the automaton that says exactly what its matches are. All read an expression the same way: bytes, no UTF,
// `.` is any byte but \n, case folded for ASCII only. Built once, then immutable and shared by all workers.
#pragma once

#include <hs.h>

#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "dataplane/inspect/leads.h"
#include "dataplane/inspect/literals.h"
#include "dataplane/inspect/luhn_filter.h"
#include "dataplane/inspect/scanner.h"
#include "dataplane/inspect/shapes.h"
#include "dataplane/inspect/tails.h"
#include "rules/automaton.h"
#include "rules/conditions.h"
#include "rules/start_filter.h"

namespace sluice::inspect {

struct CompiledRule {
  RuleIndex index = 0;
  Validator validator = Validator::none;
  rules::Automaton automaton;
  std::optional<rules::StartFilter> starts;             // for matches that are wide
  std::optional<LuhnFilter> checked_starts;             // where Luhn checks all of a match
  std::unique_ptr<const rules::Conditions> conditions;  // null where there are none
  std::vector<rules::Literal> literals;                 // of its anchor, where that is one
  std::optional<Leads> leads;                           // of these, where they are long
};

// A rule as one of a set.
struct RuleOfSet {
  std::shared_ptr<const CompiledRule> rule;
  // Within so many bytes of its start a match shows its anchor.
  std::uint32_t reach = 0;
  // It is looked for by its literals, which may stand far behind a start.
  bool has_leads = false;
};

struct SharedRules::Impl {
  std::map<RuleIndex, std::shared_ptr<const CompiledRule>> rules;
};

struct DatabaseDeleter {
  void operator()(hs_database_t* database) const { hs_free_database(database); }
};
struct ScratchDeleter {
  void operator()(hs_scratch_t* scratch) const { hs_free_scratch(scratch); }
};

using DatabasePointer = std::unique_ptr<hs_database_t, DatabaseDeleter>;

struct CompiledRules {
  std::vector<RuleOfSet> rules;
  DatabasePointer patterns;  // null when no rule needs it; so are literals
  DatabasePointer literals;
  std::vector<LiteralSpec> literal_table;
  Shapes shapes;
  Literals spelled;
  Tails tails;
  std::uint32_t max_width = 0;
  std::uint32_t bytes_before = rules::kContextBytes;  // that a rule may look at
};

struct RuleSet::Impl {
  CompiledRules compiled;
};

}  // namespace sluice::inspect
