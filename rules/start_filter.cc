// See start_filter.h; the tables are made with those of automaton.cc.
#include "rules/start_filter.h"

#include <algorithm>

namespace sluice::rules {

Expression reversed(const Expression& expression) {
  Expression out = expression;
  for (Expression& part : out.parts) part = reversed(part);
  if (out.kind == Expression::Kind::sequence) std::ranges::reverse(out.parts);
  return out;
}

}  // namespace sluice::rules
