#include "common/session_id.h"

#include <gtest/gtest.h>

namespace sluice {
namespace {

TEST(SessionIds, GrowAndDifferBetweenWorkersAndStarts) {
  SessionIds first(0, 1'000 * kSecond);
  SessionIds other_worker(1, 1'000 * kSecond);
  SessionIds later(0, 2'000 * kSecond);
  const SessionId a = first.next();
  EXPECT_LT(a, first.next());
  EXPECT_NE(a, other_worker.next());
  EXPECT_GT(later.next(), first.next());
}

TEST(SessionIds, TextGoesBothWays) {
  SessionIds ids(3, 1'700'000'000ULL * kSecond);
  const SessionId id = ids.next();
  EXPECT_EQ(parse_session_id(format_session_id(id)), id);
}

TEST(SessionIds, WhatIsNoIdIsRefused) {
  for (const char* text : {"", "12", "00000000000000zz", "000000000000000000", "-000000000000001"})
    EXPECT_FALSE(parse_session_id(text)) << text;
}

}  // namespace
}  // namespace sluice
