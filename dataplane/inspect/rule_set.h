// A RuleSet from the inside: the Hyperscan database that finds where matches end, and for each rule the
// automaton that says exactly what they are. Both read an expression the same way: bytes, no UTF, `.` is any
// byte but \n, case folded for ASCII only. Built once, then immutable and shared by all workers.
#pragma once

#include <hs.h>

#include <memory>
#include <vector>

#include "dataplane/inspect/scanner.h"
#include "rules/automaton.h"

namespace sluice::inspect {

struct CompiledRule {
  RuleIndex index = 0;
  Validator validator = Validator::none;
  rules::Automaton automaton;
};

struct DatabaseDeleter {
  void operator()(hs_database_t* database) const { hs_free_database(database); }
};
struct ScratchDeleter {
  void operator()(hs_scratch_t* scratch) const { hs_free_scratch(scratch); }
};

struct CompiledRules {
  std::vector<CompiledRule> rules;
  std::unique_ptr<hs_database_t, DatabaseDeleter> database;
  std::uint32_t max_width = 0;
};

struct RuleSet::Impl {
  CompiledRules compiled;
};

}  // namespace sluice::inspect
