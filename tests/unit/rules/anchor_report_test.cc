// What is said of a rule's anchor is what the scanner looks for, and how often it stands in the text.
#include "rules/anchor_report.h"

#include <gtest/gtest.h>

#include "rules/sample_text.h"

namespace sluice::rules {
namespace {

std::string line(std::string_view expression, std::string_view sample, bool caseless = false) {
  return describe(report_anchor(expression, caseless, as_bytes(sample)));
}

TEST(AnchorReport, names_the_literals) {
  EXPECT_EQ(line("(?:AKIA|ASIA)[A-Z]{16}", ""), "literal \"AKIA\" or \"ASIA\", 0 a megabyte");
  EXPECT_EQ(line("\\bbearer [a-z]{8,20}", "", true), "literal \"bearer \" in either case, 0 a megabyte");
}

TEST(AnchorReport, names_the_shape) {
  EXPECT_EQ(line("\\b[2-6][0-9]{3}(?:[ -]?[0-9]){9,15}\\b", ""), "shape [2-6][0-9]{3}[ 0-9-]{9}, 0 a megabyte");
}

TEST(AnchorReport, counts_where_the_anchor_stands) {
  const std::string text =
      std::string(997, ' ') + "AKI" + std::string(1000, 'x') + "xoxb-AKIA" + std::string(7991, ' ');
  ASSERT_EQ(text.size(), 10'000U);
  EXPECT_EQ(report_anchor("(?:AKIA|xox[ab]-)[A-Z]{16}", false, as_bytes(text)).found_per_mb, 200);
}

TEST(AnchorReport, says_which_rule_has_none) {
  EXPECT_EQ(line("[a-z]{2,9}", "abc"), "no anchor: every byte runs through a database of expressions");
}

TEST(SampleText, is_the_same_each_time_and_of_the_size_that_is_named) {
  EXPECT_EQ(sample_text().size(), kSampleBytes);
  EXPECT_NE(sample_text().find("SELECT "), std::string::npos);
  EXPECT_GT(report_anchor("\\b[0-9]{4}-[0-9]{2}-[0-9]{2}T", false, as_bytes(sample_text())).found_per_mb, 1000);
}

}  // namespace
}  // namespace sluice::rules
