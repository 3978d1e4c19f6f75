// A caller that runs away beside one that does not, at a server that takes its time for each request, one after
// another. Held by a limit, held for its score, or throttled, the runaway does not change what its neighbour feels: the
// p99 of the neighbour's waits stays within 5 %. Left alone it does, or this would prove nothing.
#include <gtest/gtest.h>

#include <algorithm>
#include <deque>

#include "dataplane/worker/worker.h"
#include "tests/sim/host.h"
#include "tests/sim/seeds.h"
#include "tests/sim/sim_port.h"
#include "tests/sim/world.h"
#include "tests/support/memory_recorder.h"
#include "tests/support/test_policy.h"

namespace sluice::sim {
namespace {

constexpr std::size_t kAsked = 1000;              // by the neighbour
constexpr DurationNs kPause = 10 * kMillisecond;  // between them, about
constexpr std::size_t kRunaways = 8;              // connections
constexpr std::size_t kBurst = 5;                 // of the runaway, before its limit
const std::string kShop = "Authorization: Basic c2hvcDp4\r\n";
const std::string kChunker = "Authorization: Basic Y2h1bmtlcjp4\r\n";

buffer::Pools& pools() {
  static buffer::Pools made =
      buffer::Pools::create("neighbours", {.frames = 32768, .jumbos = 64, .views = 32768}).value();
  return made;
}

std::string policy_of(const std::string& more) {
  return "services:\n  - {name: web, address: 10.0.0.2:80, protocol: http, mode: enforce" + more + "}\n";
}

// What all connections of a server share: it does one thing at a time.
struct Desk {
  std::uint64_t seed;
  TimeNs free_at = 0;
  std::size_t of_runaway = 0;

  TimeNs take(const std::string& request, TimeNs now) {
    const bool runaway = request.starts_with("PUT");
    of_runaway += runaway ? 1 : 0;
    // The neighbour's n-th request takes as long whoever else is there.
    const std::uint64_t n = runaway ? 0 : std::stoul(request.substr(request.find('/') + 1));
    const DurationNs takes = runaway ? kMillisecond : 300 * kMicrosecond + Random(seed * 7919 + n).below(kMillisecond);
    return free_at = std::max(free_at, now) + takes;
  }
};

class Serving final : public Application {
 public:
  explicit Serving(Desk& desk) : desk_(desk) {}

  void run(Connection& connection, TimeNs now) override {
    waiting_ += connection.read();
    for (;;) {
      const std::size_t end = waiting_.find("\r\n\r\n");
      if (end == std::string::npos) break;
      const std::size_t length = waiting_.find("Content-Length: ");
      const std::size_t body = length < end ? std::stoul(waiting_.substr(length + 16)) : 0;
      if (waiting_.size() < end + 4 + body) break;
      done_at_.push_back(desk_.take(waiting_, now));
      waiting_.erase(0, end + 4 + body);
    }
    while (!done_at_.empty() && done_at_.front() <= now) {
      if (!connection.write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")) break;
      done_at_.pop_front();
    }
  }
  [[nodiscard]] TimeNs next_deadline() const override { return done_at_.empty() ? kNever : done_at_.front(); }

 private:
  Desk& desk_;
  std::string waiting_;
  std::deque<TimeNs> done_at_;
};

std::size_t take_answers(std::string& heard) {
  std::size_t count = 0;
  for (std::size_t end = 0; (end = heard.find("\r\n\r\nok")) != std::string::npos; heard.erase(0, end + 6)) ++count;
  return count;
}

// Asks at its times, however long answers take; a wait counts from when it should have asked.
class Neighbour final : public Application {
 public:
  explicit Neighbour(std::uint64_t seed) : random_(seed) {}

  void run(Connection& connection, TimeNs now) override {
    if (next_ == 0) next_ = now + kSecond;
    heard_ += connection.read();
    for (std::size_t n = take_answers(heard_); n > 0; --n) waits_.push_back(now - asked_at_[waits_.size()]);
    while (now >= next_ && asked_at_.size() < kAsked) {
      if (!connection.write("GET /" + std::to_string(asked_at_.size()) + " HTTP/1.1\r\nHost: web\r\n" + kShop + "\r\n"))
        return;
      asked_at_.push_back(next_);
      next_ += kPause / 2 + random_.below(kPause);
    }
  }
  [[nodiscard]] TimeNs next_deadline() const override { return asked_at_.size() < kAsked ? next_ : kNever; }
  [[nodiscard]] bool is_over() const { return waits_.size() == kAsked; }
  [[nodiscard]] DurationNs p99() {
    const auto at = waits_.begin() + static_cast<std::ptrdiff_t>(kAsked * 99 / 100);
    std::nth_element(waits_.begin(), at, waits_.end());
    return *at;
  }

 private:
  Random random_;
  TimeNs next_ = 0;
  std::string heard_;
  std::vector<TimeNs> asked_at_;
  std::vector<DurationNs> waits_;
};

// A stream cut into small requests, each as soon as the one before has its answer.
class Runaway final : public Application {
 public:
  void run(Connection& connection, TimeNs) override {
    heard_ += connection.read();
    if (take_answers(heard_) > 0 || sent_ == 0) is_due_ = true;
    if (!is_due_ || !connection.write("PUT /upload/" + std::to_string(sent_) + " HTTP/1.1\r\nHost: web\r\n" + kChunker +
                                      "Content-Length: 1024\r\n\r\n" + std::string(1024, 'x')))
      return;
    is_due_ = false;
    ++sent_;
  }

 private:
  std::string heard_;
  std::size_t sent_ = 0;
  bool is_due_ = false;
};

struct Felt {
  DurationNs p99 = 0;
  std::size_t of_runaway = 0;  // that reached the server
};

Felt run(std::uint64_t seed, const std::string& policy, bool with_runaway) {
  Random random(seed);
  World world;
  Wire client_wire(world.clock, {.latency = 100 * kMicrosecond + random.below(2 * kMillisecond)}, seed + 1);
  Wire server_wire(world.clock, {.latency = 50 * kMicrosecond + random.below(kMillisecond)}, seed + 2);
  SimPort client_port(client_wire, 0, pools(), kPlainNic);
  SimPort server_port(server_wire, 1, pools(), kPlainNic);
  SimPort inner_client(client_wire, 1, pools(), kPlainNic);
  SimPort inner_server(server_wire, 0, pools(), kPlainNic);
  test::MemoryRecorder recorder;
  worker::Worker worker({.sessions = 64, .half_open = 16, .hash_key = {seed, seed}, .start_wall_ns = kSecond},
                        inner_client, inner_server, pools(), recorder, world.clock.now());
  worker::PolicyUpdate update;
  update.scratch = std::make_unique<inspect::Scratch>();
  update.policy = test::make_policy(policy, *update.scratch);
  EXPECT_TRUE(worker.offer(&update));
  world.add({[&] {
               while (worker.burst(world.clock.now(), world.clock.now())) {
               }
             },
             [&] { return worker.pending() ? world.clock.now() + kMillisecond : worker.next_deadline(); }});
  Host client(world.clock, client_port, pools(), {.ip = test::kClientAddress, .link = ethernet(1, 2), .tcp = {}}, seed);
  Host server(world.clock, server_port, pools(), {.ip = test::kServerAddress, .link = ethernet(2, 1), .tcp = {}},
              seed + 4);
  world.add(client);
  world.add(server);
  world.add(client_wire);
  world.add(server_wire);
  Desk desk{.seed = seed};
  server.listen(test::kServerPort, [&] { return std::make_unique<Serving>(desk); });
  auto application = std::make_unique<Neighbour>(seed + 5);
  Neighbour& neighbour = *application;
  client.connect({test::kServerAddress, test::kServerPort}, std::move(application));
  if (with_runaway)
    for (std::size_t i = 0; i < kRunaways; ++i)
      client.connect({test::kServerAddress, test::kServerPort}, std::make_unique<Runaway>());
  EXPECT_EQ(world.run([&] { return neighbour.is_over(); }, 600 * kSecond), World::End::done) << reproduce(seed);
  return {neighbour.is_over() ? neighbour.p99() : 0, desk.of_runaway};
}

struct Way {
  const char* name;
  std::string policy;
  std::size_t most;  // of the runaway's requests that reach the server
};

TEST(NeighboursSim, WhatAnotherDoesThatIsHeldOrThrottledTheyDoNotFeel) {
  const std::string burst = std::to_string(kBurst);
  const Way ways[] = {
      {"held by a limit",
       policy_of(", limits: [{per: rule, rate: 1/h, burst: " + burst + ", then: hold}], rules: [local/put]") +
           "rules:\n  - {name: put, match: 'PUT', where: [request.head], action: observe}\n",
       kBurst},
      {"held for its score",
       policy_of(", risk: {lines: [{above: 50, then: hold}], behaviour: {interval: 1m, pieces: "
                 "{above: " +
                 burst + ", of: 4KiB, score: 60}}}"),
       kBurst + kRunaways},
      {"throttled",
       policy_of(", limits: [{per: rule, rate: 2/s, burst: " + burst + ", then: throttle}], rules: [local/put]") +
           "rules:\n  - {name: put, match: 'PUT', where: [request.head], action: observe}\n",
       kBurst + 2 * 20}};
  for (const std::uint64_t seed : seeds(10)) {
    const Felt alone = run(seed, policy_of(""), false);
    const Felt drowned = run(seed, policy_of(""), true);
    EXPECT_GT(drowned.p99, alone.p99 * 3 / 2) << reproduce(seed);
    EXPECT_GT(drowned.of_runaway, 1000U) << reproduce(seed);
    for (const Way& way : ways) {
      const Felt beside = run(seed, way.policy, true);
      EXPECT_LE(beside.p99, alone.p99 + alone.p99 / 20) << way.name << ": " << reproduce(seed);
      EXPECT_GE(beside.of_runaway, kBurst) << way.name << ": " << reproduce(seed);
      EXPECT_LE(beside.of_runaway, way.most) << way.name << ": " << reproduce(seed);
    }
    if (HasFailure()) return;
  }
}

}  // namespace
}  // namespace sluice::sim
