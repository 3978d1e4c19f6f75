// `sluice rules cost`: what each rule costs on a text.
#pragma once

#include <string>

#include "common/bytes.h"
#include "common/error.h"
#include "workbench/given_rules.h"

namespace sluice::workbench {

struct CostOptions {
  GivenNames names;
  bool json = false;
  bool shares = true;  // each rule's share in the set, which takes the set to be made once for each
};

// The table, or JSON.
Result<std::string> cost_report(const CostOptions& options, Bytes text);

}  // namespace sluice::workbench
