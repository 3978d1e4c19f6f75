#include "bench/worker/rig.h"

#include <fmt/format.h>
#include <malloc.h>
#include <rte_mempool.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <thread>

#include "bench/support/counted.h"
#include "bench/support/http_content.h"
#include "bench/support/policy.h"
#include "common/stage_clock.h"

namespace sluice::bench {
namespace {

constexpr WallNs kWall = 1'790'000'000 * kSecond;
constexpr TimeNs kStart = 1000 * kSecond;
constexpr std::size_t kRecordRoom = 24U << 20;  // free before a round, so that the disk is not what is measured
constexpr DurationNs kIdleStep = 10 * kMillisecond;
constexpr int kIdleRounds = 1000;
constexpr int kLastRounds = 4;
constexpr auto kWriterPause = std::chrono::microseconds(100);
constexpr std::size_t kAnswersBytes = 8U << 20;  // of all different ones: beyond a core's own caches

constexpr port::Capabilities kMtuNic{.tx_checksum = true, .tx_segmentation = false, .rx_coalescing = false};
constexpr port::Capabilities kSuperframeNic{.tx_checksum = true, .tx_segmentation = true, .rx_coalescing = true};

// As long as the process: rigs are ended after statics that were made later than they.
buffer::Pools& pools() {
  static auto& made = *[] {
    auto result = buffer::Pools::create("rig", {.frames = 32768, .jumbos = 1536, .views = 65536});
    if (!result) throw std::runtime_error(result.error().message());
    return new buffer::Pools(std::move(*result));
  }();
  return made;
}

// Of the heap, and of the pools' buffers. The table of sessions lies elsewhere.
std::uint64_t memory_in_use() {
  const struct mallinfo2 heap = mallinfo2();
  std::uint64_t bytes = heap.uordblks + heap.hblkhd;
  for (rte_mempool* pool : {pools().frames(), pools().jumbos(), pools().views()})
    bytes += std::uint64_t{rte_mempool_in_use_count(pool)} * pool->elt_size;
  return bytes;
}

}  // namespace

std::vector<std::string> rig_responses(std::size_t body_bytes) {
  return responses(std::clamp<std::size_t>(kAnswersBytes / body_bytes, 4, 512), body_bytes);
}

std::vector<RowsAnswer> rig_rows(const RigConfig& config) {
  constexpr std::size_t kRowBytes = 124;
  const std::size_t count = std::clamp<std::size_t>(kAnswersBytes / (config.rows * kRowBytes), 4, 512);
  return rows_answers(count, config.rows, config.rows_between, config.rows_are_binary);
}

Rig::Rig(const RigConfig& config) : config_(config), now_(kStart), recorder_(start_recorder()) {
  const std::uint64_t before = memory_in_use();
  const port::Capabilities& nic = config.superframes ? kSuperframeNic : kMtuNic;
  client_port_ = std::make_unique<MemoryPort>(nic, pools());
  server_port_ = std::make_unique<MemoryPort>(nic, pools());
  worker::WorkerConfig worker_config;
  worker_config.hash_key = {1, 2};
  worker_config.sessions = std::max(worker_config.sessions, config.sessions);
  worker_config.half_open = worker_config.sessions;
  worker_ = std::make_unique<worker::Worker>(worker_config, *client_port_, *server_port_, pools(), recorder_, now_);
  use_policy();
  const std::uint64_t before_hosts = memory_in_use();
  puppets_ = std::make_unique<Puppets>(hosts(), *client_port_, *server_port_);
  const std::uint64_t hosts = memory_in_use() - before_hosts;
  puppets_->connect();
  run_until([this] { return counts().established == config_.sessions; });
  puppets_->count_stars(true);
  if (config.warm_up > 0) resume();
  run(config.warm_up * config.sessions);
  drain();
  puppets_->count_stars(false);
  for (const TimeNs end = now_ + config.idle_ns; now_ < end; now_ += kIdleStep) burst();
  sessions_bytes_ =
      memory_in_use() - before - hosts + session::SessionTable::bytes_for(config.sessions) + worker_->awake_bytes();
  if (!config.hang_up && worker_->sessions_open() != config.sessions) fail("a session is missing");
  if (counts().stars == 0 && !config.hang_up && config.warm_up > 0) fail("nothing was masked");
}

Rig::~Rig() {
  worker_.reset();
  puppets_.reset();
  archive_.reset();
  no_archive_.reset();
}

PuppetConfig Rig::hosts() {
  PuppetConfig hosts{.connections = config_.sessions,
                     .superframes = config_.superframes,
                     .hang_up = config_.hang_up,
                     .request = {},
                     .responses = {}};
  if (config_.rows == 0) {
    hosts.request = browser_request();
    hosts.responses = rig_responses(config_.body_bytes);
    return hosts;
  }
  hosts.server_port = kPostgresPort;
  hosts.hello = postgres_startup();
  hosts.greeting = postgres_greeting();
  hosts.request = rows_query();
  for (RowsAnswer& answer : rig_rows(config_)) {
    row_bytes_ += static_cast<double>(answer.row_bytes);
    hosts.responses.push_back(std::move(answer.wire));
  }
  row_bytes_ /= static_cast<double>(hosts.responses.size());
  return hosts;
}

record::Recorder& Rig::start_recorder() {
  if (config_.burst_ns != 0) {
    no_archive_ = std::make_unique<DiscardingArchive>();
    return no_archive_->recorder();
  }
  auto archive = record::ArchiveWriter::start({.directory = directory_.path(), .page_bytes = 1U << 20}, 1);
  if (!archive) throw std::runtime_error(archive.error().message());
  archive_ = std::move(*archive);
  return archive_->recorder(0);
}

void Rig::fail(const std::string& what) const {
  throw std::runtime_error("the whole worker: " + what);
}

void Rig::use_policy() {
  update_.scratch = std::make_unique<inspect::Scratch>();
  update_.policy = policy_ = bench_policy(*update_.scratch, config_.limits);
  worker_->offer(&update_);
  burst();
  if (worker_->taken() != &update_) fail("the policy was not taken");
}

bool Rig::burst() {
#ifdef SLUICE_STAGE_CLOCK
  const StageClock before = stage_clock;
  stage_clock.resume();
#endif
  core_time_.begin();
  bool busy = false;
  if (counting_)
    counted([&] { busy = worker_->burst(now_, kWall + now_); });
  else
    busy = worker_->burst(now_, kWall + now_);
  const std::uint64_t spent = core_time_.end();
#ifdef SLUICE_STAGE_CLOCK
  stage_clock.enter(stage_clock.stage());
  // Nothing came. A preempted burst stays: it falls on stages as their time does, while leaving it out would leave
  // out the long ones.
  if (!busy) stage_clock = before;
#endif
  if (!busy) return false;
  cycles_ += spent;
  now_ += config_.burst_ns != 0 ? config_.burst_ns : ns_of(spent);
  ++bursts_;
  return true;
}

void Rig::wait_for_writer() {
  if (no_archive_) no_archive_->give_back();
  while (!recorder_.has_room(kRecordRoom)) std::this_thread::sleep_for(kWriterPause);
}

void Rig::round() {
  wait_for_writer();
  const std::uint64_t before = frames();
  const bool spoke = puppets_->run(now_);
  do burst();
  while (!client_port_->idle() || !server_port_->idle());
  // When nothing moves, all wait for a timer of the worker. What waited for the writer alone moved just now.
  if (!spoke && frames() == before && worker_->next_deadline() != kNever)
    now_ = std::max(now_, worker_->next_deadline());
}

template <class Done>
void Rig::run_until(Done&& done) {
  std::uint64_t before = frames();
  for (int idle = 0; !done(); ++idle) {
    round();
    if (frames() != before) idle = 0;
    before = frames();
    if (idle > kIdleRounds)
      fail(
          fmt::format("it stands still: {} connections, {} closed, {} requests, {} responses, {} hosts wait, {} faults",
                      counts().established, counts().closed, counts().requests, counts().responses, puppets_->waiting(),
                      counts().faults));
  }
}

std::uint64_t Rig::run(std::uint64_t more) {
  const std::uint64_t cycles = cycles_;
  const std::uint64_t until = exchanges() + more;
  run_until([&] { return exchanges() >= until; });
  return cycles_ - cycles;
}

void Rig::resume() {
  client_port_->start();
  server_port_->start();
  puppets_->ask(true);
}

void Rig::drain() {
  puppets_->ask(false);
  run_until([this] { return puppets_->waiting() == 0; });
  for (int i = 0; i < kLastRounds; ++i) round();  // the last ACKs
  client_port_->stop();
  server_port_->stop();
  if (counts().faults != 0) fail(fmt::format("the hosts saw {} faults", counts().faults));
  forget_old_segments();
}

std::uint64_t Rig::frames() const {
  std::uint64_t all = 0;
  for (const auto* port : {client_port_.get(), server_port_.get()})
    all += port->counters().rx_frames.value() + port->counters().tx_frames.value();
  return all;
}

// Nobody reads them; without this a long run fills the disk. The newest may still be written.
void Rig::forget_old_segments() const {
  constexpr auto kOld = std::chrono::seconds(2);
  const auto now = std::filesystem::file_time_type::clock::now();
  std::error_code ignored;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(directory_.path(), ignored))
    if (entry.is_regular_file(ignored) && entry.path().extension() == ".seg" &&
        now - entry.last_write_time(ignored) > kOld)
      std::filesystem::remove(entry.path(), ignored);
}

}  // namespace sluice::bench
