// Two hosts over a bad wire. The oracle: the streams delivered are the streams sent, both ways; the
// connections end; no deadline passes unserved; every buffer comes back; a seed replays exactly.
#include <gtest/gtest.h>

#include "tests/sim/host.h"
#include "tests/sim/naps.h"
#include "tests/sim/seeds.h"
#include "tests/sim/sim_port.h"
#include "tests/sim/stream_application.h"
#include "tests/sim/world.h"

namespace sluice::sim {
namespace {

constexpr std::uint32_t kClientIp = 0x0a4d0001;
constexpr std::uint32_t kServerIp = 0x0a4d0002;
constexpr std::uint16_t kPort = 8080;

buffer::Pools& shared_pools() {
  static buffer::Pools* pools = [] {
    auto made = buffer::Pools::create("sim", {.frames = 16384, .jumbos = 256, .views = 16384});
    if (!made) {
      ADD_FAILURE() << made.error().message();
      std::abort();
    }
    return new buffer::Pools(std::move(*made));
  }();
  return *pools;
}

std::string random_text(std::size_t bytes, Random& random) {
  std::string text(bytes, '\0');
  for (char& c : text) c = static_cast<char>(random.next());
  return text;
}

template <class T, std::size_t N>
T one_of(Random& random, const T (&values)[N]) {
  return values[random.below(N)];
}

// Everything that a seed decides.
struct Scenario {
  explicit Scenario(std::uint64_t seed) : random(seed) {
    wire.latency = one_of(random, {10 * kMicrosecond, kMillisecond, 20 * kMillisecond, 100 * kMillisecond});
    wire.jitter = one_of(random, {DurationNs{0}, wire.latency, 5 * wire.latency});
    wire.lost_per_mille = one_of(random, {0u, 5u, 50u, 200u});
    wire.repeated_per_mille = one_of(random, {0u, 10u, 100u});
    wire.reordered_per_mille = one_of(random, {0u, 50u, 300u});
    wire.damaged_per_mille = one_of(random, {0u, 0u, 20u});
    refused_per_mille = one_of(random, {0u, 0u, 50u});
    offloads = random.chance(1, 2);
    client = host(kClientIp, ethernet(1, 2));
    server = host(kServerIp, ethernet(2, 1));
    upload = script();
    download = script();
    download.answers = random.chance(1, 3);
    upload.answers = !download.answers && random.chance(1, 3);
    if (random.chance(1, 10)) upload.abort_after_bytes = download.to_send.size() / 2;
    trouble();
  }

  // Half of the networks are only bad, the others are hostile, or their hosts sleep.
  void trouble() {
    if (random.chance(1, 2)) return;
    wire.meddler.shrunk_per_mille = one_of(random, {0u, 20u, 300u});
    wire.meddler.forged_per_mille = one_of(random, {0u, 20u, 300u});
    wire.meddler.forges_held =
        never_drops_what_it_holds(client.tcp.limits) && never_drops_what_it_holds(server.tcp.limits);
    wire.out_per_mille = one_of(random, {0u, 50u, 300u});
    wire.outage = one_of(random, {50 * kMillisecond, kSecond, 10 * kSecond});
    naps.count = one_of(random, {0u, 3u, 20u});
    naps.longest = one_of(random, {5 * kMillisecond, 2 * kSecond, 40 * kSecond});
    naps.awake = one_of(random, {20 * kMillisecond, kSecond});
    for (StreamScript* script : {&upload, &download}) {
      if (random.chance(1, 2)) continue;
      script->stall_after_bytes = random.below(20'000);
      script->stall = one_of(random, {kSecond, 300 * kSecond});
    }
  }
  static bool never_drops_what_it_holds(const tcp::LegLimits& limits) {
    return limits.out_of_order_segments == 512 && limits.pinned_bytes == 4u << 20 && limits.receive_bytes <= 65'535;
  }

  HostConfig host(std::uint32_t ip, const wire::LinkHeader& link) {
    HostConfig config;
    config.ip = ip;
    config.link = link;
    config.tcp.mss = one_of<std::uint16_t>(random, {100, 536, 1448, 1460});
    config.tcp.window_shift = one_of<std::uint8_t>(random, {0, 2, 7, 14});
    if (random.chance(1, 4)) config.tcp.window_shift.reset();
    config.tcp.timestamps = random.chance(3, 4);
    config.tcp.sack = random.chance(3, 4);
    if (random.chance(1, 2)) config.tcp.initial_sequence = 0 - static_cast<std::uint32_t>(random.below(100'000));
    config.tcp.limits.receive_bytes = one_of(random, {500u, 4'000u, 65'535u, 1u << 20});
    config.tcp.limits.pinned_bytes = one_of(random, {100u << 10, 4u << 20});
    config.tcp.limits.out_of_order_segments = one_of(random, {1u, 8u, 512u});
    config.tcp.limits.send_bytes = one_of(random, {2'000u, 100'000u, 1u << 20});
    config.tcp.limits.give_up_after = 24 * 3600 * kSecond;
    return config;
  }

  StreamScript script() {
    StreamScript script;
    script.to_send = random_text(random.below(one_of(random, {1u, 1'000u, 30'000u, 200'000u}) + 1), random);
    script.write_bytes = one_of<std::size_t>(random, {100, 3'000, 100'000});
    script.write_pause = one_of(random, {DurationNs{0}, DurationNs{0}, kMillisecond});
    script.read_bytes = one_of<std::size_t>(random, {700, 5'000, SIZE_MAX, SIZE_MAX});
    script.read_pause = one_of(random, {DurationNs{0}, DurationNs{0}, 3 * kMillisecond});
    return script;
  }

  Random random;
  WireConfig wire;
  NapConfig naps;
  std::uint32_t refused_per_mille = 0;
  bool offloads = false;
  HostConfig client;
  HostConfig server;
  StreamScript upload;
  StreamScript download;
};

struct Outcome {
  std::uint64_t trace = 0;
  std::uint64_t frames = 0;
};

bool is_prefix(const std::string& part, const std::string& whole) {
  return part.size() <= whole.size() && whole.compare(0, part.size(), part) == 0;
}

// When every ACK of the last bytes is lost until the other side's TIME_WAIT is over, a reset is all that
// is left to hear. The one who hears it cannot know that all was delivered; the other side does.
bool ended_well(const Connection& a, const Connection& b) {
  const auto well = [](ErrorCode code) { return code == ErrorCode::ok || code == ErrorCode::tcp_reset_by_peer; };
  return (a.closed_in_order() && well(b.closed_by())) || (b.closed_in_order() && well(a.closed_by()));
}

Outcome run_scenario(std::uint64_t seed) {
  Scenario scenario(seed);
  buffer::Pools& pools = shared_pools();
  Outcome outcome;
  {
    World world;
    Wire wire(world.clock, scenario.wire, seed);
    const port::Capabilities& nic = scenario.offloads ? kOffloadingNic : kPlainNic;
    SimPort client_port(wire, 0, pools, nic, scenario.refused_per_mille, seed + 1);
    SimPort server_port(wire, 1, pools, nic, scenario.refused_per_mille, seed + 2);
    Host client(world.clock, client_port, pools, scenario.client, seed + 3);
    Host server(world.clock, server_port, pools, scenario.server, seed + 4);
    Naps client_naps(world.clock, actor_of(client), scenario.naps, seed + 7);
    Naps server_naps(world.clock, actor_of(server), scenario.naps, seed + 8);
    world.add(client_naps.actor());
    world.add(server_naps.actor());
    world.add(wire);

    StreamApplication* served = nullptr;
    server.listen(kPort, [&] {
      auto application = std::make_unique<StreamApplication>(scenario.download, seed + 5);
      if (served == nullptr) served = application.get();  // a repeated SYN of a finished connection opens another
      return application;
    });
    auto calling = std::make_unique<StreamApplication>(scenario.upload, seed + 6);
    const StreamApplication& caller = *calling;
    const Connection& connection = client.connect({kServerIp, kPort}, std::move(calling));

    const auto done = [&] {
      if (caller.aborted()) return connection.closed();
      const bool heard = served != nullptr && caller.heard_all() && served->heard_all();
      return heard && connection.closed() && server.connections()[0]->closed();
    };
    const World::End end = world.run(done, 1'000 * 3600 * kSecond);
    EXPECT_EQ(end, World::End::done) << "received " << caller.received().size() << " of "
                                     << scenario.download.to_send.size() << ", sent "
                                     << (served == nullptr ? 0 : served->received().size()) << " of "
                                     << scenario.upload.to_send.size() << ", heard " << caller.heard_all() << " "
                                     << (served != nullptr && served->heard_all()) << ", closed " << connection.closed()
                                     << " by " << error_name(connection.closed_by()) << ", "
                                     << server.connections().size() << " connections";
    if (caller.aborted()) {
      EXPECT_TRUE(is_prefix(caller.received(), scenario.download.to_send));
      EXPECT_TRUE(is_prefix(served->received(), scenario.upload.to_send));
    } else if (end == World::End::done) {
      EXPECT_TRUE(ended_well(connection, *server.connections()[0]));
      EXPECT_TRUE(caller.received() == scenario.download.to_send);
      EXPECT_TRUE(served->received() == scenario.upload.to_send);
    }
    outcome = {wire.trace(), wire.frames()};
  }
  EXPECT_EQ(pools.in_use(), 0u) << "buffers leaked";
  return outcome;
}

TEST(TcpSim, StreamsSurviveABadWire) {
  for (const std::uint64_t seed : seeds(200)) {
    run_scenario(seed);
    ASSERT_FALSE(HasFailure()) << reproduce(seed);
  }
}

TEST(TcpSim, ASeedReplaysExactly) {
  std::vector<std::uint64_t> some = seeds(10);
  some.resize(std::min<std::size_t>(some.size(), 10));
  for (const std::uint64_t seed : some) {
    const Outcome first = run_scenario(seed);
    const Outcome second = run_scenario(seed);
    EXPECT_EQ(first.trace, second.trace) << reproduce(seed);
    EXPECT_EQ(first.frames, second.frames) << reproduce(seed);
  }
}

}  // namespace
}  // namespace sluice::sim
