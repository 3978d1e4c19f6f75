// Bundles that are signed and wrong all the same: each is refused whole, with its reason.
// Includes policy_objects.h first: it is schema/policy_generated.h and more, under the same guard.
#include "tests/unit/dataplane/enforce/policy_objects.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "common/random.h"
#include "dataplane/enforce/snapshot.h"
#include "rules/anchor.h"
#include "rules/bounds.h"
#include "rules/bundle.h"
#include "rules/compile.h"

namespace sluice::enforce {
namespace {

using ::testing::HasSubstr;
namespace fbs = schema::policy;

rules::Policy sample_policy() {
  rules::Policy policy;
  policy.rules.resize(2);
  policy.rules[0].name = "local/a";
  policy.rules[1].name = "local/b";
  for (rules::Rule& rule : policy.rules) {
    rule.expression = "abc|bcd|cde";
    rule.min_width = rule.max_width = 3;
    rule.where = {true, true, false, false};
    rule.action = rules::Action::deny;
  }
  policy.services.resize(2);
  policy.services[0].name = "one";
  policy.services[1].name = "two";
  std::uint16_t port = 80;
  for (rules::Service& service : policy.services) {
    service.address = 0x0a000001;
    service.port = port++;
    service.rules = {0, 1};
  }
  policy.principals = {{"ci", 0x0a000000, 8, {}}};
  return policy;
}

class Refusal : public ::testing::Test {
 protected:
  Error load(const std::vector<std::uint8_t>& policy) const {
    const auto bundle = rules::sign_bundle(policy, keys_.private_key);
    const auto loaded = Snapshot::load(*bundle, keys_.public_key);
    return loaded ? Error{} : loaded.error();
  }
  Error load_compiled(const rules::Policy& policy) const {
    return load(*rules::compile_policy(policy, this_platform(), 1, 0));
  }
  // A compiled policy, taken apart, changed, and put together again.
  Error load_changed(const std::function<void(fbs::PolicyT&)>& change) const {
    const auto bytes = rules::compile_policy(sample_, this_platform(), 1, 0);
    std::unique_ptr<fbs::PolicyT> policy(flatbuffers::GetRoot<fbs::Policy>(bytes->data())->UnPack());
    change(*policy);
    flatbuffers::FlatBufferBuilder builder;
    builder.Finish(fbs::Policy::Pack(builder, policy.get()));
    return load({builder.GetBufferPointer(), builder.GetBufferPointer() + builder.GetSize()});
  }
  void expect(ErrorCode code, std::string_view text, const std::function<void(fbs::PolicyT&)>& change) const {
    const Error error = load_changed(change);
    EXPECT_EQ(error.code, code) << error_name(error.code) << " for " << text;
    EXPECT_THAT(error.detail, HasSubstr(std::string(text)));
  }
  void expect_malformed(std::string_view text, const std::function<void(fbs::PolicyT&)>& change) const {
    expect(ErrorCode::bundle_malformed, text, change);
  }
  rules::Policy sample_ = sample_policy();
  rules::KeyPair keys_ = *rules::generate_keypair();
};

TEST_F(Refusal, unchanged_it_is_taken) {
  EXPECT_EQ(load_changed([](fbs::PolicyT&) {}).code, ErrorCode::ok);
  EXPECT_EQ(load_compiled(sample_policy()).code, ErrorCode::ok);
}

TEST_F(Refusal, another_signer) {
  const auto bytes = rules::compile_policy(sample_policy(), this_platform(), 1, 0);
  const auto bundle = rules::sign_bundle(*bytes, rules::generate_keypair()->private_key);
  EXPECT_EQ(Snapshot::load(*bundle, keys_.public_key).error().code, ErrorCode::bundle_bad_signature);
  EXPECT_EQ(Snapshot::load({}, keys_.public_key).error().code, ErrorCode::bundle_malformed);
}

TEST_F(Refusal, another_format_cpu_or_library) {
  expect(ErrorCode::bundle_bad_version, "format 1", [](fbs::PolicyT& p) { p.format = 1; });
  expect(ErrorCode::bundle_wrong_cpu, "compiled for tune", [](fbs::PolicyT& p) { p.cpu_features ^= 4; });
  expect(ErrorCode::bundle_wrong_cpu, "compiled for tune", [](fbs::PolicyT& p) { p.cpu_tune += 1; });
  expect(ErrorCode::bundle_bad_database, "not compiled with Hyperscan",
         [](fbs::PolicyT& p) { p.hyperscan_version = "5.3.0"; });
}

TEST_F(Refusal, a_policy_really_compiled_for_another_cpu) {
  Platform other = this_platform();
  other.cpu_features = 0;
  other.cpu_tune = 0;
  if (other == this_platform()) GTEST_SKIP() << "this machine is the plainest CPU there is";
  EXPECT_EQ(load(*rules::compile_policy(sample_policy(), other, 1, 0)).code, ErrorCode::bundle_wrong_cpu);
}

TEST_F(Refusal, databases) {
  // So many literals that a database holds them.
  sample_.services.resize(1);
  for (unsigned i = 100; i < 100 + rules::kMaxSpelled; ++i) {
    rules::Rule& rule = sample_.rules.emplace_back(sample_.rules[0]);
    rule.name = fmt::format("local/number-{}", i);
    rule.expression = fmt::format("#secret{}#", i);
    rule.min_width = rule.max_width = 11;
    sample_.services[0].rules.push_back(static_cast<RuleIndex>(sample_.rules.size() - 1));
  }
  expect(ErrorCode::bundle_bad_database, "Hyperscan error", [](fbs::PolicyT& p) { p.scans[0]->literals[100] ^= 1; });
  expect(ErrorCode::bundle_bad_database, "Hyperscan error", [](fbs::PolicyT& p) { p.scans[0]->literals.pop_back(); });
  expect(ErrorCode::bundle_bad_database, "Hyperscan error", [](fbs::PolicyT& p) { p.scans[0]->literals.resize(3); });
  expect_malformed("there is no literal of it", [](fbs::PolicyT& p) { p.scans[0]->literals.clear(); });
  expect_malformed("there is no literal of it", [](fbs::PolicyT& p) { p.scans[0]->literal_table.clear(); });
  expect_malformed("a literal of no rule", [](fbs::PolicyT& p) { p.scans[0]->literal_table.emplace_back(9999, 1, 1); });
  expect_malformed("lies beyond its matches", [](fbs::PolicyT& p) { p.scans[0]->literal_table[0] = {0, 1, 5000}; });
  expect_malformed("no anchor a rule", [](fbs::PolicyT& p) { p.scans[0]->anchors.pop_back(); });
  expect_malformed("unknown kind", [](fbs::PolicyT& p) { p.scans[0]->anchors[0] = 5; });
  expect_malformed("no literal in its expression", [](fbs::PolicyT& p) {
    p.rules[0]->expression = "[a-z]{3}";
    p.scans[0]->anchors[0] = 3;
  });
  expect_malformed("no database with its pattern", [](fbs::PolicyT& p) { p.scans[0]->anchors[0] = 0; });
  expect_malformed("scan 0 is empty", [](fbs::PolicyT& p) { p.scans[0]->rules.clear(); });
}

TEST_F(Refusal, indexes) {
  expect_malformed("scan 0 names rule 2", [](fbs::PolicyT& p) { p.scans[0]->rules = {0, 2}; });
  expect_malformed("scan 0 names rule 4294967295",
                   [](fbs::PolicyT& p) { p.scans[0]->rules = {~0U}, p.scans[0]->anchors.resize(1); });
  expect_malformed("scan 0 names rule 0", [](fbs::PolicyT& p) { p.scans[0]->rules = {1, 0}; });
  expect_malformed("scan 0 names rule 1", [](fbs::PolicyT& p) { p.scans[0]->rules = {1, 1}; });
  expect_malformed("names scan 1", [](fbs::PolicyT& p) { p.services[0]->scans[1] = 1; });
  expect_malformed("names scan -2", [](fbs::PolicyT& p) { p.services[0]->scans[1] = -2; });
  expect_malformed("no scan a place", [](fbs::PolicyT& p) { p.services[0]->scans.pop_back(); });
  expect_malformed("no scan a place", [](fbs::PolicyT& p) { p.services[0]->scans.push_back(0); });
}

TEST_F(Refusal, scores) {
  const auto with = [](const std::function<void(fbs::RiskT&)>& change) {
    return [change](fbs::PolicyT& p) {
      p.services[0]->risk = std::make_unique<fbs::RiskT>();
      fbs::RiskT& risk = *p.services[0]->risk;
      risk.interval_ns = 60 * kSecond;
      for (const auto& [above, then] :
           {std::pair(50U, fbs::LimitThen::throttle), std::pair(80U, fbs::LimitThen::deny)}) {
        auto line = std::make_unique<fbs::RiskLineT>();
        line->above = above;
        line->then = then;
        line->units = line->burst = 10;
        line->period_ns = kSecond;
        risk.lines.push_back(std::move(line));
      }
      auto behaviour = std::make_unique<fbs::BehaviourT>();
      behaviour->kind = fbs::BehaviourKind::requests;
      behaviour->score = 10;
      behaviour->above = 100;
      behaviour->factor = 5;
      risk.behaviours.push_back(std::move(behaviour));
      change(risk);
    };
  };
  EXPECT_EQ(load_changed(with([](fbs::RiskT&) {})).code, ErrorCode::ok);
  for (const std::function<void(fbs::RiskT&)>& change : std::initializer_list<std::function<void(fbs::RiskT&)>>{
           [](fbs::RiskT& r) { r.lines[1]->above = 50; }, [](fbs::RiskT& r) { r.lines[0]->above = 0; },
           [](fbs::RiskT& r) { r.lines[1]->above = rules::kMaxRiskAbove + 1; },
           [](fbs::RiskT& r) { r.lines[1]->then = fbs::LimitThen::observe; },
           [](fbs::RiskT& r) { r.lines[1]->then = static_cast<fbs::LimitThen>(4); },
           [](fbs::RiskT& r) { r.lines[0]->units = 0; }, [](fbs::RiskT& r) { r.lines[0]->period_ns = 0; }})
    expect_malformed("a line of scores that is not proper", with(change));
  expect_malformed("a number of lines", with([](fbs::RiskT& r) { r.lines.clear(); }));
  expect_malformed("an interval", with([](fbs::RiskT& r) { r.interval_ns = 0; }));
  for (const std::function<void(fbs::BehaviourT&)>& change :
       std::initializer_list<std::function<void(fbs::BehaviourT&)>>{
           [](fbs::BehaviourT& b) { b.score = 0; }, [](fbs::BehaviourT& b) { b.score = rules::kMaxScore + 1; },
           [](fbs::BehaviourT& b) { b.factor = 0; }, [](fbs::BehaviourT& b) { b.above = ~0ULL; },
           [](fbs::BehaviourT& b) { b.kind = static_cast<fbs::BehaviourKind>(6); }})
    expect_malformed("behaviour that is not proper", with([change](fbs::RiskT& r) { change(*r.behaviours[0]); }));
  expect_malformed("behaviour that is not proper", with([](fbs::RiskT& r) {
                     r.behaviours.push_back(std::make_unique<fbs::BehaviourT>(*r.behaviours[0]));
                   }));
  expect_malformed("too high a score", [](fbs::PolicyT& p) { p.rules[0]->score = rules::kMaxScore + 1; });
}

TEST_F(Refusal, across_requests) {
  rules::Policy sample = sample_policy();
  sample.rules[1].across = rules::Across{.by = {{rules::TieKind::header, "x-upload"}}, .offset = "", .seconds = 60};
  const auto bytes = rules::compile_policy(sample, this_platform(), 1, 0);
  EXPECT_EQ(load(*bytes).code, ErrorCode::ok);
  const auto expect_across = [&](std::string_view why, const std::function<void(fbs::AcrossT&)>& change) {
    std::unique_ptr<fbs::PolicyT> policy(flatbuffers::GetRoot<fbs::Policy>(bytes->data())->UnPack());
    change(*policy->services[0]->across[0]);
    flatbuffers::FlatBufferBuilder builder;
    builder.Finish(fbs::Policy::Pack(builder, policy.get()));
    const Error error = load({builder.GetBufferPointer(), builder.GetBufferPointer() + builder.GetSize()});
    EXPECT_EQ(error.code, ErrorCode::bundle_malformed) << why;
    EXPECT_THAT(error.detail, HasSubstr(std::string(why)));
  };
  expect_across("names scan 99", [](fbs::AcrossT& a) { a.scan = 99; });
  expect_across("beyond the bounds", [](fbs::AcrossT& a) { a.by.clear(); });
  expect_across("beyond the bounds", [](fbs::AcrossT& a) { a.life_seconds = 0; });
  expect_across("beyond the bounds", [](fbs::AcrossT& a) { a.life_seconds = rules::kMaxAcrossSeconds + 1; });
  expect_across("what is not known", [](fbs::AcrossT& a) { a.by[0]->kind = static_cast<fbs::TieKind>(4); });
  expect_across("what is not known", [](fbs::AcrossT& a) { a.by[0]->name.clear(); });
  expect_across("what is not known", [](fbs::AcrossT& a) { a.by[0]->kind = fbs::TieKind::path; });
}

TEST_F(Refusal, statements) {
  sample_.services.resize(1);
  sample_.services[0].protocol = rules::Protocol::postgres;
  sample_.rules[1].sql.emplace().kinds = {sql::Kind::drop};
  sample_.rules[1].sql->tables = {{"hr", "users"}};
  sample_.rules[1].expression.clear();
  sample_.rules[1].where = {};
  const auto with = [](const std::function<void(fbs::SqlT&)>& change) {
    return [change](fbs::PolicyT& p) { change(*p.rules[1]->sql); };
  };
  EXPECT_EQ(load_changed([](fbs::PolicyT&) {}).code, ErrorCode::ok);
  const auto expect_unknown = [&](const std::function<void(fbs::SqlT&)>& change) {
    expect_malformed("rule local/b asks of SQL what is not known", with(change));
  };
  expect_unknown([](fbs::SqlT& s) { s.kinds = {"dropp"}; });
  expect_unknown([](fbs::SqlT& s) { s.kinds.assign(100, "drop"); });
  expect_unknown([](fbs::SqlT& s) { s.tables.assign(rules::kMaxSqlNames + 1, "a"); });
  expect_unknown([](fbs::SqlT& s) { s.columns = {std::string(rules::kMaxSqlNameBytes + 1, 'a')}; });
  expect_unknown([](fbs::SqlT& s) { s.functions = {"pg."}; });
  expect_unknown([](fbs::SqlT& s) { s.copy = static_cast<fbs::SqlCopyEnd>(4); });
  expect_unknown([](fbs::SqlT& s) { s = {}; });
  expect_malformed("masks what a statement means", [](fbs::PolicyT& p) { p.rules[1]->mask_record = true; });
  expect_malformed("masks what a statement means", [](fbs::PolicyT& p) { p.rules[1]->action = fbs::Action::mask; });
  expect_malformed("scan 0 names rule 1", [](fbs::PolicyT& p) {
    p.scans[0]->rules = {0, 1};
    p.scans[0]->anchors.push_back(0);
  });
  for (const std::vector<std::uint32_t>& wrong : {std::vector{0U}, {2U}, {1U, 1U}})
    expect_malformed("service one asks rule", [&](fbs::PolicyT& p) { p.services[0]->sql_rules = wrong; });
  expect_malformed("service one asks rule 1 of SQL",
                   [](fbs::PolicyT& p) { p.services[0]->protocol = fbs::Protocol::http; });
  expect_malformed("unknown word for what can not be read",
                   [](fbs::PolicyT& p) { p.services[0]->unreadable_sql = static_cast<fbs::Unreadable>(2); });
}

// What a rule asks of its matches is held against the same bounds as in a policy; nothing of it is left out.
TEST_F(Refusal, conditions) {
  const auto with = [](const std::function<void(fbs::ConditionsT&)>& change) {
    return [change](fbs::PolicyT& p) {
      p.format = rules::kPolicyFormatWithConditions;
      p.rules[1]->conditions = std::make_unique<fbs::ConditionsT>();
      change(*p.rules[1]->conditions);
    };
  };
  EXPECT_EQ(load_changed(with([](fbs::ConditionsT& c) { c.allow_values = {"abc"}; })).code, ErrorCode::ok);
  expect_malformed("rule 1: group: it has no group 1", with([](fbs::ConditionsT& c) { c.group = 1; }));
  expect_malformed("rule 1: entropy: more than 8 bits", with([](fbs::ConditionsT& c) { c.min_entropy = 8001; }));
  expect_malformed("rule 1: context within: 65 bytes", with([](fbs::ConditionsT& c) {
                     c.context_words = {"ssn"};
                     c.context_within = 65;
                   }));
  expect_malformed("rule 1: context within: 0 bytes", with([](fbs::ConditionsT& c) { c.context_words = {"ssn"}; }));
  expect_malformed("allow match, item 1: expression at character 2",
                   with([](fbs::ConditionsT& c) { c.allow_match = {"a*"}; }));
  expect_malformed("allow contain, item 2: it is empty",
                   with([](fbs::ConditionsT& c) { c.allow_contain = {"a", ""}; }));
  expect(ErrorCode::bundle_bad_version, "format 11",
         [](fbs::PolicyT& p) { p.format = rules::kNewestPolicyFormat + 1; });
}

TEST_F(Refusal, limits) {
  const auto with = [](const std::function<void(fbs::LimitT&)>& change) {
    return [change](fbs::PolicyT& p) {
      p.format = rules::kPolicyFormatWithLimits;
      auto limit = std::make_unique<fbs::LimitT>();
      limit->name = "few";
      limit->units = limit->burst = 10;
      limit->period_ns = kSecond;
      change(*limit);
      p.services[0]->limits.push_back(std::move(limit));
    };
  };
  EXPECT_EQ(load_changed(with([](fbs::LimitT&) {})).code, ErrorCode::ok);
  const auto expect_not_proper = [&](const std::function<void(fbs::LimitT&)>& change) {
    expect_malformed("limit 0 of one is not proper", with(change));
  };
  expect_not_proper([](fbs::LimitT& l) { l.name = "a/b"; });
  expect_not_proper([](fbs::LimitT& l) { l.per = static_cast<fbs::LimitPer>(5); });
  expect_not_proper([](fbs::LimitT& l) { l.of = static_cast<fbs::LimitOf>(5); });
  expect_not_proper([](fbs::LimitT& l) { l.then = static_cast<fbs::LimitThen>(4); });
  expect_not_proper([](fbs::LimitT& l) { l.units = 0; });
  expect_not_proper([](fbs::LimitT& l) { l.units = ~0ULL; });
  expect_not_proper([](fbs::LimitT& l) { l.period_ns = 0; });
  expect_not_proper([](fbs::LimitT& l) { l.period_ns = ~0ULL; });
  expect_not_proper([](fbs::LimitT& l) { l.burst = 0; });
  expect_not_proper([](fbs::LimitT& l) {
    l.units = 1;
    l.burst = rules::kMaxLimitUnits;
  });
  expect_not_proper([](fbs::LimitT& l) {
    l.of = fbs::LimitOf::concurrent;
    l.units = rules::kMaxConcurrent + 1;
  });
  expect_not_proper([](fbs::LimitT& l) {
    l.of = fbs::LimitOf::rows;
    l.period_ns = 0;
    l.then = fbs::LimitThen::hold;
  });
  expect_not_proper([](fbs::LimitT& l) {
    l.of = fbs::LimitOf::result_bytes;
    l.period_ns = 0;
    l.units = rules::kMaxLimitUnits + 1;
  });
  expect_not_proper([](fbs::LimitT& l) { l.of = fbs::LimitOf::result_bytes; });
  expect_malformed("counts bytes or rows per route", with([](fbs::LimitT& l) {
                     l.of = fbs::LimitOf::bytes;
                     l.per = fbs::LimitPer::route;
                   }));
  expect_malformed("one has too many limits", [&](fbs::PolicyT& p) {
    for (std::size_t i = 0; i <= rules::kMaxLimits; ++i) with([](fbs::LimitT&) {})(p);
  });
}

TEST_F(Refusal, rules) {
  expect_malformed("rule 0 has no proper name", [](fbs::PolicyT& p) { p.rules[0]->name = "x"; });
  expect_malformed("rule 1 has no proper name", [](fbs::PolicyT& p) { p.rules[1]->name = "local/a\nb"; });
  expect_malformed("unknown action", [](fbs::PolicyT& p) { p.rules[0]->action = static_cast<fbs::Action>(4); });
  expect_malformed("unknown action or validator",
                   [](fbs::PolicyT& p) { p.rules[0]->validator = static_cast<fbs::Validator>(9); });
  expect_malformed("without being a mask", [](fbs::PolicyT& p) { p.rules[0]->mask_response_wire = true; });
  expect_malformed("denies or holds responses", [](fbs::PolicyT& p) { p.services[0]->scans[3] = 0; });
  expect_malformed("rule 0", [](fbs::PolicyT& p) { p.rules[0]->expression = "("; });
  expect_malformed("rule 0", [](fbs::PolicyT& p) { p.rules[0]->min_width = 0; });
  expect_malformed("rule 0", [](fbs::PolicyT& p) { p.rules[0]->max_width = 4097; });
}

TEST_F(Refusal, services) {
  expect_malformed("no proper name or class", [](fbs::PolicyT& p) { p.services[0]->name = "../up"; });
  expect_malformed("no proper name or class", [](fbs::PolicyT& p) { p.services[0]->record_class = ""; });
  expect_malformed("two services two", [](fbs::PolicyT& p) { p.services[0]->name = "two"; });
  expect_malformed("two services at one address", [](fbs::PolicyT& p) { p.services[0]->port = 81; });
  expect_malformed("has no address", [](fbs::PolicyT& p) { p.services[0]->address = 0; });
  expect_malformed("has no address", [](fbs::PolicyT& p) { p.services[0]->port = 0; });
  expect_malformed("unknown protocol",
                   [](fbs::PolicyT& p) { p.services[0]->protocol = static_cast<fbs::Protocol>(4); });
  expect_malformed("unknown protocol", [](fbs::PolicyT& p) { p.services[0]->protocol = fbs::Protocol::raw; });
  expect_malformed("tickets, pieces or rules across, and protocol postgres", [](fbs::PolicyT& p) {
    p.services[0]->protocol = fbs::Protocol::postgres;
    p.services[0]->hold = std::make_unique<fbs::HoldT>();
    p.services[0]->hold->timeout_ns = 60 * kSecond;
    p.services[0]->hold->body_bytes = 64 * 1024;
    p.services[0]->hold->ticket = true;
  });
  expect_malformed("tickets, pieces or rules across, and protocol postgres", [](fbs::PolicyT& p) {
    p.services[0]->protocol = fbs::Protocol::postgres;
    p.services[0]->risk = std::make_unique<fbs::RiskT>();
    p.services[0]->risk->interval_ns = 60 * kSecond;
    p.services[0]->risk->lines.push_back(std::make_unique<fbs::RiskLineT>());
    p.services[0]->risk->lines[0]->above = 1;
    p.services[0]->risk->behaviours.push_back(std::make_unique<fbs::BehaviourT>());
    p.services[0]->risk->behaviours[0]->kind = fbs::BehaviourKind::pieces;
    p.services[0]->risk->behaviours[0]->score = 1;
    p.services[0]->risk->behaviours[0]->factor = 1;
  });
  expect_malformed("rules or limits and a protocol that nothing reads",
                   [](fbs::PolicyT& p) { p.services[0]->protocol = fbs::Protocol::tcp; });
  expect_malformed("unknown protocol",
                   [](fbs::PolicyT& p) { p.services[0]->after_upgrade = static_cast<fbs::AfterUpgrade>(2); });
  expect_malformed("unknown protocol",
                   [](fbs::PolicyT& p) { p.services[0]->replication = static_cast<fbs::Replication>(2); });
  expect_malformed("unknown protocol", [](fbs::PolicyT& p) { p.services[0]->mode = static_cast<fbs::Mode>(2); });
  expect_malformed("unknown protocol",
                   [](fbs::PolicyT& p) { p.services[0]->record = static_cast<fbs::RecordMode>(3); });
  expect_malformed("unknown protocol",
                   [](fbs::PolicyT& p) { p.services[0]->durability = static_cast<fbs::Durability>(2); });
  expect_malformed("unknown protocol",
                   [](fbs::PolicyT& p) { p.services[0]->after_window = static_cast<fbs::AfterWindow>(2); });
  expect_malformed("out of bounds", [](fbs::PolicyT& p) { p.services[0]->window_bytes = 1U << 31; });
  expect_malformed("out of bounds", [](fbs::PolicyT& p) { p.services[0]->head_limit_bytes = 0; });
  expect_malformed("out of bounds", [](fbs::PolicyT& p) { p.services[0]->header_limit = 0; });
  expect_malformed("out of bounds", [](fbs::PolicyT& p) { p.services[0]->pending_limit = 0xffff; });
}

TEST_F(Refusal, the_rest) {
  expect_malformed("source digest", [](fbs::PolicyT& p) { p.source_sha256.pop_back(); });
  expect_malformed("version 0", [](fbs::PolicyT& p) { p.version = 0; });
  expect_malformed("principal 0 is not proper", [](fbs::PolicyT& p) { p.principals[0]->prefix_bits = 33; });
  expect_malformed("principal 0 is not proper", [](fbs::PolicyT& p) { p.principals[0]->name = ""; });
  expect_malformed("principal 0 has host bits", [](fbs::PolicyT& p) { p.principals[0]->network = 0x0a000001; });
}

TEST_F(Refusal, more_than_the_bounds_allow) {
  rules::Policy policy = sample_policy();
  while (policy.services.size() <= rules::kMaxServices) {
    rules::Service service = policy.services[0];
    service.name = "s" + std::to_string(policy.services.size());
    service.port = static_cast<std::uint16_t>(1000 + policy.services.size());
    policy.services.push_back(std::move(service));
  }
  EXPECT_THAT(load_compiled(policy).detail, HasSubstr("too many services"));
}

TEST_F(Refusal, bytes_that_are_no_flatbuffer) {
  EXPECT_EQ(load({}).code, ErrorCode::bundle_malformed);
  EXPECT_EQ(load({1, 2, 3, 4}).code, ErrorCode::bundle_malformed);
  EXPECT_EQ(load(std::vector<std::uint8_t>(64, 0xff)).code, ErrorCode::bundle_malformed);
}

// Signed garbage of every kind: never a crash, never half a policy.
TEST_F(Refusal, cut_and_changed_bytes) {
  const auto bytes = rules::compile_policy(sample_policy(), this_platform(), 1, 0);
  Random random(11);
  for (int round = 0; round < 2000; ++round) {
    std::vector<std::uint8_t> changed = *bytes;
    // The tables stand at the end and at the beginning; the database fills the middle.
    for (std::uint64_t n = 1 + random.below(3); n > 0; --n) {
      const std::size_t reach = std::min<std::size_t>(400, changed.size());
      const std::size_t at = random.chance(1, 2) ? random.below(reach) : changed.size() - 1 - random.below(reach);
      changed[at] = static_cast<std::uint8_t>(random.next());
    }
    if (random.chance(1, 8)) changed.resize(random.below(changed.size()));
    const Error error = load(changed);
    EXPECT_TRUE(error.code == ErrorCode::ok ||
                (error.code >= ErrorCode::bundle_malformed && error.code <= ErrorCode::bundle_bad_database))
        << error.message();
  }
}

}  // namespace
}  // namespace sluice::enforce
