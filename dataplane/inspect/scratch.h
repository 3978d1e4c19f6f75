// A Scratch from the inside: everything that a scan writes to besides its results.
#pragma once

#include <hs.h>

#include <memory>

#include "dataplane/inspect/anchors.h"
#include "dataplane/inspect/content.h"
#include "dataplane/inspect/rule_search.h"
#include "dataplane/inspect/scanner.h"

namespace sluice::inspect {

struct WorkingMemory {
  std::unique_ptr<hs_scratch_t, FreeWith<hs_free_scratch>> hyperscan;
  Content content;
  Anchors anchors;
  DfaScratch dfa;
};

struct Scratch::Impl {
  WorkingMemory memory;
};

}  // namespace sluice::inspect
