// Every rule of every pack finds all of its hits and none of its misses, through the bundle and the
// scanner that the data plane runs.
#include <gtest/gtest.h>

#include "dataplane/enforce/snapshot.h"
#include "rules/bundle.h"
#include "rules/compile.h"
#include "rules/pack.h"
#include "rules/policy.h"
#include "workbench/sql_trial.h"

namespace sluice::rules {
namespace {

std::string problems_text(const Problems& problems) {
  return to_error(problems).detail;
}

Pack load(const PackSource& source, const std::string& name) {
  const auto text = source.read(name);
  EXPECT_TRUE(text) << name;
  auto pack = parse_pack(text.value_or(""), name, source.path_of(name).string());
  EXPECT_TRUE(pack) << problems_text(pack ? Problems{} : pack.error());
  return pack ? std::move(*pack) : Pack{};
}

// A rule alone, run as the data plane would.
class Detector {
 public:
  explicit Detector(Rule rule) {
    Policy policy;
    rule.where = {true, true, true, true};
    if (rule.action == Action::deny) rule.where = {true, true, false, false};
    policy.rules.push_back(std::move(rule));
    Service service;
    service.name = "sample";
    service.address = 0x0a4d0002;
    service.port = 80;
    service.rules = {0};
    policy.services.push_back(std::move(service));
    const auto keys = generate_keypair();
    const auto bytes = compile_policy(policy, this_platform(), 1, 0);
    EXPECT_TRUE(bytes) << (bytes ? "" : bytes.error().message());
    const auto bundle = sign_bundle(*bytes, keys->private_key);
    auto snapshot = enforce::Snapshot::load(*bundle, keys->public_key);
    EXPECT_TRUE(snapshot) << (snapshot ? "" : snapshot.error().message());
    snapshot_ = std::move(*snapshot);
    EXPECT_TRUE(snapshot_->prepare(scratch_));
  }

  bool finds(const std::string& sample) {
    inspect::ScanState state;
    std::vector<Match> matches;
    const Bytes piece = as_bytes(sample);
    const auto* set = snapshot_->services().front().scan(enforce::Place::request_body);
    EXPECT_EQ(inspect::Scanner::scan(*set, scratch_, state, {&piece, 1}, true, matches), ErrorCode::ok);
    return !matches.empty();
  }

 private:
  std::unique_ptr<const enforce::Snapshot> snapshot_;
  inspect::Scratch scratch_;
};

const PackSource kSource{SLUICE_TEST_PACKS};

TEST(Packs, are_found_in_their_folder) {
  EXPECT_EQ(kSource.names(), (std::vector<std::string>{"pii", "pii-wide", "risk", "secrets", "secrets-wide", "sql"}));
}

TEST(Packs, find_every_hit_and_no_miss) {
  std::size_t samples = 0;
  for (const std::string& name : kSource.names()) {
    for (const Rule& rule : load(kSource, name).rules) {
      if (rule.sql) continue;
      Detector detector(rule);
      EXPECT_FALSE(rule.hits.empty() || rule.misses.empty()) << rule.name;
      for (const std::string& sample : rule.hits)
        EXPECT_TRUE(detector.finds(sample)) << rule.name << " misses: " << sample;
      for (const std::string& sample : rule.misses)
        EXPECT_FALSE(detector.finds(sample)) << rule.name << " finds: " << sample;
      samples += rule.hits.size() + rule.misses.size();
    }
  }
  EXPECT_GT(samples, 400U);
}

TEST(Packs, of_statements_find_every_hit_and_no_miss) {
  std::size_t samples = 0;
  for (const Rule& rule : load(kSource, "sql").rules) {
    ASSERT_TRUE(rule.sql) << rule.name;
    EXPECT_FALSE(rule.hits.empty() || rule.misses.empty()) << rule.name;
    for (const std::string& sample : rule.hits)
      EXPECT_TRUE(workbench::is_so(*rule.sql, sample)) << rule.name << " misses: " << sample;
    for (const std::string& sample : rule.misses)
      EXPECT_FALSE(workbench::is_so(*rule.sql, sample)) << rule.name << " finds: " << sample;
    samples += rule.hits.size() + rule.misses.size();
  }
  EXPECT_GT(samples, 50U);
}

// What a client must be able to send stays as it is on the way to the server; what hides something hides it on disk.
TEST(Packs, never_change_requests_on_the_wire) {
  for (const std::string& name : kSource.names())
    for (const Rule& rule : load(kSource, name).rules) {
      EXPECT_FALSE(rule.mask_wire[0]) << rule.name;
      EXPECT_EQ(rule.mask_record, rule.action == Action::mask) << rule.name;
    }
}

TEST(Packs, compile_together) {
  const auto policy = parse_policy(
      "services:\n  - {name: all, address: 10.77.0.2:80, protocol: http, mode: enforce,\n"
      "     rules: [pii/*, pii-wide/*, risk/*, secrets/*, secrets-wide/*, sql/*]}\n",
      "all.yaml", kSource);
  ASSERT_TRUE(policy) << problems_text(policy.error());
  const auto bytes = compile_policy(*policy, this_platform(), 1, 0);
  ASSERT_TRUE(bytes) << bytes.error().message();
  EXPECT_LT(bytes->size(), 4U * 1024 * 1024);
}

}  // namespace
}  // namespace sluice::rules
