// Limits between hosts: clients that ask for more than they may, over a wire that loses and reorders, and a server that
// notes when each request reaches it. Never more than rate × t + burst, not a byte of what was denied, and every
// request has its answer. The server's wire is of one length, so that what it sees is what the appliance sends.
#include <gtest/gtest.h>

#include "dataplane/worker/worker.h"
#include "tests/sim/host.h"
#include "tests/sim/naps.h"
#include "tests/sim/seeds.h"
#include "tests/sim/sim_port.h"
#include "tests/sim/stream_application.h"
#include "tests/sim/world.h"
#include "tests/support/memory_recorder.h"
#include "tests/support/occurrences.h"
#include "tests/support/takers.h"
#include "tests/support/test_policy.h"

namespace sluice::sim {
namespace {

using test::occurrences;

buffer::Pools& pools() {
  static buffer::Pools made = buffer::Pools::create("limits", {.frames = 32768, .jumbos = 64, .views = 32768}).value();
  return made;
}

struct Arrivals {
  std::vector<enforce::test::Take> requests;
  std::string bytes;
};

// Answers each request as soon as it is there.
class Answering final : public Application {
 public:
  explicit Answering(Arrivals& arrivals) : arrivals_(arrivals) {}

  void run(Connection& connection, TimeNs now) override {
    const std::string more = connection.read();
    arrivals_.bytes += more;
    waiting_ += more;
    for (std::size_t end = 0; (end = waiting_.find("\r\n\r\n")) != std::string::npos; waiting_.erase(0, end + 4)) {
      arrivals_.requests.push_back({now, 1});
      to_send_ += "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
    }
    if (!to_send_.empty() && connection.write_room_bytes() >= to_send_.size() && connection.write(to_send_))
      to_send_.clear();
    if (connection.peer_finished() && to_send_.empty()) connection.finish();
  }

 private:
  Arrivals& arrivals_;
  std::string waiting_;
  std::string to_send_;
};

struct Case {
  std::uint64_t rate;
  std::uint64_t burst;
  bool throttles;
  std::size_t clients;
  std::size_t requests;  // of each
};

std::string policy_of(const Case& c) {
  return "services:\n  - {name: web, address: 10.0.0.2:80, protocol: http, mode: enforce, limits: [{per: principal, "
         "rate: " +
         std::to_string(c.rate) + "/s, burst: " + std::to_string(c.burst) +
         ", then: " + (c.throttles ? "throttle" : "deny") + "}]}\nprincipals:\n  - {name: ci, from: 10.0.0.64/26}\n";
}

std::string request(std::size_t client, std::size_t n) {
  return "GET /" + std::to_string(client) + "-" + std::to_string(n) + " HTTP/1.1\r\nHost: web\r\n\r\n";
}

void run(std::uint64_t seed) {
  Random random(seed);
  // Policies take long to compile, and few of them are enough.
  const Case c{.rate = random.chance(1, 2) ? 20U : 300U,
               .burst = random.chance(1, 2) ? 1U : 12U,
               .throttles = random.chance(1, 2),
               .clients = 1 + random.below(6),
               .requests = 1 + random.below(40)};
  World world;
  Wire client_wire(world.clock,
                   {.latency = 1 + random.below(10 * kMillisecond),
                    .jitter = random.below(5 * kMillisecond),
                    .lost_per_mille = static_cast<std::uint32_t>(random.below(30)),
                    .repeated_per_mille = static_cast<std::uint32_t>(random.below(20)),
                    .reordered_per_mille = static_cast<std::uint32_t>(random.below(50))},
                   seed + 1);
  Wire server_wire(world.clock, {.latency = kMillisecond}, seed + 2);
  SimPort client_port(client_wire, 0, pools(), kPlainNic);
  SimPort server_port(server_wire, 1, pools(), kPlainNic);
  SimPort inner_client(client_wire, 1, pools(), kPlainNic, 20, seed);
  SimPort inner_server(server_wire, 0, pools(), kPlainNic);
  test::MemoryRecorder recorder;
  worker::Worker worker({.sessions = 64, .half_open = 16, .hash_key = {seed, seed}, .start_wall_ns = kSecond},
                        inner_client, inner_server, pools(), recorder, world.clock.now());
  worker::PolicyUpdate update;
  update.scratch = std::make_unique<inspect::Scratch>();
  update.policy = test::make_policy(policy_of(c), *update.scratch);
  const enforce::LimitCounters& counters = *update.policy->limits.at(0);
  const std::uint64_t passed = counters.passed.value();
  const std::uint64_t denied = counters.denied.value();
  ASSERT_TRUE(worker.offer(&update));
  Naps naps(world.clock,
            {[&] {
               while (worker.burst(world.clock.now(), world.clock.now())) {
               }
             },
             [&] { return worker.pending() ? world.clock.now() + kMillisecond : worker.next_deadline(); }},
            {.count = 3, .longest = 200 * kMillisecond}, seed + 3);
  world.add(naps.actor());
  Host client(world.clock, client_port, pools(), {.ip = test::kClientAddress, .link = ethernet(1, 2), .tcp = {}}, seed);
  Host server(world.clock, server_port, pools(), {.ip = test::kServerAddress, .link = ethernet(2, 1), .tcp = {}},
              seed + 4);
  world.add(client);
  world.add(server);
  world.add(client_wire);
  world.add(server_wire);
  Arrivals arrivals;
  server.listen(test::kServerPort, [&] { return std::make_unique<Answering>(arrivals); });
  std::vector<const StreamApplication*> asking;
  for (std::size_t i = 0; i < c.clients; ++i) {
    StreamScript script;
    for (std::size_t n = 0; n < c.requests; ++n) script.to_send += request(i, n);
    script.write_bytes = 1 + random.below(400);
    script.write_pause = random.below(30 * kMillisecond);
    auto application = std::make_unique<StreamApplication>(std::move(script), seed + 10 + i);
    asking.push_back(application.get());
    client.connect({test::kServerAddress, test::kServerPort}, std::move(application));
  }
  const World::End end = world.run(
      [&] {
        return std::ranges::all_of(asking, [](const auto* one) { return one->heard_all(); }) &&
               worker.sessions_open() == 0;
      },
      3600 * kSecond);
  ASSERT_EQ(end, World::End::done) << reproduce(seed);
  EXPECT_EQ(enforce::test::excess(arrivals.requests, c.rate, kSecond, c.burst), 0.0L) << reproduce(seed);
  std::size_t refused = 0;
  for (std::size_t i = 0; i < c.clients; ++i) {
    const std::string& heard = asking[i]->received();
    EXPECT_EQ(occurrences(heard, "HTTP/1.1 200") + occurrences(heard, "HTTP/1.1 429"), c.requests) << reproduce(seed);
    refused += occurrences(heard, "HTTP/1.1 429");
  }
  EXPECT_EQ(arrivals.requests.size() + refused, c.clients * c.requests) << reproduce(seed);
  EXPECT_EQ(counters.passed.value() - passed, arrivals.requests.size()) << reproduce(seed);
  EXPECT_EQ(counters.denied.value() - denied, refused) << reproduce(seed);
  EXPECT_TRUE(!c.throttles || refused == 0) << reproduce(seed);
  // Whole requests, each once, and nothing else.
  std::size_t bytes = 0;
  for (std::size_t i = 0; i < c.clients; ++i)
    for (std::size_t n = 0; n < c.requests; ++n) {
      const std::size_t times = occurrences(arrivals.bytes, request(i, n));
      EXPECT_LE(times, 1U) << reproduce(seed);
      bytes += times * request(i, n).size();
    }
  EXPECT_EQ(bytes, arrivals.bytes.size()) << reproduce(seed);
}

TEST(LimitsSim, TheServerNeverSeesMoreThanRateTimesTimePlusBurst) {
  for (const std::uint64_t seed : seeds(100)) {
    run(seed);
    if (HasFatalFailure()) return;
  }
}

}  // namespace
}  // namespace sluice::sim
