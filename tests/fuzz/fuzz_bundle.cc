// Hostile bundles behind a good signature, so that the checks behind the signature are reached. The first
// byte chooses: the input as an envelope, as a signed policy, or as edits to a sound policy that was
// compiled for this machine (three bytes each: where, from which end, what).
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <vector>

#include "dataplane/enforce/snapshot.h"
#include "rules/bundle.h"
#include "rules/compile.h"
#include "rules/policy.h"

namespace {

using namespace sluice;

constexpr std::string_view kYaml =
    "services:\n"
    "- {name: a, address: 10.0.0.1:80, protocol: http, mode: enforce, rules: [local/*]}\n"
    "- {name: b, address: 10.0.0.1:81, protocol: http, mode: observe, rules: [local/mask]}\n"
    "rules:\n"
    "- {name: mask, match: 'abc[0-9]', where: [request, response], action: mask}\n"
    "- {name: deny, match: 'evil', where: request, action: deny}\n"
    "principals: [{name: p, from: 10.0.0.0/8}]\n"
    "retention: {routine: 9d}\n";

struct Fixture {
  rules::PrivateKey key{std::array<std::uint8_t, rules::kKeyBytes>{1}};
  rules::PublicKey public_key = *rules::public_key_of(key);
  std::vector<std::uint8_t> policy = *rules::compile_policy(
      *rules::parse_policy(kYaml, "seed.yaml", rules::PackSource("/nonexistent")), rules::this_platform(), 1, 1);
};

std::vector<std::uint8_t> edited(std::vector<std::uint8_t> policy, Bytes edits) {
  for (; edits.size() >= 3; edits = edits.subspan(3)) {
    const std::size_t distance = edits[0] | (edits[1] & 0x7fU) << 8;
    if (distance >= policy.size()) continue;
    policy[(edits[1] & 0x80) != 0 ? policy.size() - 1 - distance : distance] = edits[2];
  }
  return policy;
}

void load(const Fixture& fixture, Bytes bundle) {
  const auto snapshot = enforce::Snapshot::load(bundle, fixture.public_key);
  if (!snapshot) return;
  for (const enforce::Service& service : (*snapshot)->services())
    if ((*snapshot)->find_service(service.address, service.port) != &service) std::abort();
  inspect::Scratch scratch;
  if (!(*snapshot)->prepare(scratch)) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const Fixture kFixture;
  if (size == 0) return 0;
  const Bytes rest{data + 1, size - 1};
  if (data[0] % 3 == 0) {
    load(kFixture, rest);
    return 0;
  }
  const std::vector<std::uint8_t> policy =
      data[0] % 3 == 1 ? std::vector<std::uint8_t>(rest.begin(), rest.end()) : edited(kFixture.policy, rest);
  const auto bundle = rules::sign_bundle(policy, kFixture.key);
  if (bundle) load(kFixture, *bundle);
  return 0;
}
