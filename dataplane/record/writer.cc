// See writer.h. The thread, its clock and its sleep; what it does is Committer's.
#include "dataplane/record/writer.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <pthread.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <mutex>
#include <thread>

#include "common/assert.h"
#include "common/clock.h"
#include "dataplane/record/archive_recovery.h"
#include "dataplane/record/committer.h"
#include "dataplane/record/lane.h"
#include "dataplane/record/uring_disk.h"
#include "dataplane/record/worker_recorder.h"

namespace sluice::record {
namespace {

constexpr std::size_t kMinPageBytes = 256 * 1024;
constexpr std::size_t kMinBlockBytes = 192 * 1024;

Result<void> check(const ArchiveConfig& config, unsigned workers) {
  if (config.directory.empty()) return fail(ErrorCode::bad_argument, "the archive's directory is not given");
  if (workers == 0 || workers > 64) return fail(ErrorCode::bad_argument, "the archive takes 1 to 64 workers");
  if (config.page_bytes < kMinPageBytes || config.page_bytes > (1U << 30) || config.page_bytes % segment::kAlign != 0)
    return fail(ErrorCode::bad_argument, "page_bytes must be a multiple of 4096, from 256 KiB to 1 GiB");
  if (config.block_bytes < kMinBlockBytes || config.block_bytes > segment::kMaxPayloadBytes ||
      config.block_bytes % segment::kAlign != 0)
    return fail(ErrorCode::bad_argument, "block_bytes must be a multiple of 4096, from 192 KiB to 16 MiB");
  if (config.pages < 2 || config.block_buffers < 2 || config.open_segments < 1)
    return fail(ErrorCode::bad_argument, "pages and block_buffers must be 2 or more, open_segments 1 or more");
  if (config.segment_bytes < 2 * config.block_bytes)
    return fail(ErrorCode::bad_argument, "segment_bytes must be at least two blocks");
  return {};
}

// A lock on the directory, held for as long as the writer lives.
Result<int> lock_directory(const std::string& directory) {
  if (::mkdir(directory.c_str(), 0700) != 0 && errno != EEXIST)
    return fail(ErrorCode::archive_io, fmt::format("creating {}: {}", directory, std::strerror(errno)));
  const std::string path = directory + "/.lock";
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0) return fail(ErrorCode::archive_io, fmt::format("opening {}: {}", path, std::strerror(errno)));
  if (::flock(fd, LOCK_EX | LOCK_NB) == 0) return fd;
  ::close(fd);
  return fail(ErrorCode::already_running, directory + " is being written by another process");
}

}  // namespace

class ArchiveWriter::Impl {
 public:
  Impl(const ArchiveConfig& config, unsigned workers, int lock_fd)
      : config_(config), lock_fd_(lock_fd), blocks_(config.block_buffers * config.block_bytes) {
    for (unsigned i = 0; i < workers; ++i) {
      lanes_.push_back(std::make_unique<Lane>(static_cast<std::uint8_t>(i), config.pages, config.page_bytes));
      recorders_.push_back(std::make_unique<WorkerRecorder>(*lanes_.back(), doorbell_, config.group_commit));
    }
  }
  ~Impl() {
    if (thread_.joinable()) (void)stop();
    ::close(lock_fd_);
  }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  Result<void> start();
  Result<void> stop();
  ArchiveStatus status() const;
  WorkerRecorder& recorder(unsigned worker) { return *recorders_.at(worker); }
  const ArchiveRecovery& recovery() const { return recovery_; }

 private:
  void run();
  void publish();

  ArchiveConfig config_;
  int lock_fd_;
  PrivateMemory blocks_;
  Doorbell doorbell_;
  std::vector<std::unique_ptr<Lane>> lanes_;
  std::vector<std::unique_ptr<WorkerRecorder>> recorders_;
  ArchiveRecovery recovery_;
  std::unique_ptr<UringDisk> disk_;
  std::unique_ptr<Committer> committer_;

  std::thread thread_;
  std::atomic<bool> stopping_{false};
  bool all_written_ = false;           // the thread's last word
  std::atomic<DurationNs> cpu_ns_{0};  // of a thread that has ended
  mutable std::mutex text_mutex_;
  std::string error_;
  std::string note_;
  bool running_ = false;  // under text_mutex_: thread_ may be asked for its clock
};

Result<void> ArchiveWriter::Impl::start() {
  bool memory_holds = blocks_.data() != nullptr;
  for (const auto& lane : lanes_) memory_holds = memory_holds && lane->pool.good();
  if (!memory_holds)
    return fail(ErrorCode::io_failed, "no memory for the recorder: pages or block_buffers are too many");
  recovery_ = recover_archive(config_.directory);
  const MutableBytes memory{blocks_.data(), blocks_.size()};
  auto disk = UringDisk::make(config_.directory, memory, doorbell_.fd());
  if (!disk) return std::unexpected(disk.error());
  disk_ = std::move(*disk);

  CommitterConfig config;
  config.limits.segment_bytes = config_.segment_bytes;
  config.limits.open_segments = config_.open_segments;
  config.block_bytes = config_.block_bytes;
  config.reserve_bytes = std::min<std::size_t>(config.reserve_bytes, config_.segment_bytes);
  config.run = wall_ns();
  if (::getrandom(&config.seed, sizeof config.seed, 0) != sizeof config.seed)
    return fail(ErrorCode::io_failed, "getrandom gave no bytes");
  std::vector<Lane*> lanes;
  for (auto& lane : lanes_) lanes.push_back(lane.get());
  committer_ = std::make_unique<Committer>(config, *disk_, memory, std::move(lanes));
  const std::lock_guard guard(text_mutex_);
  thread_ = std::thread([this] { run(); });
  running_ = true;
  return {};
}

void ArchiveWriter::Impl::run() {
  ::pthread_setname_np(::pthread_self(), "sluice-writer");
  std::array<Completion, 64> completions;
  TimeNs give_up_at = kNever;
  for (;;) {
    const TimeNs now = monotonic_ns();
    committer_->poll(now, wall_ns());
    publish();
    if (stopping_.load(std::memory_order_acquire) && give_up_at == kNever) {
      give_up_at = now + config_.stop_within;
      committer_->finish();
      continue;
    }
    if (committer_->finished() || now >= give_up_at) break;
    // Awake while a batch is on its way: its completion wakes the thread, and pages wait in their rings till then.
    DurationNs patience = committer_->patience(now);
    if (committer_->idle()) {
      doorbell_.before_sleep();
      if (!committer_->idle() || stopping_.load(std::memory_order_acquire)) patience = 0;
    }
    const std::size_t count = disk_->wait(patience, completions);
    doorbell_.after_sleep();
    for (std::size_t i = 0; i < count; ++i) committer_->complete(completions[i]);
  }
  all_written_ = committer_->finished();
  cpu_ns_.store(clock_ns(CLOCK_THREAD_CPUTIME_ID));
}

void ArchiveWriter::Impl::publish() {
  const std::string& error = committer_->error();
  const std::string note = disk_->note();
  const std::lock_guard guard(text_mutex_);
  if (error_ != error) error_ = error;
  if (note_ != note) note_ = note;
}

Result<void> ArchiveWriter::Impl::stop() {
  if (!thread_.joinable()) return {};
  for (auto& recorder : recorders_) recorder->hand_over();
  stopping_.store(true, std::memory_order_release);
  doorbell_.ring();
  {
    const std::lock_guard guard(text_mutex_);
    running_ = false;
  }
  thread_.join();
  if (all_written_) return {};
  const ArchiveStatus last = status();
  return fail(ErrorCode::archive_io, fmt::format("{} records did not come to the disk: {}",
                                                 last.records_appended - last.records_durable, last.error));
}

ArchiveStatus ArchiveWriter::Impl::status() const {
  ArchiveStatus status;
  for (std::size_t i = 0; i < lanes_.size(); ++i) {
    const Lane& lane = *lanes_[i];
    status.records_durable += lane.durable_through.load(std::memory_order_acquire);
    status.records_appended += lane.records.value();
    status.record_bytes += lane.record_bytes.value();
    status.stalls += lane.stalls.value();
    status.gap_records += lane.gap_records.value();
    status.gap_bytes += lane.gap_bytes.value();
  }
  const CommitterCounters& counters = committer_->counters();
  status.written_bytes = counters.bytes.value();
  status.blocks = counters.blocks.value();
  status.batches = counters.batches.value();
  status.syncs = counters.syncs.value();
  status.segments = counters.segments.value();
  status.errors = counters.errors.value();
  status.cpu_ns = cpu_ns_.load();
  const std::lock_guard guard(text_mutex_);
  status.error = error_;
  status.note = note_;
  clockid_t clock{};
  if (running_ && ::pthread_getcpuclockid(const_cast<std::thread&>(thread_).native_handle(), &clock) == 0)
    status.cpu_ns = clock_ns(clock);
  return status;
}

ArchiveWriter::ArchiveWriter(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
ArchiveWriter::~ArchiveWriter() = default;

Result<std::unique_ptr<ArchiveWriter>> ArchiveWriter::start(const ArchiveConfig& config, unsigned workers) {
  if (auto good = check(config, workers); !good) return std::unexpected(good.error());
  const auto lock = lock_directory(config.directory);
  if (!lock) return std::unexpected(lock.error());
  auto impl = std::make_unique<Impl>(config, workers, *lock);
  if (auto started = impl->start(); !started) return std::unexpected(started.error());
  return std::unique_ptr<ArchiveWriter>(new ArchiveWriter(std::move(impl)));
}

Recorder& ArchiveWriter::recorder(unsigned worker) {
  return impl_->recorder(worker);
}
ArchiveStatus ArchiveWriter::status() const {
  return impl_->status();
}
const ArchiveRecovery& ArchiveWriter::recovery() const {
  return impl_->recovery();
}
Result<void> ArchiveWriter::stop() {
  return impl_->stop();
}

}  // namespace sluice::record
