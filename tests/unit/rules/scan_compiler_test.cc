// Which way each rule of a scan is looked for, and what that needs.
#include "rules/scan_compiler.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sluice::rules {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;

CompiledScan compiled(const std::vector<std::string>& expressions, Anchoring anchoring = Anchoring::anchors) {
  std::vector<ScanRule> rules;
  for (const std::string& expression : expressions) rules.push_back({"a/rule", expression, false});
  auto scan = compile_scan(rules, this_platform(), anchoring);
  EXPECT_TRUE(scan);
  return scan ? *std::move(scan) : CompiledScan();
}

const std::string kNumber = "[0-9]{8}-[0-9]{4}";
const std::string kAddress = "[a-z]{1,9}(?:@|%40)[a-z]{1,9}";
const std::string kWord = "[a-z]{2,9}";

TEST(CompileScan, few_literals_need_no_database) {
  const CompiledScan scan = compiled({kNumber, kAddress});
  EXPECT_THAT(scan.anchors, ElementsAre(AnchorKind::shape, AnchorKind::spelled));
  EXPECT_TRUE(scan.literals.empty());
  EXPECT_TRUE(scan.literal_table.empty());
  EXPECT_TRUE(scan.patterns.empty());
}

TEST(CompileScan, many_literals_are_looked_for_by_one) {
  std::vector<std::string> expressions(1, kAddress);  // has two
  for (std::uint32_t i = 2; i < kMaxSpelled; ++i) expressions.push_back("#secret" + std::to_string(i) + "#");
  EXPECT_THAT(compiled(expressions).anchors, Each(AnchorKind::spelled));
  expressions.emplace_back("AKIA[0-9]{4}");
  const CompiledScan scan = compiled(expressions);
  EXPECT_THAT(scan.anchors, Each(AnchorKind::literal));
  EXPECT_FALSE(scan.literals.empty());
  EXPECT_EQ(scan.literal_table.size(), kMaxSpelled + 1);
}

TEST(CompileScan, a_rule_without_an_anchor_is_a_pattern) {
  const CompiledScan scan = compiled({kAddress, kWord});
  EXPECT_THAT(scan.anchors, ElementsAre(AnchorKind::spelled, AnchorKind::pattern));
  EXPECT_FALSE(scan.patterns.empty());
}

TEST(CompileScan, the_slower_ways_use_databases) {
  EXPECT_THAT(compiled({kNumber, kAddress}, Anchoring::databases).anchors,
              ElementsAre(AnchorKind::shape, AnchorKind::literal));
  EXPECT_THAT(compiled({kNumber, kAddress}, Anchoring::patterns).anchors, Each(AnchorKind::pattern));
}

}  // namespace
}  // namespace sluice::rules
