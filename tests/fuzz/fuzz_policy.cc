// Any bytes as a policy file: it ends in a policy that can be shown, or in problems with words.
#include <cstdint>
#include <cstdlib>

#include "common/bytes.h"
#include "rules/policy.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sluice;
  static const rules::PackSource kNoPacks("/nonexistent");
  const auto policy = rules::parse_policy(as_text({data, size}), "fuzz.yaml", kNoPacks);
  if (policy) {
    if (rules::describe(*policy).empty()) std::abort();
    for (const rules::Service& service : policy->services)
      for (const RuleIndex rule : service.rules)
        if (rule >= policy->rules.size()) std::abort();
    return 0;
  }
  if (policy.error().empty()) std::abort();
  for (const rules::Problem& problem : policy.error())
    if (problem.text.empty() || problem.message().empty()) std::abort();
  return 0;
}
