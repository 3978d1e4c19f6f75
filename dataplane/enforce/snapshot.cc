// See snapshot.h.
#include "dataplane/enforce/snapshot.h"

#include <utility>

#include "common/assert.h"
#include "dataplane/enforce/builder.h"
#include "rules/bundle.h"

namespace sluice::enforce {

struct Snapshot::Impl {
  Contents contents;
};

Snapshot::Snapshot() : impl_(std::make_unique<Impl>()) {}
Snapshot::~Snapshot() = default;

Result<std::unique_ptr<const Snapshot>> Snapshot::load(Bytes bundle, Bytes public_key) {
  const auto policy = rules::open_bundle(bundle, public_key);
  if (!policy) return std::unexpected(policy.error());
  auto contents = build_contents(*policy);
  if (!contents) return std::unexpected(std::move(contents.error()));
  std::unique_ptr<Snapshot> snapshot(new Snapshot());
  snapshot->impl_->contents = std::move(*contents);
  return snapshot;
}

std::uint64_t Snapshot::version() const {
  return impl_->contents.version;
}

Bytes Snapshot::source_sha256() const {
  return impl_->contents.source_sha256;
}

const Service* Snapshot::find_service(const IpAddress& address, std::uint16_t port) const {
  const std::uint32_t index = impl_->contents.service_table.find(address, port);
  return index == ServiceTable::kNone ? nullptr : &impl_->contents.services[index];
}

bool Snapshot::is_protected(const IpAddress& address) const {
  return impl_->contents.service_table.has_address(address);
}

std::string_view Snapshot::principal_of(const IpAddress& address) const {
  return impl_->contents.principal_table.find(address);
}

const Rule& Snapshot::rule(RuleIndex index) const {
  SLUICE_ASSERT(index < impl_->contents.rules.size());
  return impl_->contents.rules[index];
}

std::size_t Snapshot::rule_count() const {
  return impl_->contents.rules.size();
}

const std::vector<Service>& Snapshot::services() const {
  return impl_->contents.services;
}

std::span<const Limit> Snapshot::limits_of(std::string_view principal) const {
  const auto& limits = impl_->contents.principal_limits;
  if (limits.empty()) return {};
  const auto found = limits.find(principal);
  return found == limits.end() ? std::span<const Limit>() : found->second;
}

std::vector<std::string_view> Snapshot::limit_names() const {
  std::vector<std::string_view> names(impl_->contents.limit_count);
  const auto add = [&](const std::vector<Limit>& limits) {
    for (const Limit& limit : limits) names[limit.index] = limit.name;
  };
  for (const Service& service : impl_->contents.services) {
    add(service.limits);
    for (const RiskLine& line : service.risk.lines) names[line.limit.index] = line.limit.name;
  }
  for (const auto& [name, limits] : impl_->contents.principal_limits) add(limits);
  return names;
}

Result<void> Snapshot::prepare(inspect::Scratch& scratch) const {
  for (const auto& set : impl_->contents.rule_sets)
    if (auto grown = scratch.grow_for(*set); !grown) return grown;
  return {};
}

}  // namespace sluice::enforce
