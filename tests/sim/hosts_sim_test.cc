// Hosts with more than one connection, without a listener, and with too few buffers.
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/sim/host.h"
#include "tests/sim/sim_port.h"
#include "tests/sim/stream_application.h"
#include "tests/sim/world.h"

namespace sluice::sim {
namespace {

constexpr std::uint32_t kClientIp = 0x0a4d0001;
constexpr std::uint32_t kServerIp = 0x0a4d0002;
constexpr std::uint16_t kPort = 8080;

buffer::Pools make_pools(const char* name, const buffer::PoolSizes& sizes) {
  auto made = buffer::Pools::create(name, sizes);
  EXPECT_TRUE(made) << made.error().message();
  return std::move(*made);
}

std::string text(std::size_t bytes, std::uint64_t seed) {
  Random random(seed);
  std::string out(bytes, '\0');
  for (char& c : out) c = static_cast<char>(random.next());
  return out;
}

// `count` callers at once, each with streams of its own, over one wire.
void run_many(std::uint64_t seed, unsigned count, std::size_t stream_bytes, buffer::Pools& pools) {
  {
    World world;
    Wire wire(world.clock, {.jitter = 3 * kMillisecond, .lost_per_mille = 20, .reordered_per_mille = 50}, seed);
    SimPort client_port(wire, 0, pools, kOffloadingNic);
    SimPort server_port(wire, 1, pools, kOffloadingNic);
    Host client(world.clock, client_port, pools, {.ip = kClientIp, .link = ethernet(1, 2), .tcp = {}}, seed);
    Host server(world.clock, server_port, pools, {.ip = kServerIp, .link = ethernet(2, 1), .tcp = {}}, seed + 1);
    world.add(client);
    world.add(server);
    world.add(wire);
    std::uint64_t served = 0;
    server.listen(kPort, [&] {
      ++served;
      return std::make_unique<StreamApplication>(StreamScript{.to_send = text(stream_bytes, seed + served)}, served);
    });
    for (unsigned i = 0; i < count; ++i) {
      StreamScript script{.to_send = text(stream_bytes, seed + 1'000 + i)};
      client.connect({kServerIp, kPort}, std::make_unique<StreamApplication>(std::move(script), i));
    }
    const auto all_closed = [](const Host& host) {
      return std::all_of(host.connections().begin(), host.connections().end(),
                         [](const auto& c) { return c->closed(); });
    };
    const World::End end = world.run([&] { return all_closed(client) && all_closed(server); }, 3'600 * kSecond);
    EXPECT_EQ(end, World::End::done);
    EXPECT_EQ(served, count);
    for (const Host* host : {&client, &server}) {
      for (const auto& connection : host->connections()) {
        const auto& application = static_cast<const StreamApplication&>(connection->application());
        EXPECT_TRUE(application.heard_all());
        EXPECT_EQ(application.received().size(), stream_bytes);
      }
    }
    // Whose stream is whose shows on the server, where the callers' ports tell them apart.
    for (const auto& connection : server.connections()) {
      const auto& application = static_cast<const StreamApplication&>(connection->application());
      const std::uint64_t caller = connection->remote().port - client.connections()[0]->local().port;
      EXPECT_TRUE(application.received() == text(stream_bytes, seed + 1'000 + caller));
    }
  }
  EXPECT_EQ(pools.in_use(), 0u) << "buffers leaked";
}

TEST(HostsSim, ManyConnectionsShareAWire) {
  buffer::Pools pools = make_pools("many", {.frames = 16384, .jumbos = 256, .views = 16384});
  run_many(1, 100, 20'000, pools);
}

TEST(HostsSim, TooFewBuffersSlowThingsDownAndLoseNothing) {
  buffer::Pools pools = make_pools("few", {.frames = 400, .jumbos = 8, .views = 200});
  run_many(2, 4, 50'000, pools);
}

TEST(HostsSim, WhereNobodyListensAConnectionIsRefused) {
  buffer::Pools pools = make_pools("refuse", {.frames = 256, .jumbos = 4, .views = 256});
  World world;
  Wire wire(world.clock, {}, 1);
  SimPort client_port(wire, 0, pools, kPlainNic);
  SimPort server_port(wire, 1, pools, kPlainNic);
  Host client(world.clock, client_port, pools, {.ip = kClientIp, .link = ethernet(1, 2), .tcp = {}}, 1);
  Host server(world.clock, server_port, pools, {.ip = kServerIp, .link = ethernet(2, 1), .tcp = {}}, 2);
  world.add(client);
  world.add(server);
  world.add(wire);
  const Connection& connection =
      client.connect({kServerIp, kPort}, std::make_unique<StreamApplication>(StreamScript{}, 1));
  EXPECT_EQ(world.run([&] { return connection.closed(); }, kSecond), World::End::done);
  EXPECT_EQ(connection.state(), Connection::State::refused);
}

TEST(HostsSim, WhereNothingAnswersAConnectionTimesOut) {
  buffer::Pools pools = make_pools("silent", {.frames = 256, .jumbos = 4, .views = 256});
  World world;
  Wire wire(world.clock, {.lost_per_mille = 1000}, 1);
  SimPort client_port(wire, 0, pools, kPlainNic);
  Host client(world.clock, client_port, pools, {.ip = kClientIp, .link = ethernet(1, 2), .tcp = {}}, 1);
  world.add(client);
  world.add(wire);
  const Connection& connection =
      client.connect({kServerIp, kPort}, std::make_unique<StreamApplication>(StreamScript{}, 1));
  EXPECT_EQ(world.run([&] { return connection.closed(); }, 600 * kSecond), World::End::done);
  EXPECT_EQ(connection.state(), Connection::State::timed_out);
}

}  // namespace
}  // namespace sluice::sim
