// More connections than the worker's buffers can hold the windows of: every one gets to its end, whole. An appliance
// whose pool is used up for good could not even hear the ACKs that would free it.
#include <gtest/gtest.h>

#include "dataplane/worker/worker.h"
#include "tests/sim/host.h"
#include "tests/sim/seeds.h"
#include "tests/sim/sim_port.h"
#include "tests/sim/stream_application.h"
#include "tests/sim/world.h"
#include "tests/support/memory_recorder.h"
#include "tests/support/test_policy.h"

namespace sluice::sim {
namespace {

constexpr std::size_t kBodyBytes = 64 * 1024;

buffer::Pools& host_pools() {
  static buffer::Pools made = buffer::Pools::create("crowd", {.frames = 65536, .jumbos = 512, .views = 65536}).value();
  return made;
}

// 2.3 MB of frames, where the windows of all connections are 10 MB each way.
buffer::Pools& small_pools() {
  static buffer::Pools made = buffer::Pools::create("small", {.frames = 1024, .jumbos = 32, .views = 2048}).value();
  return made;
}

struct Crowd {
  std::size_t connections = 150;
  std::size_t request_bytes = 0;
  std::size_t response_bytes = 0;
  DurationNs read_pause = 0;  // of the clients
  WireConfig wire = {.latency = 2 * kMillisecond};
};

// All begin at one moment, when every connection has long been there.
class AtOnce final : public Application {
 public:
  AtOnce(StreamScript script, std::uint64_t seed) : stream_(std::move(script), seed) {}
  void run(Connection& connection, TimeNs now) override {
    began_ = now >= kBegin;
    if (began_) stream_.run(connection, now);
  }
  [[nodiscard]] TimeNs next_deadline() const override { return began_ ? stream_.next_deadline() : kBegin; }
  [[nodiscard]] const std::string& received() const { return stream_.received(); }

  static constexpr TimeNs kBegin = 1'300 * kSecond;

 private:
  StreamApplication stream_;
  bool began_ = false;
};

struct Outcome {
  DurationNs took = 0;
  std::uint64_t early_refused = 0;
  std::uint64_t memory_short = 0;
  std::uint64_t exhausted = 0;
};

std::string message(std::string_view first_line, std::size_t bytes) {
  return std::string(first_line) + "\r\nHost: web\r\nContent-Length: " + std::to_string(bytes) + "\r\n\r\n" +
         std::string(bytes, 'z');
}

Outcome run(const Crowd& crowd, const port::Capabilities& nic, std::uint64_t seed) {
  Outcome outcome;
  {
    World world;
    Wire client_wire(world.clock, crowd.wire, seed);
    Wire server_wire(world.clock, crowd.wire, seed + 1);
    SimPort far_client(client_wire, 0, host_pools(), nic);
    SimPort far_server(server_wire, 1, host_pools(), nic);
    SimPort near_client(client_wire, 1, small_pools(), nic);
    SimPort near_server(server_wire, 0, small_pools(), nic);
    test::MemoryRecorder recorder;
    worker::PolicyUpdate update;
    update.scratch = std::make_unique<inspect::Scratch>();
    update.policy = test::make_policy(test::masking_policy(), *update.scratch);
    worker::Worker worker({.sessions = 1024, .hash_key = {seed, seed}, .start_wall_ns = kSecond}, near_client,
                          near_server, small_pools(), recorder, world.clock.now());
    EXPECT_TRUE(worker.offer(&update));
    Host client(world.clock, far_client, host_pools(), {.ip = test::kClientAddress, .link = ethernet(1, 2), .tcp = {}},
                seed);
    Host server(world.clock, far_server, host_pools(), {.ip = test::kServerAddress, .link = ethernet(2, 1), .tcp = {}},
                seed);
    world.add({[&] {
                 while (worker.burst(world.clock.now(), world.clock.now())) {
                 }
               },
               [&] { return worker.pending() ? world.clock.now() + kMillisecond : worker.next_deadline(); }});
    world.add(client);
    world.add(server);
    world.add(client_wire);
    world.add(server_wire);

    const std::string request = message("POST / HTTP/1.1", crowd.request_bytes);
    const std::string response = message("HTTP/1.1 200 OK", crowd.response_bytes);
    std::vector<const StreamApplication*> served;
    server.listen(test::kServerPort, [&] {
      auto application = std::make_unique<StreamApplication>(StreamScript{.to_send = response, .answers = true}, seed);
      served.push_back(application.get());
      return application;
    });
    for (std::size_t i = 0; i < crowd.connections; ++i) {
      client.connect(
          {test::kServerAddress, test::kServerPort},
          std::make_unique<AtOnce>(
              StreamScript{.to_send = request, .read_bytes = 4'000, .read_pause = crowd.read_pause}, seed + i));
    }
    const auto is_over = [&] {
      return worker.sessions_open() == 0 && served.size() >= crowd.connections &&
             std::ranges::all_of(client.connections(), [](const auto& c) { return c->closed(); });
    };
    EXPECT_EQ(world.run(is_over, 1'800 * kSecond), World::End::done) << reproduce(seed);
    outcome = {.took = world.clock.now() - AtOnce::kBegin,
               .early_refused = worker.errors().value(ErrorCode::tcp_early_refused),
               .memory_short = worker.errors().value(ErrorCode::tcp_memory_short),
               .exhausted = worker.errors().value(ErrorCode::buffers_exhausted)};
    for (const auto& connection : client.connections())
      EXPECT_TRUE(static_cast<const AtOnce&>(connection->application()).received() == response) << reproduce(seed);
    std::size_t whole = 0;
    for (const StreamApplication* application : served) whole += application->received() == request ? 1 : 0;
    EXPECT_EQ(whole, crowd.connections) << reproduce(seed);
    // Where no jumbo is left, one superframe takes thirty frames: a burst of them may find none.
    EXPECT_LT(near_client.counters().rx_errors.value() + near_server.counters().rx_errors.value(), 100U)
        << "frames found no buffer; " << reproduce(seed);
  }
  EXPECT_EQ(small_pools().in_use(), 0U) << "buffers leaked; " << reproduce(seed);
  return outcome;
}

void print(const char* what, const Outcome& outcome) {
  std::printf("%s: %.1f s, %llu refused early, %llu for memory, %llu sends without a buffer\n", what,
              static_cast<double>(outcome.took) / 1e9, static_cast<unsigned long long>(outcome.early_refused),
              static_cast<unsigned long long>(outcome.memory_short),
              static_cast<unsigned long long>(outcome.exhausted));
}

TEST(PressureSim, ACrowdOfDownloadsToSlowReadersGetsThrough) {
  for (const std::uint64_t seed : seeds(3)) {
    const Crowd crowd{.response_bytes = kBodyBytes, .read_pause = 100 * kMillisecond};
    print("downloads", run(crowd, seed % 2 == 0 ? kPlainNic : kOffloadingNic, seed));
    if (testing::Test::HasFailure()) return;
  }
}

// Each is judged as a whole, and so held until its end has come: all of them together, 1.9 MB in 1,320 frames, never
// fit.
TEST(PressureSim, ACrowdOfUploadsThatAreHeldGetsThroughOneByOne) {
  for (const std::uint64_t seed : seeds(3)) {
    const Crowd crowd{.connections = 30, .request_bytes = kBodyBytes - 2'000};
    print("uploads", run(crowd, seed % 2 == 0 ? kPlainNic : kOffloadingNic, seed));
    if (testing::Test::HasFailure()) return;
  }
}

TEST(PressureSim, ACrowdOnALossyPathGetsThrough) {
  for (const std::uint64_t seed : seeds(3)) {
    const Crowd crowd{.request_bytes = 5'000,
                      .response_bytes = kBodyBytes,
                      .read_pause = 20 * kMillisecond,
                      .wire = {.latency = 2 * kMillisecond, .lost_per_mille = 20}};
    print("lossy", run(crowd, kPlainNic, seed));
    if (testing::Test::HasFailure()) return;
  }
}

}  // namespace
}  // namespace sluice::sim
