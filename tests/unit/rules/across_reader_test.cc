// The key across: what is wrong with it is said in words, and what it becomes in a bundle.
#include <flatbuffers/flatbuffers.h>
#include <gmock/gmock.h>

#include "rules/bundle.h"
#include "rules/compile.h"
#include "tests/unit/rules/samples.h"

namespace sluice::rules {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr std::string_view kService =
    "services: [{name: a, address: 10.0.0.1:80, protocol: http, mode: enforce, rules: [local/*]}]\nrules:\n";

std::string rule(std::string_view name, std::string_view across, std::string_view match = "abc",
                 std::string_view where = "request.body") {
  return "  - {name: " + std::string(name) + ", match: '" + std::string(match) + "', where: " + std::string(where) +
         ", action: deny,\n     across: {" + std::string(across) + "}}\n";
}

std::string problems(std::string_view across, std::string_view match = "abc", std::string_view where = "request.body") {
  return problems_of(std::string(kService) + rule("r", across, match, where));
}

TEST(AcrossReader, ReadsWhatTiesRequests) {
  const Policy policy = parse_or_die(
      std::string(kService) +
      rule("r", "by: [query id, header X-Upload-ID, path, principal], offset: header  Upload-Offset, for: 2h"));
  const Across& across = *policy.rules[0].across;
  EXPECT_THAT(across.by, ElementsAre(Tie{TieKind::principal, ""}, Tie{TieKind::path, ""},
                                     Tie{TieKind::header, "x-upload-id"}, Tie{TieKind::query, "id"}));
  EXPECT_EQ(across.offset, "upload-offset");
  EXPECT_EQ(across.seconds, 7200U);
  EXPECT_THAT(describe(policy),
              HasSubstr("across requests of one principal, path, header x-upload-id, query id, in the "
                        "order of header upload-offset, for 7200 s"));
  const Policy shortest = parse_or_die(std::string(kService) + rule("r", "by: path"));
  EXPECT_EQ(shortest.rules[0].across->offset, "");
  EXPECT_EQ(shortest.rules[0].across->seconds, 600U);
}

TEST(AcrossReader, SaysWhatIsWrong) {
  EXPECT_THAT(problems("for: 10m"), HasSubstr("p.yaml:4:14: across has no \"by\""));
  EXPECT_THAT(problems("by: []"), HasSubstr("by is empty"));
  for (const char* tie : {"cookie", "header", "'header '", "header a b", "header 'x:y'", "query", "path /x", "''"})
    EXPECT_FALSE(problems("by: [" + std::string(tie) + "]").empty()) << tie;
  EXPECT_THAT(problems("by: [cookie]"), HasSubstr("p.yaml:4:20: \"cookie\" ties no requests together; principal, path, "
                                                  "header X-Upload-Id or query upload"));
  EXPECT_THAT(problems("by: [header A, header a]"), HasSubstr("\"header a\" is named twice; once is enough"));
  EXPECT_THAT(problems("by: [query a, query b, query c, query d, query e, query f, query g, query h, query i]"),
              HasSubstr("9 things that tie requests together; at most 8"));
  EXPECT_THAT(problems("by: path, offset: Upload-Offset"),
              HasSubstr("\"Upload-Offset\" is no header; header Upload-Offset, or header Content-Range"));
  for (const char* time : {"10", "0s", "10 m", "25h", "86401s", "1d", "m", "-1s", "99999999999s"})
    EXPECT_THAT(problems("by: path, for: " + std::string(time)), HasSubstr("is no time; 1s to 24h, as 10m")) << time;
  EXPECT_THAT(problems("by: path, offsett: header A"), HasSubstr("did you mean \"offset\"?"));
  EXPECT_EQ(problems("by: path", "a[a-z]{511}"), "");
  EXPECT_THAT(
      problems("by: path", "a[a-z]{512}"),
      HasSubstr("a match may have 513 bytes, and 512 where a rule looks across requests; shorten what repeats in "
                "it, or remove across"));
  EXPECT_THAT(
      problems("by: path", "abc", "request.head"),
      HasSubstr("a rule looks across the bodies of requests, and this one looks at none; where: [request.body], "
                "or remove across"));
}

TEST(AcrossReader, AServiceHasFewGroups) {
  std::string yaml(kService);
  for (const char* query : {"a", "b", "c", "d"}) yaml += rule(query, "by: query " + std::string(query));
  EXPECT_EQ(problems_of(yaml + rule("same", "by: query a")), "");
  EXPECT_THAT(
      problems_of(yaml + rule("e", "by: query e")),
      HasSubstr("5 different keys across in the rules of a service; at most 4; let rules tie requests together in "
                "the same way"));
}

TEST(AcrossReader, RulesWithAnEqualAcrossAreOneScanAndInNoOther) {
  const Policy policy = parse_or_die(std::string(kService) + rule("a", "by: [path, query x]", "abc", "request") +
                                     rule("b", "by: [path]") + rule("c", "by: [query x, path]") +
                                     "  - {name: d, match: plain, where: request.body, action: observe}\n");
  const auto bytes = compile_policy(policy, this_platform(), 1, 0);
  ASSERT_TRUE(bytes);
  const auto& out = *flatbuffers::GetRoot<schema::policy::Policy>(bytes->data());
  EXPECT_EQ(out.format(), kPolicyFormatWithAcross);
  const auto& service = *out.services()->Get(0);
  const auto rules_of = [&](std::uint32_t scan) {
    const auto& list = *out.scans()->Get(scan)->rules();
    return std::vector<unsigned>(list.begin(), list.end());
  };
  EXPECT_THAT(rules_of(static_cast<std::uint32_t>(service.scans()->Get(0))), ElementsAre(0));
  EXPECT_THAT(rules_of(static_cast<std::uint32_t>(service.scans()->Get(1))), ElementsAre(3));
  ASSERT_EQ(service.across()->size(), 2U);
  EXPECT_THAT(rules_of(service.across()->Get(0)->scan()), ElementsAre(1));
  EXPECT_THAT(rules_of(service.across()->Get(1)->scan()), ElementsAre(0, 2));
  EXPECT_EQ(service.across()->Get(1)->by()->Get(1)->name()->str(), "x");
  EXPECT_EQ(service.across()->Get(1)->life_seconds(), 600U);
}

}  // namespace
}  // namespace sluice::rules
