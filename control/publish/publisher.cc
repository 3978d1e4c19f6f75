// See publisher.h.
#include "control/publish/publisher.h"

#include "common/clock.h"
#include "common/log.h"
#include "rules/bundle.h"
#include "rules/compile.h"

namespace sluice::control {
namespace {

constexpr DurationNs kPushTimeout = 60 * kSecond;

std::unexpected<PushFailure> failure(Error error) {
  return std::unexpected(PushFailure{std::move(error), {}});
}

}  // namespace

Publisher::Publisher(rules::PackSource packs, rules::KeyPair keys, std::unique_ptr<PolicyStore> store)
    : packs_(std::move(packs)), keys_(std::move(keys)), store_(std::move(store)) {}

Publisher::~Publisher() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  if (channel_) channel_->stop();  // a push that waits for its answer ends
  if (thread_.joinable()) thread_.join();
}

Result<void> Publisher::listen(const std::string& socket_path, ChannelObserver* other) {
  std::vector<ChannelObserver*> observers = {this};
  if (other != nullptr) observers.push_back(other);
  auto channel = ChannelServer::start(socket_path, std::move(observers));
  if (!channel) return std::unexpected(channel.error());
  channel_ = std::move(*channel);
  thread_ = std::thread([this] { run(); });
  return {};
}

void Publisher::on_connected() {
  {
    const std::lock_guard lock(mutex_);
    connected_ = true;
  }
  wake_.notify_all();
}

std::expected<rules::Policy, rules::Problems> Publisher::check(std::string_view text,
                                                               std::string_view file_name) const {
  return rules::parse_policy(text, file_name, packs_);
}

Result<std::vector<std::uint8_t>> Publisher::build(const rules::Policy& policy, const rules::Platform& platform,
                                                   std::uint64_t version) const {
  const auto compiled = rules::compile_policy(policy, platform, version, wall_ns());
  if (!compiled) return std::unexpected(compiled.error());
  return rules::sign_bundle(*compiled, keys_.private_key);
}

std::expected<Pushed, PushFailure> Publisher::push(std::string_view text, std::string_view file_name,
                                                   std::string_view author) {
  const auto policy = check(text, file_name);
  if (!policy) return std::unexpected(PushFailure{{ErrorCode::policy_invalid, {}}, policy.error()});
  return store_and_push(*policy, text, author);
}

std::expected<Pushed, PushFailure> Publisher::store_and_push(const rules::Policy& policy, std::string_view text,
                                                             std::string_view author) {
  const std::lock_guard one_at_a_time(publishing_);
  const auto data_plane = channel_->status().data_plane;
  const auto version = store_->next_version(data_plane ? data_plane->policy_version : 0);
  if (!version) return failure(version.error());
  // What does not compile is never stored; without a data plane this CPU stands in for its.
  const auto bundle = build(policy, data_plane ? data_plane->platform : rules::this_platform(), *version);
  if (!bundle) return failure(bundle.error());

  StoredPolicy stored;
  stored.version = *version;
  stored.source = text;
  stored.file_name = policy.file_name;
  stored.sha256.assign(policy.source_sha256.begin(), policy.source_sha256.end());
  stored.author = author;
  stored.created_wall_ns = wall_ns();
  if (const auto added = store_->add(stored); !added) return failure(added.error());
  if (!data_plane)
    return Pushed{*version, PolicyState::pending, "no data plane is connected; it is pushed when one connects"};
  const auto answer = channel_->push(*bundle, kPushTimeout);
  if (!answer && answer.error().code == ErrorCode::channel_closed)
    return Pushed{*version, PolicyState::pending,
                  answer.error().message() + "; it is pushed again at the next connect"};
  const PolicyState state = answer ? PolicyState::running : PolicyState::refused;
  const auto noted = store_->set_state(*version, state, answer ? "" : answer.error().message());
  if (!answer) return failure(answer.error());
  if (!noted) return failure(noted.error());
  log::info("policy version " + std::to_string(*version) + " pushed by " + std::string(author));
  return Pushed{*version, PolicyState::running, "every worker runs it"};
}

Result<rules::Policy> Publisher::current_parsed() {
  const auto stored = store_->current();
  if (!stored) return std::unexpected(stored.error());
  if (!*stored) return fail(ErrorCode::conflict, "no policy was pushed yet; push one first");
  auto parsed = check((*stored)->source, (*stored)->file_name);
  if (!parsed) return std::unexpected(to_error(parsed.error()));
  return std::move(*parsed);
}

Result<std::shared_ptr<const rules::Policy>> Publisher::current_policy() {
  const auto stored = store_->current();
  if (!stored) return std::unexpected(stored.error());
  if (!*stored) return fail(ErrorCode::conflict, "no policy was pushed yet; push one first");
  const std::lock_guard lock(remembering_);
  if (remembered_ == nullptr || remembered_version_ != (*stored)->version) {
    auto parsed = check((*stored)->source, (*stored)->file_name);
    if (!parsed) return std::unexpected(to_error(parsed.error()));
    remembered_ = std::make_shared<const rules::Policy>(std::move(*parsed));
    remembered_version_ = (*stored)->version;
  }
  return remembered_;
}

bool Publisher::reconcile() {
  const std::lock_guard one_at_a_time(publishing_);
  const auto data_plane = channel_->status().data_plane;
  const auto current = store_->current();
  if (!current) log::error("reading the current policy: " + current.error().message());
  if (!data_plane || !current || !*current) return true;
  const StoredPolicy& policy = **current;
  const std::string running(data_plane->policy_sha256.begin(), data_plane->policy_sha256.end());
  if (data_plane->policy_version == policy.version && running == policy.sha256) {
    (void)store_->set_state(policy.version, PolicyState::running, "");
    return true;
  }
  const auto parsed = check(policy.source, policy.file_name);
  const auto bundle = parsed ? build(*parsed, data_plane->platform, policy.version)
                             : Result<std::vector<std::uint8_t>>(std::unexpected(to_error(parsed.error())));
  const auto answer = bundle ? channel_->push(*bundle, kPushTimeout) : std::unexpected(bundle.error());
  if (answer) {
    log::info("policy version " + std::to_string(policy.version) + " pushed to the data plane that connected");
    (void)store_->set_state(policy.version, PolicyState::running, "");
    return true;
  }
  log::error("policy version " + std::to_string(policy.version) + " was not taken: " + answer.error().message());
  // It never ran anywhere, so the one before it is current again. One that ran stays current: falling back
  // to older rules is the operator's decision.
  if (policy.state != PolicyState::pending || answer.error().code == ErrorCode::channel_closed) return true;
  return !store_->set_state(policy.version, PolicyState::refused, answer.error().message());
}

void Publisher::run() {
  for (;;) {
    {
      std::unique_lock lock(mutex_);
      wake_.wait(lock, [this] { return connected_ || stopping_; });
      if (stopping_) return;
      connected_ = false;
    }
    while (!reconcile()) {
    }
  }
}

}  // namespace sluice::control
