// See trial.h.
#include "workbench/trial.h"

#include <algorithm>

#include "rules/bundle.h"
#include "rules/compile.h"
#include "rules/policy.h"

namespace sluice::workbench {
namespace {

// A policy of one service that has all rules in one place.
rules::Policy policy_of(const std::vector<rules::Rule>& rules) {
  rules::Policy policy;
  rules::Service service;
  service.name = "trial";
  service.address = 0x7f000001;
  service.port = 1;
  for (const rules::Rule& rule : rules) {
    service.rules.push_back(static_cast<RuleIndex>(policy.rules.size()));
    policy.rules.push_back(rule);
    if (!rule.sql) policy.rules.back().where = {false, true, false, false};
  }
  policy.services.push_back(std::move(service));
  return policy;
}

}  // namespace

Result<Trial> Trial::of(const std::vector<rules::Rule>& rules) {
  const auto compiled = rules::compile_policy(policy_of(rules), rules::this_platform(), 1, 0);
  if (!compiled) return std::unexpected(compiled.error());
  const auto keys = rules::generate_keypair();
  if (!keys) return std::unexpected(keys.error());
  const auto bundle = rules::sign_bundle(*compiled, keys->private_key);
  if (!bundle) return std::unexpected(bundle.error());
  Trial trial;
  auto snapshot = enforce::Snapshot::load(*bundle, keys->public_key);
  if (!snapshot) return std::unexpected(snapshot.error());
  trial.snapshot_ = std::move(*snapshot);
  trial.scratch_ = std::make_unique<inspect::Scratch>();
  if (auto grown = trial.snapshot_->prepare(*trial.scratch_); !grown) return std::unexpected(grown.error());
  return trial;
}

ErrorCode Trial::feed(inspect::ScanState& state, Bytes window, bool last, std::vector<Match>& matches) {
  const inspect::RuleSet* set = snapshot_->services().front().scan(enforce::Place::request_body);
  return inspect::Scanner::scan(*set, *scratch_, state, {&window, 1}, last, matches);
}

bool Trial::scan(Bytes text, std::vector<Match>& matches) {
  return scan(text, text.size(), matches);
}

bool Trial::scan(Bytes text, std::size_t piece_bytes, std::vector<Match>& matches) {
  inspect::ScanState state;
  for (std::size_t end = 0; end < text.size();) {
    end = std::min(text.size(), end + piece_bytes);
    const Bytes window = text.subspan(state.hold, end - state.hold);
    if (feed(state, window, end == text.size(), matches) != ErrorCode::ok) return false;
  }
  return true;
}

}  // namespace sluice::workbench
