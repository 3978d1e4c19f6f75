// An imported pack, in the scanner of the data plane, finds the secrets that gitleaks finds. Texts are made of the
// rules' own expressions, whole and bent, in what stands around values in configuration, JSON, code and logs.
// SLUICE_IMPORT_FILE may name another rule file, a whole one of gitleaks for instance.
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <iostream>
#include <iterator>
#include <map>

#include "common/random.h"
#include "dataplane/enforce/snapshot.h"
#include "rules/bundle.h"
#include "rules/compile.h"
#include "rules/import/gitleaks.h"
#include "rules/import/import.h"
#include "rules/import/sample.h"
#include "rules/import/translate.h"
#include "rules/pack.h"
#include "rules/policy.h"
#include "tests/unit/rules/import/gitleaks_oracle.h"

namespace sluice::rules::import {
namespace {

constexpr std::uint64_t kTextsPerRule = 40;

// All rules of a pack as the data plane runs them.
class Scanned {
 public:
  explicit Scanned(const Pack& pack) {
    Policy policy;
    policy.rules = pack.rules;
    Service service;
    service.name = "sample";
    service.address = 0x0a4d0002;
    service.port = 80;
    for (RuleIndex i = 0; i < policy.rules.size(); ++i) service.rules.push_back(i);
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

  // By rule.
  std::map<RuleIndex, std::vector<Secret>> secrets(std::string_view text) {
    inspect::ScanState state;
    std::vector<Match> matches;
    const Bytes piece = as_bytes(text);
    const auto* set = snapshot_->services().front().scan(enforce::Place::request_body);
    EXPECT_EQ(inspect::Scanner::scan(*set, scratch_, state, {&piece, 1}, true, matches), ErrorCode::ok);
    std::map<RuleIndex, std::vector<Secret>> out;
    for (const Match& match : matches) out[match.rule].push_back({match.begin, match.end});
    return out;
  }

 private:
  std::unique_ptr<const enforce::Snapshot> snapshot_;
  inspect::Scratch scratch_;
};

std::string file_name() {
  const char* given = std::getenv("SLUICE_IMPORT_FILE");
  return given != nullptr ? given : SLUICE_TEST_IMPORT "/gitleaks.toml";
}

std::string content_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::string noise(Random& random) {
  static constexpr std::string_view kWords[] = {
      "{\"a\": 1}", "INSERT INTO t VALUES (7);", "\n", "  ", "GET / HTTP/1.1\r\n", "\\n", "key=", "\"", "'", "`", "; ",
      "x",          "0123456789abcdef",          "=",  ":"};
  std::string out;
  for (std::uint64_t n = random.below(6); n > 0; --n) out += kWords[random.below(std::size(kWords))];
  return out;
}

// A sample among others, perhaps cut or with a byte that is another.
std::string text_of(const std::vector<Expressed>& rules, Random& random) {
  std::string out = noise(random);
  for (std::uint64_t n = 1 + random.below(3); n > 0; --n) {
    std::string sample = make_sample(rules[random.below(rules.size())], random.below(1'000'000)).text;
    if (random.chance(1, 6)) sample[random.below(sample.size())] = "aZ0 \"'=\n-_"[random.below(10)];
    if (random.chance(1, 8)) sample.resize(random.below(sample.size() + 1));
    if (random.chance(1, 8)) sample += sample;
    out += sample;
    if (random.chance(1, 2)) out += noise(random);
  }
  return out;
}

struct Count {
  std::size_t texts = 0;
  std::size_t secrets = 0;
  std::size_t missed = 0;  // of gitleaks'
  std::size_t added = 0;   // that gitleaks does not find
  std::string example;
};

Count compare(const GitleaksOracle& oracle, Scanned& scanned, const std::vector<RuleIndex>& indexes,
              const std::vector<Expressed>& rules, std::uint64_t seed) {
  Count count;
  Random random(seed);
  for (; count.texts < kTextsPerRule; ++count.texts) {
    const std::string text = text_of(rules, random);
    std::vector<Secret> wanted = oracle.secrets(text);
    std::vector<Secret> found;
    auto all = scanned.secrets(text);
    for (const RuleIndex index : indexes) found.insert(found.end(), all[index].begin(), all[index].end());
    std::ranges::sort(wanted);
    std::ranges::sort(found);
    std::vector<Secret> missed;
    std::vector<Secret> added;
    std::ranges::set_difference(wanted, found, std::back_inserter(missed));
    std::ranges::set_difference(found, wanted, std::back_inserter(added));
    // Behind the end of an escape such as \n a word may begin for us, and not for gitleaks.
    std::erase_if(added, [&](const Secret& secret) { return ends_escape(as_bytes(text), secret.begin); });
    count.secrets += wanted.size();
    count.missed += missed.size();
    count.added += added.size();
    if (missed.size() + added.size() > 0 && count.example.empty()) count.example = text;
  }
  return count;
}

TEST(Differential, what_is_taken_without_a_change_finds_what_gitleaks_finds) {
  const std::string toml = content_of(file_name());
  const auto file = read_gitleaks(toml, "f.toml");
  const auto imported = import_gitleaks(toml, "f.toml", "f");
  ASSERT_TRUE(file && imported);
  const auto pack = parse_pack(imported->pack, "f", "f.yaml");
  ASSERT_TRUE(pack) << to_error(pack.error()).detail;
  Scanned scanned(*pack);
  std::map<std::string, RuleIndex> index_of;
  for (RuleIndex i = 0; i < pack->rules.size(); ++i) index_of[pack->rules[i].name] = i;
  std::size_t same = 0;
  std::size_t secrets = 0;
  for (std::size_t i = 0; i < file->rules.size(); ++i) {
    const RuleReport& report = imported->reports[i];
    if (report.outcome == Outcome::refused) continue;
    const SourceRule& source = file->rules[i];
    Notes notes;
    const auto rules = translate(*parse_regex(source.regex.text), {source.secret_group, false}, notes);
    ASSERT_TRUE(rules);
    std::vector<RuleIndex> indexes;
    for (const std::string& name : report.names) indexes.push_back(index_of.at("f/" + name));
    const Count count = compare(GitleaksOracle(source, *file), scanned, indexes, *rules, i);
    if (report.outcome == Outcome::changed) {
      std::cout << source.id << ": " << count.secrets << " secrets, " << count.missed << " missed, " << count.added
                << " more\n";
      continue;
    }
    EXPECT_EQ(count.missed + count.added, 0U) << source.id << ": of " << count.secrets << " secrets " << count.missed
                                              << " missed, " << count.added << " more\n"
                                              << count.example << "\n"
                                              << pack->rules[indexes.front()].expression;
    EXPECT_GT(count.secrets, 0U) << source.id;
    same += count.missed + count.added == 0 ? 1 : 0;
    secrets += count.secrets;
  }
  EXPECT_GT(same, 7U);
  EXPECT_GT(secrets, 200U);
  std::cout << same << " rules, " << secrets << " secrets\n";
}

TEST(Differential, every_imported_rule_finds_its_hit_and_not_its_miss) {
  const auto imported = import_gitleaks(content_of(file_name()), "f.toml", "f");
  ASSERT_TRUE(imported);
  const auto pack = parse_pack(imported->pack, "f", "f.yaml");
  ASSERT_TRUE(pack);
  Scanned scanned(*pack);
  for (RuleIndex i = 0; i < pack->rules.size(); ++i) {
    EXPECT_EQ(scanned.secrets(pack->rules[i].hits.front())[i].size(), 1U) << pack->rules[i].name << "\n"
                                                                          << pack->rules[i].hits.front();
    EXPECT_TRUE(scanned.secrets(pack->rules[i].misses.front())[i].empty()) << pack->rules[i].name << "\n"
                                                                           << pack->rules[i].misses.front();
  }
}

}  // namespace
}  // namespace sluice::rules::import
