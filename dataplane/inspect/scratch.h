// A Scratch from the inside: everything that a scan writes to besides its results.
#pragma once

#include <hs.h>

#include <memory>
#include <vector>

#include "dataplane/inspect/anchors.h"
#include "dataplane/inspect/content.h"
#include "dataplane/inspect/rule_search.h"
#include "dataplane/inspect/rule_set.h"
#include "dataplane/inspect/scanner.h"
#include "dataplane/inspect/shapes.h"
#include "dataplane/inspect/tails.h"

namespace sluice::inspect {

struct WorkingMemory {
  std::unique_ptr<hs_scratch_t, ScratchDeleter> hyperscan;
  Content content;
  Anchors anchors;
  Shapes::Room shapes;
  Tails::Room tails;
  DecisionRoom decision;
  std::vector<Found> found;
};

struct Scratch::Impl {
  WorkingMemory memory;
};

}  // namespace sluice::inspect
