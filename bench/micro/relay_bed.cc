#include "bench/micro/relay_bed.h"

#include <algorithm>
#include <stdexcept>

#include "bench/support/counted.h"
#include "bench/support/http_content.h"

namespace sluice::bench {
namespace {

constexpr std::size_t kAnswerBytes = 64 * 1024;
constexpr std::size_t kAnswers = 128;  // 8 MiB, more than a core's own caches
constexpr std::uint64_t kWarmUpAnswers = 4;
constexpr DurationNs kRepeatableBurst = 20 * kMicrosecond;

// As long as the process: beds are ended after statics that were made later than they.
buffer::Pools& pools() {
  static auto& made = *[] {
    auto result = buffer::Pools::create("relay", {.frames = 32768, .jumbos = 1024, .views = 32768});
    if (!result) throw std::runtime_error(result.error().message());
    return new buffer::Pools(std::move(*result));
  }();
  return made;
}

}  // namespace

RelayBed::RelayBed(const port::Capabilities& nic, bool repeatable, RelayKind kind)
    : repeatable_(repeatable),
      client_port_(nic, pools()),
      server_port_(nic, pools()),
      relay_(kind, kConnections, client_port_, server_port_, pools()),
      puppets_({.connections = kConnections,
                .superframes = nic.rx_coalescing,
                .request = browser_request(),
                .responses = responses(kAnswers, kAnswerBytes)},
               client_port_, server_port_) {
  puppets_.connect();
  while (puppets_.counts().established < kConnections) round();
  puppets_.ask(true);
  run(kConnections * kWarmUpAnswers);
}

bool RelayBed::burst() {
  bool busy = false;
  core_time_.begin();
  if (counting_)
    counted([&] { busy = relay_.burst(now_); });
  else
    busy = relay_.burst(now_);
  const std::uint64_t spent = core_time_.end();
  if (!busy) return false;
  cycles_ += spent;
  now_ += repeatable_ ? kRepeatableBurst : ns_of(spent);
  return true;
}

void RelayBed::round() {
  const bool spoke = puppets_.run(now_);
  do burst();
  while (!client_port_.idle() || !server_port_.idle());
  // When all wait, they wait for a timer of the relay.
  if (!spoke && relay_.next_deadline() != kNever) now_ = std::max(now_, relay_.next_deadline());
}

void RelayBed::run(std::uint64_t answers) {
  const std::uint64_t until = puppets_.counts().responses + answers;
  while (puppets_.counts().responses < until) round();
  if (puppets_.counts().faults != 0 || relay_.dropped() != 0) throw std::runtime_error("the relay lost its way");
}

}  // namespace sluice::bench
