// The file is the public key (32 bytes) and the signed bundle.
#include "bench/support/policy.h"

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>

#include "common/time.h"
#include "rules/bounds.h"
#include "rules/bundle.h"
#include "rules/compile.h"
#include "rules/policy.h"

namespace sluice::bench {
namespace {

constexpr std::size_t kKeyBytes = 32;
constexpr const char* kPolicy = R"(services:
  - name: orders
    address: 10.77.0.2:8080
    protocol: http
    mode: enforce
    record: {class: routine, durability: group}
    rules: [pii/*, secrets/*]
  - name: shop
    address: 10.77.0.2:5432
    protocol: postgres
    mode: enforce
    record: {class: routine, durability: group}
    rules: [pii/*, secrets/*]
principals:
  - {name: ci, from: 10.77.0.0/16}
)";

template <class T>
T must(Result<T> result) {
  if (!result) throw std::runtime_error(result.error().message());
  return std::move(*result);
}

std::string compiled(const rules::Policy& policy, const rules::Platform& platform) {
  const auto keys = must(rules::generate_keypair());
  const auto bundle = must(rules::sign_bundle(must(rules::compile_policy(policy, platform, 1, 0)), keys.private_key));
  return std::string(as_text(keys.public_key)) + std::string(as_text(bundle));
}

std::string read_file(const char* path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw std::runtime_error(std::string(path) + " cannot be read");
  return {std::istreambuf_iterator<char>(file), {}};
}

session::PolicyRef taken(const std::string& all) {
  if (all.size() < kKeyBytes) throw std::runtime_error("the bundle's file is too short");
  auto policy = std::make_shared<session::Policy>();
  policy->snapshot = must(enforce::Snapshot::load(as_bytes(all).subspan(kKeyBytes), as_bytes(all).first(kKeyBytes)));
  // As long as the process: a worker may hold the policy to its end.
  for (std::size_t i = 0; i < policy->snapshot->services().size(); ++i)
    policy->services.push_back(new session::ServiceCounters);
  for (std::size_t i = 0; i < policy->snapshot->rule_count(); ++i) policy->rules.push_back(new Counter);
  for (std::size_t i = 0; i < policy->snapshot->limit_names().size(); ++i)
    policy->limits.push_back(new enforce::LimitCounters);
  return policy;
}

session::PolicyRef load() {
  const char* path = std::getenv("SLUICE_BENCH_BUNDLE");
  return path != nullptr ? taken(read_file(path)) : policy_of(parsed_bench_policy());
}

}  // namespace

session::PolicyRef policy_of(const rules::Policy& policy) {
  return taken(compiled(policy, rules::this_platform()));
}

rules::Policy parsed_bench_policy() {
  auto parsed = rules::parse_policy(kPolicy, "bench.yaml", rules::PackSource());
  if (!parsed) throw std::runtime_error(rules::to_error(parsed.error()).message());
  return *std::move(parsed);
}

namespace {

rules::Policy limited_policy() {
  constexpr std::uint64_t kPlenty = 1'000'000'000;
  rules::Policy policy = parsed_bench_policy();
  const auto limit = [](const char* name, rules::LimitPer per, rules::LimitOf of, std::uint64_t units) {
    return rules::Limit{
        .name = name, .per = per, .of = of, .units = units, .period_ns = kSecond, .burst = units, .position = {}};
  };
  policy.services.front().limits = {
      limit("principal", rules::LimitPer::principal, rules::LimitOf::requests, kPlenty),
      limit("service", rules::LimitPer::service, rules::LimitOf::requests, kPlenty),
      limit("flight", rules::LimitPer::principal, rules::LimitOf::concurrent, rules::kMaxConcurrent)};
  return policy;
}

}  // namespace

session::PolicyRef bench_policy(inspect::Scratch& scratch, bool limits) {
  static session::PolicyRef plain;
  static session::PolicyRef limited;
  session::PolicyRef& policy = limits ? limited : plain;
  if (!policy) policy = limits ? policy_of(limited_policy()) : load();
  if (auto grown = policy->snapshot->prepare(scratch); !grown) throw std::runtime_error(grown.error().message());
  return policy;
}

void save_bench_bundle(const std::string& path, const rules::Platform& platform) {
  const std::string all = compiled(parsed_bench_policy(), platform);
  std::ofstream file(path, std::ios::binary);
  file << all;
  if (!file.flush()) throw std::runtime_error(path + " cannot be written");
}

}  // namespace sluice::bench
