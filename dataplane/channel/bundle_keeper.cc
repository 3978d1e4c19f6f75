// See bundle_keeper.h.
#include "dataplane/channel/bundle_keeper.h"

#include "common/file.h"
#include "rules/bundle.h"

namespace sluice::channel {
namespace {

constexpr mode_t kBundleMode = 0600;

}  // namespace

Result<void> BundleKeeper::apply(std::unique_ptr<const enforce::Snapshot> snapshot) {
  const Bytes sha256 = snapshot->source_sha256();
  Running next{snapshot->version(), {sha256.begin(), sha256.end()}};
  const auto applied = host_.apply(std::move(snapshot));
  if (applied) running_ = std::move(next);
  return applied;
}

Result<void> BundleKeeper::apply_kept() {
  const auto bundle = read_file(path_, rules::kMaxBundleBytes);
  if (!bundle) return std::unexpected(bundle.error());
  auto snapshot = enforce::Snapshot::load(*bundle, public_key_);
  if (!snapshot) return std::unexpected(snapshot.error());
  return apply(std::move(*snapshot));
}

Result<void> BundleKeeper::take(Bytes bundle) {
  if (bundle.size() > rules::kMaxBundleBytes)
    return fail(ErrorCode::bundle_malformed, "larger than " + std::to_string(rules::kMaxBundleBytes) + " bytes");
  auto snapshot = enforce::Snapshot::load(bundle, public_key_);
  if (!snapshot) return std::unexpected(snapshot.error());
  // On disk before the workers run it: a full disk refuses the push instead of losing it at the next start.
  auto kept = FileReplacement::prepare(path_, bundle, kBundleMode);
  if (!kept) return std::unexpected(kept.error());
  if (const auto applied = apply(std::move(*snapshot)); !applied) return applied;
  return kept->commit();
}

}  // namespace sluice::channel
