// Packs are found by name, never outside their folder, and their problems are those of their own file.
#include "rules/pack.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "tests/unit/rules/samples.h"

namespace sluice::rules {
namespace {

using ::testing::HasSubstr;
namespace fs = std::filesystem;

TEST(Pack, names_can_not_leave_the_folder) {
  for (const std::string_view bad :
       {"", "..", "../rules", "a/b", "/etc/passwd", ".hidden", "local", "PII", "pii.yaml"}) {
    EXPECT_TRUE(test_packs().path_of(bad).empty()) << bad;
    EXPECT_EQ(test_packs().read(bad).error().code, ErrorCode::not_found) << bad;
  }
  EXPECT_TRUE(test_packs().read("pii"));
  EXPECT_EQ(test_packs().read("none").error().code, ErrorCode::not_found);
}

TEST(Pack, a_missing_folder_has_no_packs) {
  const PackSource none("/nonexistent/packs");
  EXPECT_TRUE(none.names().empty());
  EXPECT_EQ(none.read("pii").error().code, ErrorCode::not_found);
}

TEST(Pack, the_default_folder_has_packs) {
  EXPECT_FALSE(PackSource().names().empty()) << default_pack_directory();
}

TEST(Pack, is_called_as_its_file) {
  const auto pack = parse_pack("pack: other\nrules: []\n", "mine", "mine.yaml");
  ASSERT_FALSE(pack);
  EXPECT_EQ(pack.error().front().message(),
            "mine.yaml:1:7: pack \"other\" in the file of pack \"mine\"; a pack is called as its file");
}

TEST(Pack, a_rule_needs_samples) {
  const auto pack =
      parse_pack("pack: p\nrules:\n- {name: r, match: ab, where: request, action: mask}\n", "p", "p.yaml");
  ASSERT_FALSE(pack);
  ASSERT_EQ(pack.error().size(), 2U);
  EXPECT_THAT(pack.error()[0].message(), HasSubstr("p.yaml:3:3: a rule has no \"hits\""));
}

TEST(Pack, its_problems_are_reported_under_its_own_file) {
  std::string pattern = (fs::temp_directory_path() / "sluice-packs-XXXXXX").string();
  const fs::path folder = ::mkdtemp(pattern.data());
  std::ofstream(folder / "bad.yaml")
      << "pack: bad\nrules:\n- {name: r, match: 'a+', where: request, action: mask, hits: [a], misses: [b]}\n";
  const auto policy =
      parse_policy("services: [{name: a, address: 10.0.0.1:80, protocol: http, mode: enforce, rules: [bad/*, bad/r]}]",
                   "p.yaml", PackSource(folder));
  ASSERT_FALSE(policy);
  EXPECT_EQ(policy.error().size(), 1U) << to_error(policy.error()).detail;
  EXPECT_THAT(policy.error()[0].message(),
              HasSubstr((folder / "bad.yaml").string() + ":3:22: rule bad/r: expression at character 2"));
  fs::remove_all(folder);
}

}  // namespace
}  // namespace sluice::rules
