// See approvals.h.
#include "control/approvals/approvals.h"

#include <algorithm>
#include <chrono>

#include "common/log.h"

namespace sluice::control {
namespace {

constexpr std::size_t kBatch = 256;  // in one transaction: the API waits so long at most
constexpr std::size_t kMaxHeldCallers = 1024;
constexpr int kMaxWaiting = 3;                        // of the API's threads
constexpr auto kLookAgain = std::chrono::seconds(1);  // wall clocks are set

std::size_t bytes_of(const HoldMessage& message) {
  if (const auto* opened = std::get_if<HoldOpened>(&message))
    return sizeof message + opened->head.size() + opened->body.size();
  if (const auto* live = std::get_if<HoldsLive>(&message)) return sizeof message + live->holds.size() * sizeof(HoldId);
  return sizeof message;
}

}  // namespace

Result<std::unique_ptr<Approvals>> Approvals::open(const std::string& path, Desk::Terms terms, Clock clock) {
  auto store = ApprovalStore::open(path);
  if (!store) return std::unexpected(store.error());
  return std::unique_ptr<Approvals>(new Approvals(Desk(std::move(*store), std::move(terms)), std::move(clock)));
}

Approvals::~Approvals() {
  stop();
}

void Approvals::start(ChannelServer& channel) {
  channel_ = &channel;
  thread_ = std::thread([this] { run(); });
}

void Approvals::stop() {
  stopping_ = true;
  {
    const std::lock_guard lock(queue_mutex_);
    wake_.notify_all();
    obeyed_changed_.notify_all();
  }
  {
    const std::lock_guard lock(desk_mutex_);
    changed_.notify_all();
  }
  if (thread_.joinable()) thread_.join();
  const std::lock_guard lock(desk_mutex_);
  channel_ = nullptr;
}

void Approvals::on_connected() {
  const std::lock_guard lock(queue_mutex_);
  connected_ = true;
  must_hear_again_ = false;  // it tells all
  obeyed_ = 0;
  wake_.notify_all();
}

void Approvals::on_hold(HoldMessage&& message) {
  const std::lock_guard lock(queue_mutex_);
  if (const auto* obeyed = std::get_if<OrdersObeyed>(&message)) {  // nothing that the desk must keep
    obeyed_ = obeyed->number;
    ticket_key_ = obeyed->ticket_key;
    return obeyed_changed_.notify_all();
  }
  if (!note_used(message) && !health_.problem.empty() && is_full()) {
    must_hear_again_ = true;
    if (health_.unkept++ == 0) log::error("more is told of holds than can wait for the store: what does not fit waits");
    return;
  }
  queue_bytes_ += bytes_of(message);
  queue_.push_back(std::move(message));
  wake_.notify_all();
}

bool Approvals::note_used(const HoldMessage& message) {
  const auto* used = std::get_if<OrderUsed>(&message);
  return used != nullptr && used_.size() < kMaxOrders && used_.insert(used->order).second;
}

bool Approvals::has_room() const {
  const std::lock_guard lock(queue_mutex_);
  return !is_full() || !health_.problem.empty();
}

ApprovalsHealth Approvals::health() const {
  const std::lock_guard lock(queue_mutex_);
  return health_;
}

// Said once when it begins and once when it is over.
void Approvals::note_store(const Result<void>& done) {
  bool hangs_up = false;
  {
    const std::lock_guard lock(queue_mutex_);
    const bool failed = !health_.problem.empty();
    health_.problem = done ? std::string() : done.error().message();
    if (!done && !failed) log::error("holds cannot be kept, and wait: " + done.error().message());
    if (done && failed) log::info("holds are kept again");
    // When all that there was room for is taken: it comes first.
    hangs_up = done && queue_.empty() && std::exchange(must_hear_again_, false);
  }
  if (!done || hangs_up) channel_->wake();  // it may read what it did not
  if (hangs_up) channel_->hang_up();
}

void Approvals::send() {
  auto messages = desk_.take_outbox();
  changed_.notify_all();
  if (messages.empty() || channel_ == nullptr) return;
  // Not sent: either nobody is there, whose hello has it said again, or it does not read now.
  if (!channel_->tell(std::move(messages))) must_say_again_ = true;
}

template <class F>
auto Approvals::at_desk(const F& work) {
  const std::lock_guard lock(desk_mutex_);
  {
    const std::lock_guard queue(queue_mutex_);
    desk_.leave_out(used_);
  }
  auto answer = work(desk_, clock_());
  send();
  return answer;
}

bool Approvals::take_some() {
  std::vector<HoldMessage> batch;
  {
    const std::lock_guard lock(queue_mutex_);
    const auto count = static_cast<std::ptrdiff_t>(std::min(queue_.size(), kBatch));
    batch.assign(std::make_move_iterator(queue_.begin()), std::make_move_iterator(queue_.begin() + count));
    queue_.erase(queue_.begin(), queue_.begin() + count);
  }
  if (batch.empty()) return true;
  const auto taken = at_desk([&](Desk& desk, WallNs now) { return desk.take(batch, now); });
  bool had_room = true;
  {
    const std::lock_guard lock(queue_mutex_);
    had_room = queue_bytes_ < kMaxQueuedBytes && queue_.size() + batch.size() < kMaxQueued;
    if (taken)
      for (const HoldMessage& message : batch) {
        queue_bytes_ -= bytes_of(message);
        if (const auto* used = std::get_if<OrderUsed>(&message)) used_.erase(used->order);
      }
    else
      queue_.insert(queue_.begin(), std::make_move_iterator(batch.begin()), std::make_move_iterator(batch.end()));
  }
  note_store(taken);
  if (taken && !had_room) channel_->wake();
  return taken.has_value();
}

void Approvals::run() {
  bool failed = false;
  while (!stopping_) {
    bool connected = false;
    std::string ticket_key;
    {
      std::unique_lock lock(queue_mutex_);
      const auto has_work = [this] { return stopping_ || connected_ || !queue_.empty(); };
      if (failed)
        wake_.wait_for(lock, kLookAgain, [this] { return stopping_.load(); });
      else
        wake_.wait_for(lock, kLookAgain, has_work);
      connected = std::exchange(connected_, false);
      ticket_key = ticket_key_;
    }
    if (stopping_) return;
    const auto done = at_desk([&](Desk& desk, WallNs now) {
      desk.use_ticket_key(std::move(ticket_key));
      const auto data_plane = channel_->status().data_plane;
      const bool is_there = data_plane && (data_plane->answers & 2U) != 0;
      if (connected || (std::exchange(must_say_again_, false) && is_there)) return desk.connected(now);
      return desk.tick(now);
    });
    if (!done) log::error("orders cannot be kept: " + done.error().message());
    if (!done && connected) on_connected();
    failed = !take_some() || !done;
  }
}

Result<VoteAnswer> Approvals::vote(HoldId hold, const Reviewer& reviewer, const VoteRequest& request) {
  return at_desk([&](Desk& desk, WallNs now) { return desk.vote(hold, reviewer, request, now); });
}

Result<Hold> Approvals::claim(HoldId hold, const Reviewer& reviewer, bool take_back) {
  return at_desk([&](Desk& desk, WallNs now) { return desk.claim(hold, reviewer, take_back, now); });
}

Result<Order> Approvals::add_order(Order order, const Reviewer& reviewer, bool is_override) {
  return at_desk([&](Desk& desk, WallNs now) { return desk.add_order(std::move(order), reviewer, is_override, now); });
}

Result<Order> Approvals::vote_order(OrderId order, const Reviewer& reviewer, const VoteRequest& request) {
  return at_desk([&](Desk& desk, WallNs now) { return desk.vote_order(order, reviewer, request, now); });
}

Result<Order> Approvals::lift_order(OrderId order, const Reviewer& reviewer, const std::string& reason) {
  return at_desk([&](Desk& desk, WallNs now) { return desk.lift_order(order, reviewer, reason, now); });
}

std::optional<bool> Approvals::are_obeyed(DurationNs wait) {
  std::uint64_t number = 0;
  {
    const std::lock_guard lock(desk_mutex_);
    number = desk_.orders_number();
    const auto data_plane = channel_ == nullptr ? std::nullopt : channel_->status().data_plane;
    if (!data_plane) return false;
    if ((data_plane->answers & 4U) == 0) return std::nullopt;
  }
  std::unique_lock lock(queue_mutex_);
  return obeyed_changed_.wait_for(lock, std::chrono::nanoseconds(wait), [&] {
    return obeyed_ >= number || stopping_;
  }) && obeyed_ >= number;
}

Result<std::vector<Hold>> Approvals::holds(const HoldQuery& query) {
  const std::lock_guard lock(desk_mutex_);
  return desk_.holds(query);
}

Result<HoldDetail> Approvals::hold(HoldId hold) {
  const std::lock_guard lock(desk_mutex_);
  return desk_.hold(hold);
}

Result<std::vector<Order>> Approvals::orders(bool with_ended, std::uint64_t limit) {
  const std::lock_guard lock(desk_mutex_);
  return desk_.orders(with_ended, limit);
}

Result<bool> Approvals::means_declared(const OrderTold& order) {
  const std::lock_guard lock(desk_mutex_);
  return desk_.means_declared(order);
}

Result<std::vector<HeldCount>> Approvals::held() {
  const std::lock_guard lock(desk_mutex_);
  return desk_.held(kMaxHeldCallers);
}

Result<void> Approvals::note(std::string_view by, std::string_view what, OrderId order, std::string_view reason) {
  return at_desk([&](Desk& desk, WallNs now) { return desk.remark(by, what, order, reason, now); });
}

Result<std::uint64_t> Approvals::audit_sequence() {
  const std::lock_guard lock(desk_mutex_);
  return desk_.audit_sequence();
}

Result<std::uint64_t> Approvals::webhook_cursor(std::string_view name) {
  const std::lock_guard lock(desk_mutex_);
  return desk_.webhook_cursor(name);
}

Result<void> Approvals::set_webhook_cursor(std::string_view name, std::uint64_t sequence) {
  const std::lock_guard lock(desk_mutex_);
  return desk_.set_webhook_cursor(name, sequence);
}

Result<std::vector<AuditEntry>> Approvals::changes(std::uint64_t sequence, std::uint64_t limit, DurationNs wait) {
  const auto until = std::chrono::steady_clock::now() + std::chrono::nanoseconds(wait);
  const bool may_wait = ++waiting_ <= kMaxWaiting && wait > 0;
  std::unique_lock lock(desk_mutex_);
  for (;;) {
    auto found = desk_.audit_after(sequence, limit);
    if (!found || !found->empty() || !may_wait || stopping_ ||
        changed_.wait_until(lock, until) == std::cv_status::timeout) {
      --waiting_;
      return found;
    }
  }
}

}  // namespace sluice::control
