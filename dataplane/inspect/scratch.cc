#include "dataplane/inspect/scratch.h"

#include <algorithm>

namespace sluice::inspect {

Scratch::Scratch() : impl_(std::make_unique<Impl>()) {}
Scratch::~Scratch() = default;

std::uint64_t Scratch::lookups() const {
  return impl_->memory.decision.runs.lookups;
}

Result<void> Scratch::grow_for(const RuleSet& rules) {
  const CompiledRules& compiled = rules.impl_->compiled;
  WorkingMemory& memory = impl_->memory;
  for (const hs_database_t* database : {compiled.patterns.get(), compiled.literals.get()}) {
    if (database == nullptr) continue;
    hs_scratch_t* hyperscan = memory.hyperscan.release();
    const hs_error_t error = hs_alloc_scratch(database, &hyperscan);
    memory.hyperscan.reset(hyperscan);
    if (error != HS_SUCCESS) return fail(ErrorCode::bundle_bad_database, "no memory for a worker's scratch");
  }
  memory.decision.grow_for(compiled.max_width);
  memory.anchors.grow_for(compiled.rules.size());
  for (auto* words : {&memory.tails.alive, &memory.tails.open})
    words->resize(std::max(words->size(), compiled.tails.words()));
  return {};
}

}  // namespace sluice::inspect
