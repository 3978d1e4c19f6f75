// The compiled policy says what the source said, and shares databases.
#include "rules/compile.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <hs/hs.h>

#include <memory>

#include "tests/unit/rules/samples.h"

namespace sluice::rules {
namespace {

using ::testing::ElementsAre;
namespace fbs = schema::policy;

class Compile : public ::testing::Test {
 protected:
  const fbs::Policy& compiled() {
    auto bytes = compile_policy(policy_, this_platform(), 42, 1234);
    EXPECT_TRUE(bytes) << (bytes ? "" : bytes.error().message());
    bytes_ = std::move(*bytes);
    return *flatbuffers::GetRoot<fbs::Policy>(bytes_.data());
  }
  Policy policy_ = parse_or_die(kWholePolicy);
  std::vector<std::uint8_t> bytes_;
};

TEST_F(Compile, header_names_version_source_and_platform) {
  const fbs::Policy& out = compiled();
  EXPECT_EQ(out.format(), 2);
  EXPECT_EQ(out.version(), 42U);
  EXPECT_EQ(out.created_wall_ns(), 1234U);
  EXPECT_EQ(out.hyperscan_version()->str(), this_platform().hyperscan_version);
  EXPECT_EQ(out.cpu_features(), this_platform().cpu_features);
  EXPECT_TRUE(std::ranges::equal(*out.source_sha256(), policy_.source_sha256));
}

TEST_F(Compile, fields_are_carried_over) {
  const fbs::Policy& out = compiled();
  const fbs::Service& orders = *out.services()->Get(0);
  EXPECT_EQ(orders.name()->str(), "orders");
  EXPECT_EQ(orders.address(), 0x0a4d0002U);
  EXPECT_EQ(orders.port(), 8080);
  EXPECT_EQ(orders.durability(), Durability::strict);
  EXPECT_EQ(orders.after_window(), AfterWindow::stream);
  EXPECT_EQ(orders.window_bytes(), 32U * 1024);
  EXPECT_EQ(orders.head_limit_bytes(), 16U * 1024);
  EXPECT_EQ(orders.header_limit(), 64);
  EXPECT_EQ(orders.pending_limit(), 8);
  EXPECT_TRUE(orders.allow_upgrade());
  EXPECT_EQ(orders.after_upgrade(), AfterUpgrade::pass);
  EXPECT_EQ(out.services()->Get(1)->mode(), Mode::observe);
  EXPECT_EQ(out.services()->Get(1)->record(), RecordMode::best_effort);
  const fbs::Rule& ticket = *out.rules()->Get(0);
  EXPECT_EQ(ticket.name()->str(), "local/ticket");
  EXPECT_EQ(ticket.expression()->str(), "TICKET-[0-9]{4,8}");
  EXPECT_TRUE(ticket.caseless());
  EXPECT_FALSE(ticket.mask_request_wire());
  EXPECT_TRUE(ticket.mask_response_wire());
  EXPECT_TRUE(ticket.mask_record());
  EXPECT_EQ(ticket.keep_last(), 2);
  EXPECT_EQ(ticket.max_width(), 15U);
  EXPECT_EQ(out.principals()->Get(0)->network(), 0x0a4d0040U);
  EXPECT_EQ(out.retention()->Get(1)->days(), 365U);
}

TEST_F(Compile, a_place_has_the_rules_that_look_there) {
  const fbs::Policy& out = compiled();
  const auto rules_at = [&](unsigned service, Place place) {
    const std::int32_t scan = out.services()->Get(service)->scans()->Get(static_cast<unsigned>(place));
    return std::vector<unsigned>(out.scans()->Get(static_cast<unsigned>(scan))->rules()->begin(),
                                 out.scans()->Get(static_cast<unsigned>(scan))->rules()->end());
  };
  EXPECT_THAT(rules_at(0, Place::request_head), ElementsAre(0, 1, 2, 3, 4));
  EXPECT_THAT(rules_at(0, Place::request_body), ElementsAre(1, 2, 3, 4));
  EXPECT_THAT(rules_at(0, Place::response_head), ElementsAre(2, 3, 4));
  EXPECT_THAT(rules_at(0, Place::response_body), ElementsAre(0, 3, 4));
  EXPECT_THAT(rules_at(1, Place::response_head), ElementsAre(3, 4));
}

TEST_F(Compile, equal_rule_lists_share_one_database) {
  policy_.services[1].rules = policy_.services[0].rules;
  const fbs::Policy& out = compiled();
  EXPECT_EQ(out.scans()->size(), 4U);
  EXPECT_THAT(*out.services()->Get(0)->scans(), ElementsAre(0, 1, 2, 3));
  EXPECT_THAT(*out.services()->Get(1)->scans(), ElementsAre(0, 1, 2, 3));
}

TEST_F(Compile, a_place_without_rules_has_no_scan) {
  policy_.services[0].rules = {1};  // deny: requests only
  policy_.services[1].rules = {};
  const fbs::Policy& out = compiled();
  EXPECT_THAT(*out.services()->Get(0)->scans(), ElementsAre(0, 0, -1, -1));
  EXPECT_THAT(*out.services()->Get(1)->scans(), ElementsAre(-1, -1, -1, -1));
}

TEST_F(Compile, databases_are_vectored_and_for_the_target) {
  Platform target = this_platform();
  target.cpu_tune = HS_TUNE_FAMILY_GENERIC;
  target.cpu_features = 0;
  policy_.rules[0].expression = "[k-z]{2,9}-[0-9]{4,8}";  // nothing in it is rare
  const auto bytes = compile_policy(policy_, target, 1, 0);
  ASSERT_TRUE(bytes);
  const fbs::Policy& out = *flatbuffers::GetRoot<fbs::Policy>(bytes->data());
  EXPECT_EQ(out.cpu_features(), 0U);
  const auto& database = *out.scans()->Get(0)->patterns();
  char* info = nullptr;
  ASSERT_EQ(hs_serialized_database_info(reinterpret_cast<const char*>(database.data()), database.size(), &info),
            HS_SUCCESS);
  EXPECT_THAT(info, ::testing::HasSubstr("Mode: VECTORED"));
  EXPECT_THAT(info, ::testing::Not(::testing::HasSubstr("AVX")));
  std::free(info);
}

// Its ends are only anchors: what costs much and tells little is left out of it.
TEST_F(Compile, databases_report_the_ends_of_matches_and_more) {
  policy_.services[0].rules = {0};
  policy_.rules[0].expression = "\\b[k-z]{2,9}-[0-9]{4,8}\\b";
  policy_.rules[0].where = {true, true, true, true};
  const fbs::Policy& out = compiled();
  const auto& bytes = *out.scans()->Get(0)->patterns();
  hs_database_t* raw = nullptr;
  ASSERT_EQ(hs_deserialize_database(reinterpret_cast<const char*>(bytes.data()), bytes.size(), &raw), HS_SUCCESS);
  const std::unique_ptr<hs_database_t, hs_error_t (*)(hs_database_t*)> database(raw, hs_free_database);
  hs_scratch_t* raw_scratch = nullptr;
  ASSERT_EQ(hs_alloc_scratch(raw, &raw_scratch), HS_SUCCESS);
  const std::unique_ptr<hs_scratch_t, hs_error_t (*)(hs_scratch_t*)> scratch(raw_scratch, hs_free_scratch);
  const auto ends = [&](std::string_view text) {
    std::vector<unsigned long long> found;
    const char* const data = text.data();
    const auto length = static_cast<unsigned>(text.size());
    const auto note = [](unsigned, unsigned long long, unsigned long long to, unsigned, void* into) {
      static_cast<std::vector<unsigned long long>*>(into)->push_back(to);
      return 0;
    };
    EXPECT_EQ(hs_scan_vector(raw, &data, &length, 1, 0, raw_scratch, note, &found), HS_SUCCESS);
    return found;
  };
  EXPECT_THAT(ends("a ton-12345 b"), ElementsAre(10, 11));
  EXPECT_THAT(ends("aton-12345 b"), ElementsAre(9, 10));
  EXPECT_THAT(ends("a ton-123 b"), ElementsAre());
}

TEST_F(Compile, the_same_policy_gives_the_same_bytes) {
  EXPECT_EQ(*compile_policy(policy_, this_platform(), 1, 5), *compile_policy(policy_, this_platform(), 1, 5));
}

TEST_F(Compile, another_hyperscan_is_refused) {
  Platform target = this_platform();
  target.hyperscan_version = "5.3.0 2020-01-01";
  EXPECT_EQ(compile_policy(policy_, target, 1, 0).error().code, ErrorCode::bundle_bad_database);
}

TEST_F(Compile, an_expression_that_does_not_compile_is_named) {
  policy_.rules[1].expression = "(";
  const auto bytes = compile_policy(policy_, this_platform(), 1, 0);
  ASSERT_FALSE(bytes);
  EXPECT_EQ(bytes.error().code, ErrorCode::policy_invalid);
  EXPECT_THAT(bytes.error().detail, ::testing::HasSubstr("local/drop-table"));
}

}  // namespace
}  // namespace sluice::rules
