#include "bench/support/core_time.h"

#include <fcntl.h>
#include <rte_cycles.h>
#include <sys/rseq.h>
#include <unistd.h>
#include <x86intrin.h>

#include <algorithm>
#include <cstdio>

namespace sluice::bench {
namespace {

// A critical section that no instruction lies in: whenever the kernel looks, the thread is outside, and the kernel
// forgets the section. It looks when the thread comes back after a preemption, and checks the signature first.
struct Nowhere {
  std::uint32_t signature = RSEQ_SIG;
  std::uint8_t abort[4] = {};
  std::uint8_t section[4] = {};
};
constinit const Nowhere nowhere;

alignas(32) rseq_cs critical_section = {};

struct rseq* area() {
  if (__rseq_size == 0) return nullptr;
  return reinterpret_cast<struct rseq*>(static_cast<char*>(__builtin_thread_pointer()) + __rseq_offset);
}

std::uint64_t address_of(const void* p) {
  return reinterpret_cast<std::uint64_t>(p);
}

void mark() {
  struct rseq* mine = area();
  if (mine == nullptr) return;
  __atomic_store_n(&mine->rseq_cs, address_of(&critical_section), __ATOMIC_RELAXED);
}

bool marked() {
  const struct rseq* mine = area();
  return mine == nullptr || __atomic_load_n(&mine->rseq_cs, __ATOMIC_RELAXED) != 0;
}

}  // namespace

CoreTime::CoreTime()
    : schedstat_(::open("/proc/thread-self/schedstat", O_RDONLY | O_CLOEXEC)),
      cycles_per_ns_(static_cast<double>(rte_get_tsc_hz()) / 1e9) {
  critical_section.start_ip = address_of(nowhere.section);
  critical_section.post_commit_offset = sizeof nowhere.section;
  critical_section.abort_ip = address_of(nowhere.abort);
}

// "run wait slices": nanoseconds on a core, and in wait for one.
std::uint64_t CoreTime::waited_ns() const {
  char text[64] = {};
  unsigned long long ran = 0;
  unsigned long long waited = 0;
  if (::pread(schedstat_.get(), text, sizeof text - 1, 0) <= 0) return 0;
  return std::sscanf(text, "%llu %llu", &ran, &waited) == 2 ? waited : 0;
}

void CoreTime::begin() {
  if (!marked() || waited_ns_ == 0) waited_ns_ = waited_ns();
  mark();
  begin_ = __rdtsc();
}

std::uint64_t CoreTime::end() {
  const std::uint64_t spent = __rdtsc() - begin_;
  preempted_ = !marked();
  if (!preempted_) return spent;
  const std::uint64_t before = waited_ns_;
  waited_ns_ = waited_ns();
  const auto away = static_cast<std::uint64_t>(static_cast<double>(waited_ns_ - before) * cycles_per_ns_);
  return spent - std::min(spent, away);
}

DurationNs ns_of(std::uint64_t cycles) {
  static const double per_cycle = 1e9 / static_cast<double>(rte_get_tsc_hz());
  return static_cast<DurationNs>(static_cast<double>(cycles) * per_cycle);
}

}  // namespace sluice::bench
