#include "common/error.h"

#include <gtest/gtest.h>

#include <set>

#include "common/metrics.h"

namespace sluice {
namespace {

TEST(Error, EveryCodeHasItsOwnNumberNameAndText) {
  std::set<int> numbers;
  std::set<std::string_view> names;
  for (std::size_t i = 0; i < error_count(); ++i) {
    const ErrorCode code = error_at(i);
    EXPECT_EQ(error_index(code), i);
    EXPECT_TRUE(numbers.insert(static_cast<int>(code)).second) << error_name(code);
    EXPECT_TRUE(names.insert(error_name(code)).second) << error_name(code);
    EXPECT_FALSE(error_text(code).empty());
  }
}

TEST(Error, AnUndeclaredNumberIsUnknownAndCountsSomewhereHarmless) {
  EXPECT_EQ(error_name(static_cast<ErrorCode>(999)), "unknown");
  EXPECT_EQ(error_name(static_cast<ErrorCode>(65535)), "unknown");
  EXPECT_LT(error_index(static_cast<ErrorCode>(65535)), error_count());
}

TEST(Error, MessageJoinsTextAndDetail) {
  EXPECT_EQ((Error{ErrorCode::policy_invalid, "x.yaml:3:7"}.message()), "policy is invalid: x.yaml:3:7");
  EXPECT_EQ((Error{ErrorCode::policy_invalid, ""}.message()), "policy is invalid");
}

TEST(ErrorCounters, HaveRoomForEveryCode) {
  ErrorCounters counters;
  for (std::size_t i = 0; i < error_count(); ++i) counters.add(error_at(i), i);
  for (std::size_t i = 0; i < error_count(); ++i) EXPECT_EQ(counters.value(error_at(i)), i);
}

}  // namespace
}  // namespace sluice
