// What `sluice top` makes of two looks.
#include "control/cli/callers.h"

#include <gtest/gtest.h>

namespace sluice::cli {
namespace {

Json look(std::uint64_t at_ns, std::uint64_t start_ns, const std::vector<Json>& rows) {
  return {
      {"at_ns", at_ns}, {"data_plane_start_ns", start_ns}, {"bounds_ns", {1'000'000, 10'000'000}}, {"callers", rows}};
}

Json row(const char* principal, std::uint64_t requests, const Json& waits) {
  return {{"service", "web"},
          {"principal", principal},
          {"requests", requests},
          {"errors", requests / 2},
          {"denied", 0},
          {"request_bytes", 0},
          {"response_bytes", requests * 100},
          {"waits", waits}};
}

TEST(Callers, RatesAreTheDifferenceOfTwoLooks) {
  const Json before = look(1'000'000'000, 5, {row("ci", 10, {10, 0, 0}), row("idle", 1000, {1000, 0, 0})});
  const Json after = look(3'000'000'000, 5, {row("idle", 1000, {1000, 0, 0}), row("ci", 30, {10, 20, 0})});
  const auto rates = caller_rates(before, after, "requests");
  ASSERT_EQ(rates.size(), 2U);
  EXPECT_EQ(rates[0].principal, "ci");
  EXPECT_EQ(rates[0].requests, 10);
  EXPECT_EQ(rates[0].errors, 5);
  EXPECT_EQ(rates[0].bytes, 1000);
  EXPECT_EQ(rates[0].total, 30U);
  EXPECT_NEAR(rates[0].median_s, 0.0055, 1e-9);
  EXPECT_LT(rates[1].median_s, 0);  // nobody waited
}

TEST(Callers, OneNameFromTwoSourcesAreTwo) {
  const auto from = [](Json row, const char* source) {
    row["source"] = source;
    return row;
  };
  const Json before = look(1'000'000'000, 5, {row("ci", 10, {}), from(row("ci", 10, {}), "10.0.0.9")});
  const Json after = look(2'000'000'000, 5, {row("ci", 10, {}), from(row("ci", 30, {}), "10.0.0.9")});
  const auto rates = caller_rates(before, after, "requests");
  ASSERT_EQ(rates.size(), 2U);
  EXPECT_EQ(rates[0].requests, 20);
  EXPECT_EQ(rates[1].requests, 0);
  EXPECT_NE(callers_text(rates).find("ci from 10.0.0.9  web"), std::string::npos) << callers_text(rates);
}

TEST(Callers, ANewDataPlaneBeginsAtNothing) {
  const Json before = look(1'000'000'000, 5, {row("ci", 1000, {1000, 0, 0})});
  const auto rates = caller_rates(before, look(3'000'000'000, 6, {row("ci", 4, {0, 0, 4})}), "requests");
  EXPECT_EQ(rates[0].requests, 4);
  EXPECT_EQ(rates[0].slow_s, 0.01);  // beyond the last bound nothing is known but that
}

TEST(Callers, TheyComeInTheOrderThatIsAsked) {
  const Json before = look(1'000'000'000, 5, {});
  const Json after = look(2'000'000'000, 5, {row("much", 100, {100, 0, 0}), row("slow", 1, {0, 0, 1})});
  EXPECT_EQ(caller_rates(before, after, "requests")[0].principal, "much");
  EXPECT_EQ(caller_rates(before, after, "wait")[0].principal, "slow");
}

TEST(Callers, AreTextForPeople) {
  const Json before = look(1'000'000'000, 5, {});
  const Json after = look(2'000'000'000, 5, {row("c\x1bi", 12, {12, 0, 0})});
  EXPECT_EQ(callers_text(caller_rates(before, after, "requests")),
            "PRINCIPAL  SERVICE  REQUESTS/S  ERRORS/S  DENIED/S  BYTES/S  P50     P99     REQUESTS\n"
            "c?i        web              12       6.0         0  1.2 KiB  0.5 ms  1.0 ms        12\n");
}

}  // namespace
}  // namespace sluice::cli
