// What a good bundle becomes. Bundles come from YAML by the same way as in production.
#include "dataplane/enforce/snapshot.h"

#include <gtest/gtest.h>

#include "rules/bundle.h"
#include "rules/compile.h"
#include "rules/policy.h"

namespace sluice::enforce {
namespace {

constexpr std::string_view kYaml = R"(services:
  - name: orders
    address: 10.77.0.2:8080
    protocol: http
    mode: enforce
    record: {class: gold, mode: required, durability: strict}
    rules: [local/*]
    http: {head: 8KiB, headers: 12, pending: 3}
    window: 16KiB
    after_window: stream
    allow_upgrade: true
    after_upgrade: pass
  - {name: watched, address: 10.77.0.2:8081, protocol: http, mode: observe, rules: [local/*]}
  - {name: plain, address: 10.77.0.3:80, protocol: http, mode: enforce, record: best_effort}
  - {name: replicas, address: 10.77.0.3:5432, protocol: postgres, mode: enforce, replication: pass}
  - {name: heads, address: 10.77.0.3:81, protocol: http, mode: enforce, rules: [local/head, local/answer]}
  - {name: base, address: 10.77.0.2:5432, protocol: postgres, mode: enforce, rules: [local/drop, local/files]}
  - {name: base-watched, address: 10.77.0.2:5433, protocol: postgres, mode: observe, rules: [local/drop], unreadable_sql: pass}
  - {name: base-noted, address: 10.77.0.2:5434, protocol: postgres, mode: enforce, rules: [local/files, local/head]}
rules:
  - {name: body, match: 'drop table', where: request.body, action: deny}
  - {name: head, match: 'x-evil', where: request.head, action: deny}
  - {name: answer, match: 'CU-[0-9]{6}', where: [request, response.body], action: mask, mask: {keep_last: 2, on: [wire.response, record]}}
  - {name: note, match: 'colou?r', where: response.head, action: observe}
  - {name: drop, sql: {kinds: [drop, truncate], tables: [hr.*]}, action: deny}
  - {name: files, sql: {functions: pg_read_file, copy: file}, action: observe}
principals:
  - {name: ci, from: 10.77.0.64/26}
  - {name: lab, from: 10.77.0.0/16}
)";

class SnapshotTest : public ::testing::Test {
 protected:
  SnapshotTest() {
    const auto policy = rules::parse_policy(kYaml, "p.yaml", rules::PackSource("/nonexistent"));
    EXPECT_TRUE(policy) << (policy ? "" : rules::to_error(policy.error()).detail);
    digest_ = policy->source_sha256;
    const auto keys = rules::generate_keypair();
    const auto bytes = rules::compile_policy(*policy, this_platform(), 7, 1);
    const auto bundle = rules::sign_bundle(*bytes, keys->private_key);
    auto loaded = Snapshot::load(*bundle, keys->public_key);
    EXPECT_TRUE(loaded) << (loaded ? "" : loaded.error().message());
    snapshot_ = std::move(*loaded);
  }
  const Service& service(std::string_view name) const {
    for (const Service& s : snapshot_->services())
      if (s.name == name) return s;
    ADD_FAILURE() << name;
    return snapshot_->services().front();
  }
  std::array<std::uint8_t, 32> digest_{};
  std::unique_ptr<const Snapshot> snapshot_;
};

using Flags = std::array<bool, kPlaces>;

TEST_F(SnapshotTest, has_version_and_digest) {
  EXPECT_EQ(snapshot_->version(), 7U);
  EXPECT_TRUE(std::ranges::equal(snapshot_->source_sha256(), digest_));
}

TEST_F(SnapshotTest, services_are_found_by_address_and_port) {
  EXPECT_EQ(snapshot_->find_service(0x0a4d0002, 8080), &service("orders"));
  EXPECT_EQ(snapshot_->find_service(0x0a4d0003, 80), &service("plain"));
  EXPECT_EQ(snapshot_->find_service(0x0a4d0003, 8080), nullptr);
  EXPECT_TRUE(snapshot_->is_protected(0x0a4d0003));
  EXPECT_FALSE(snapshot_->is_protected(0x0a4d0004));
  for (std::uint32_t i = 0; i < snapshot_->services().size(); ++i) EXPECT_EQ(snapshot_->services()[i].index, i);
}

TEST_F(SnapshotTest, fields_of_a_service_are_carried_over) {
  const Service& orders = service("orders");
  EXPECT_EQ(orders.record, RecordMode::required);
  EXPECT_EQ(orders.durability, Durability::strict);
  EXPECT_EQ(orders.record_class, "gold");
  EXPECT_EQ(orders.head_limit_bytes, 8U * 1024);
  EXPECT_EQ(orders.header_limit, 12);
  EXPECT_EQ(orders.pending_limit, 3);
  EXPECT_EQ(orders.window_bytes, 16U * 1024);
  EXPECT_EQ(orders.after_window, AfterWindow::stream);
  EXPECT_TRUE(orders.allow_upgrade);
  EXPECT_EQ(orders.after_upgrade, AfterUpgrade::pass);
  EXPECT_EQ(service("plain").after_upgrade, AfterUpgrade::scan);
  EXPECT_EQ(service("plain").replication, Replication::deny);
  EXPECT_EQ(service("replicas").replication, Replication::pass);
  EXPECT_EQ(service("plain").record, RecordMode::best_effort);
  EXPECT_EQ(service("plain").after_window, AfterWindow::deny);
}

TEST_F(SnapshotTest, enforcing_masks_where_a_rule_masks_the_wire_and_judges_where_one_denies) {
  const Service& orders = service("orders");
  EXPECT_EQ(orders.masks_wire, (Flags{false, false, false, true}));
  EXPECT_TRUE(orders.judges_request_body);
  for (const auto* scan : orders.scans) EXPECT_NE(scan, nullptr);
}

TEST_F(SnapshotTest, observing_scans_as_much_and_changes_and_holds_nothing) {
  const Service& watched = service("watched");
  EXPECT_EQ(watched.mode, Mode::observe);
  EXPECT_EQ(watched.masks_wire, Flags{});
  EXPECT_FALSE(watched.judges_request_body);
  EXPECT_EQ(watched.scans, service("orders").scans) << "equal rule lists share their databases";
}

TEST_F(SnapshotTest, a_rule_that_denies_heads_holds_no_bodies) {
  EXPECT_FALSE(service("heads").judges_request_body);
  EXPECT_NE(service("heads").scan(Place::request_head), nullptr);
}

TEST_F(SnapshotTest, a_service_without_rules_scans_nothing) {
  for (const auto* scan : service("plain").scans) EXPECT_EQ(scan, nullptr);
}

TEST_F(SnapshotTest, rules_say_what_to_do) {
  ASSERT_EQ(snapshot_->rule_count(), 6U);
  const Rule& answer = snapshot_->rule(2);
  EXPECT_EQ(answer.name, "local/answer");
  EXPECT_EQ(answer.action, Action::mask);
  EXPECT_EQ(answer.keep_last, 2);
  EXPECT_FALSE(answer.masks_wire(Direction::request));
  EXPECT_TRUE(answer.masks_wire(Direction::response));
  EXPECT_TRUE(answer.mask_record);
  EXPECT_EQ(snapshot_->rule(0).action, Action::deny);
  EXPECT_EQ(snapshot_->rule(3).action, Action::observe);
}

TEST_F(SnapshotTest, principals_are_found) {
  EXPECT_EQ(snapshot_->principal_of(0x0a4d0041), "ci");
  EXPECT_EQ(snapshot_->principal_of(0x0a4d0001), "lab");
  EXPECT_EQ(snapshot_->principal_of(0x0b000000), "");
}

TEST_F(SnapshotTest, a_match_names_the_rule_of_the_policy) {
  inspect::Scratch scratch;
  ASSERT_TRUE(snapshot_->prepare(scratch));
  const Bytes text = as_bytes("id=CU-123456;");
  inspect::ScanState state;
  std::vector<Match> matches;
  ASSERT_EQ(
      inspect::Scanner::scan(*service("orders").scan(Place::response_body), scratch, state, {&text, 1}, true, matches),
      ErrorCode::ok);
  ASSERT_EQ(matches.size(), 1U);
  EXPECT_EQ(matches[0], (Match{2, 3, 12}));
}

TEST_F(SnapshotTest, what_is_asked_of_statements) {
  const SqlTerms& base = service("base").sql;
  ASSERT_EQ(base.rules.size(), 2U);
  const Rule& drop = snapshot_->rule(base.rules[0]);
  EXPECT_EQ(drop.name, "local/drop");
  rules::SqlCondition wanted;
  wanted.kinds = {sql::Kind::drop, sql::Kind::truncate};
  wanted.tables = {{"hr", "*"}};
  EXPECT_EQ(*drop.sql, wanted);
  EXPECT_EQ(snapshot_->rule(base.rules[1]).sql->copy, sql::CopyEnd::file);
  EXPECT_TRUE(base.may_stop);
  EXPECT_TRUE(base.asks_functions);
  EXPECT_FALSE(base.pass_unreadable);
  EXPECT_FALSE(service("base").judges_request_body) << "no rule of it looks into content";
  const SqlTerms& watched = service("base-watched").sql;
  EXPECT_FALSE(watched.may_stop) << "nothing is refused in mode observe";
  EXPECT_TRUE(watched.pass_unreadable);
  EXPECT_FALSE(watched.asks_functions);
  EXPECT_FALSE(service("base-noted").sql.may_stop) << "its rules only observe statements";
  EXPECT_TRUE(service("orders").sql.rules.empty()) << "what speaks HTTP asks no statements";
}

}  // namespace
}  // namespace sluice::enforce
