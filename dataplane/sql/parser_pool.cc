// See parser_pool.h. Threads are made by hand, because the grammar wants more stack than std::thread gives. What the
// grammar keeps for a thread it frees when the thread ends.
#include "dataplane/sql/parser_pool.h"

#include <pthread.h>

#include <algorithm>
#include <atomic>
#include <string>
#include <utility>

#include "common/assert.h"
#include "dataplane/sql/grammar.h"

namespace sluice::sql {
namespace {

constexpr std::uint32_t kNone = 0xffffffff;

}  // namespace

struct ParserPool::Worker {
  struct Job {
    ShapeId shape;
    std::uint64_t source = 0;
    std::string text;
    SharedFacts facts;
    bool is_taken = false;
  };

  explicit Worker(const ParserPoolConfig& config)
      : jobs(config.jobs),
        asked(config.jobs),
        answered(config.jobs),
        retiring(config.retired),
        retired(config.retired),
        freed(config.retired) {
    for (Job& job : jobs) job.text.reserve(config.text_bytes);
    for (std::uint32_t i = 0; i < config.retired; ++i) freed.push(i);
  }

  std::vector<Job> jobs;
  std::uint32_t taken = 0;           // worker's
  SpscRing<std::uint32_t> asked;     // jobs, to the helper
  SpscRing<std::uint32_t> answered;  // and back
  std::vector<SharedFacts> retiring;
  SpscRing<std::uint32_t> retired;  // places in `retiring`, to the helper
  SpscRing<std::uint32_t> freed;    // and back
};

struct ParserPool::Helper {
  std::vector<Worker*> workers;
  const ParserPoolConfig* config = nullptr;
  pthread_t thread{};
  std::atomic<std::uint32_t> bell{0};  // rung for each job
  std::atomic<bool> stop{false};

  void ring() {
    bell.fetch_add(1, std::memory_order_release);
    bell.notify_one();
  }

  bool serve(Worker& worker) const {
    std::uint32_t number = kNone;
    while (worker.retired.pop(number)) {
      worker.retiring[number].reset();
      worker.freed.push(number);
    }
    if (!worker.asked.pop(number)) return false;
    Worker::Job& job = worker.jobs[number];
    job.facts = std::make_shared<const Facts>(read_facts(job.text, config->facts));
    SLUICE_ASSERT(worker.answered.push(number));  // it has room for all jobs
    return true;
  }

  void run() {
    while (!stop.load(std::memory_order_acquire)) {
      const std::uint32_t heard = bell.load(std::memory_order_acquire);
      bool served = false;
      // One job of each worker in turn.
      for (Worker* const worker : workers) served = serve(*worker) || served;
      if (!served) bell.wait(heard, std::memory_order_acquire);
    }
  }
};

ParserPool::ParserPool(const ParserPoolConfig& config) : config_(config) {
  SLUICE_ASSERT(config.workers > 0 && config.helpers > 0);
  for (std::uint32_t i = 0; i < config.workers; ++i) workers_.push_back(std::make_unique<Worker>(config));
  for (std::uint32_t i = 0; i < std::min(config.helpers, config.workers); ++i) {
    helpers_.push_back(std::make_unique<Helper>());
    helpers_.back()->config = &config_;
  }
  for (std::uint32_t i = 0; i < config.workers; ++i)
    helpers_[i % helpers_.size()]->workers.push_back(workers_[i].get());
  for (const auto& helper : helpers_) {
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, kGrammarStackBytes);
    const auto run = [](void* self) -> void* {
      static_cast<Helper*>(self)->run();
      return nullptr;
    };
    const int failed = pthread_create(&helper->thread, &attributes, run, helper.get());
    pthread_attr_destroy(&attributes);
    SLUICE_ASSERT(failed == 0);
    pthread_setname_np(helper->thread, "sluice-sql");
  }
}

ParserPool::~ParserPool() {
  for (const auto& helper : helpers_) {
    helper->stop.store(true, std::memory_order_release);
    helper->ring();
  }
  for (const auto& helper : helpers_) pthread_join(helper->thread, nullptr);
}

ErrorCode ParserPool::post(std::uint32_t worker, std::uint64_t source, const ShapeId& shape,
                           std::string_view skeleton) {
  Worker& own = *workers_[worker];
  if (skeleton.size() > config_.text_bytes) return ErrorCode::sql_too_long;
  Worker::Job* free = nullptr;
  std::uint32_t of_source = 0;
  for (Worker::Job& job : own.jobs) {
    if (!job.is_taken) {
      if (free == nullptr) free = &job;
      continue;
    }
    if (job.shape == shape) return ErrorCode::ok;
    if (job.source == source) ++of_source;
  }
  if (free == nullptr) return ErrorCode::sql_helpers_busy;
  if (of_source >= config_.source_jobs) return ErrorCode::sql_source_busy;
  free->shape = shape;
  free->source = source;
  free->text.assign(skeleton);
  free->is_taken = true;
  ++own.taken;
  SLUICE_ASSERT(own.asked.push(static_cast<std::uint32_t>(free - own.jobs.data())));
  helpers_[worker % helpers_.size()]->ring();
  return ErrorCode::ok;
}

bool ParserPool::poll(std::uint32_t worker, Answer& answer) {
  Worker& own = *workers_[worker];
  std::uint32_t number = kNone;
  if (own.taken == 0 || !own.answered.pop(number)) return false;
  Worker::Job& job = own.jobs[number];
  answer.shape = job.shape;
  answer.facts = std::exchange(job.facts, nullptr);
  job.is_taken = false;
  --own.taken;
  return true;
}

void ParserPool::retire(std::uint32_t worker, SharedFacts facts) {
  Worker& own = *workers_[worker];
  std::uint32_t number = kNone;
  if (facts == nullptr || !own.freed.pop(number)) return;
  own.retiring[number] = std::move(facts);
  own.retired.push(number);
}

std::uint32_t ParserPool::under_way(std::uint32_t worker) const {
  return workers_[worker]->taken;
}

}  // namespace sluice::sql
