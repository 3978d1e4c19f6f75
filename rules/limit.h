// A limit as an operator writes it: so much of something in so much time, for each of something, and what becomes of
// what exceeds it.
#pragma once

#include <cstdint>
#include <string>

#include "rules/problem.h"
#include "schema/policy_generated.h"

namespace sluice::rules {

using schema::policy::LimitOf;
using schema::policy::LimitPer;
using schema::policy::LimitThen;

struct Limit {
  std::string name;
  LimitPer per = LimitPer::service;
  LimitOf of = LimitOf::requests;
  LimitThen then = LimitThen::deny;
  std::uint64_t units = 0;  // a period; concurrent: at most at once; without a period, of one answer: at most
  std::uint64_t period_ns = 0;
  std::uint64_t burst = 0;
  Position position;
};

}  // namespace sluice::rules
