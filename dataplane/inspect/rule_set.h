// A RuleSet from the inside: the Hyperscan database that finds where matches end, and for each rule
// the PCRE2 code that says exactly what they are. Both read an expression the same way: bytes, no UTF,
// `.` is any byte but \n, case folded for ASCII only. Built once, then immutable and shared by all workers.
#pragma once

#include <hs.h>

#include <memory>
#include <vector>

#include "dataplane/inspect/pcre.h"
#include "dataplane/inspect/scanner.h"

namespace sluice::inspect {

inline constexpr std::uint32_t kMaxWidth = 4096;  // the widest match that a rule may have, in bytes

struct CompiledRule {
  RuleSpec spec;
  PcreCode code;
};

struct CompiledRules {
  std::vector<CompiledRule> rules;
  std::unique_ptr<hs_database_t, FreeWith<hs_free_database>> database;
  std::uint32_t max_width = 0;
};

struct RuleSet::Impl {
  CompiledRules compiled;
};

}  // namespace sluice::inspect
