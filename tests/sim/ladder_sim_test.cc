// Spliced and forwarded sessions between hosts, over wires that lose, repeat, reorder and damage: what either end
// receives is what the other sent, whenever the splice came; the record has the session with its bytes; every buffer is
// back.
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

constexpr std::string_view kAsk = "GET /ws HTTP/1.1\r\nHost: w\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n";
constexpr std::string_view kAgree =
    "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n";

constexpr const char* kTcpPolicy = R"(services:
  - {name: db, address: 10.0.0.2:80, protocol: tcp, mode: enforce}
  - {name: db6, address: "[2001:db8::2]:80", protocol: tcp, mode: enforce}
)";
constexpr const char* kUpgradePolicy = R"(services:
  - {name: web, address: 10.0.0.2:80, protocol: http, mode: enforce, allow_upgrade: true, after_upgrade: pass}
  - {name: web6, address: "[2001:db8::2]:80", protocol: http, mode: enforce, allow_upgrade: true, after_upgrade: pass}
)";

buffer::Pools& pools() {
  static buffer::Pools made = buffer::Pools::create("ladder", {.frames = 65536, .jumbos = 512, .views = 65536}).value();
  return made;
}

struct Appliance {
  Appliance(World& world, Wire& client_wire, Wire& server_wire, const port::Capabilities& nic, const char* policy_text,
            bool by_cookie, std::uint64_t seed)
      : client_port(client_wire, 1, pools(), nic, 20, seed),
        server_port(server_wire, 0, pools(), nic, 20, seed + 1),
        worker({.sessions = 64,
                .half_open = by_cookie ? 0U : 16U,
                .limits = {},
                .hash_key = {seed, seed},
                .cookie_key = {seed, 7},
                .start_wall_ns = kSecond},
               client_port, server_port, pools(), recorder, world.clock.now()) {
    update.scratch = std::make_unique<inspect::Scratch>();
    policy = test::make_policy(policy_text, *update.scratch);
    update.policy = policy;
    EXPECT_TRUE(worker.offer(&update));
    world.add(
        {[this, &world] {
           while (worker.burst(world.clock.now(), world.clock.now())) {
           }
         },
         [this, &world] { return worker.pending() ? world.clock.now() + kMillisecond : worker.next_deadline(); }});
  }
  // Sessions that went down, so far: spliced and forwarded.
  [[nodiscard]] std::pair<std::uint64_t, std::uint64_t> went_down() const {
    std::pair<std::uint64_t, std::uint64_t> sum;
    for (const session::ServiceCounters* counters : policy->services) {
      sum.first += counters->spliced.value();
      sum.second += counters->forwarded.value();
    }
    return sum;
  }

  test::MemoryRecorder recorder;
  SimPort client_port;
  SimPort server_port;
  session::PolicyRef policy;
  worker::PolicyUpdate update;
  worker::Worker worker;
};

WireConfig trouble(Random& random) {
  return {.latency = 1 + random.below(20 * kMillisecond),
          .jitter = random.below(10 * kMillisecond),
          .lost_per_mille = static_cast<std::uint32_t>(random.below(30)),
          .repeated_per_mille = static_cast<std::uint32_t>(random.below(20)),
          .reordered_per_mille = static_cast<std::uint32_t>(random.below(50)),
          .damaged_per_mille = static_cast<std::uint32_t>(random.below(10)),
          .narrows = {.lasts = random.chance(1, 2) ? random.below(5 * kSecond) : 0}};
}

std::string noise(Random& random, std::size_t bytes) {
  std::string out(bytes, '\0');
  for (char& c : out) c = static_cast<char>(random.next());
  return out;
}

struct Streams {
  std::string to_server;  // as the client sends it
  std::string to_client;
  std::string at_server;  // as the server gets it
  std::size_t answers_after = 0;
};

// With `lead`, an empty line in front of the request that Sluice takes away: what follows lies at a distance.
Streams upgraded(Random& random) {
  const bool lead = random.chance(1, 2);
  const std::string up = noise(random, random.below(60'000));
  const std::string down = noise(random, random.below(60'000));
  return {.to_server = (lead ? "\r\n" : "") + std::string(kAsk) + up,
          .to_client = std::string(kAgree) + down,
          .at_server = std::string(kAsk) + up,
          .answers_after = kAsk.size()};
}

Streams plain(Random& random) {
  const std::string up = noise(random, random.below(200'000));
  return {.to_server = up, .to_client = noise(random, random.below(200'000)), .at_server = up};
}

TcpConfig host_tcp(Random& random) {
  TcpConfig tcp;
  tcp.mss = random.chance(1, 3) ? 536 : 1460;
  if (random.chance(1, 6))
    tcp.window_shift.reset();
  else
    tcp.window_shift = static_cast<std::uint8_t>(random.below(10));
  tcp.sack = random.chance(3, 4);
  tcp.timestamps = random.chance(3, 4);
  // Nobody repairs on the way: both wires' losses add up, and a host without SACK or timestamps may need long.
  tcp.limits.give_up_after = 1'800 * kSecond;
  tcp.limits.receive_bytes = 4'000U << random.below(7);
  return tcp;
}

struct Outcome {
  std::uint64_t spliced = 0;
  std::uint64_t forwarded = 0;
  std::uint64_t repeated = 0;  // segments with bytes from before the seam
};

Outcome run(std::uint64_t seed, bool is_upgrade, bool by_cookie) {
  const bool ipv6 = seed % 2 != 0;
  Random random(seed);
  const Streams streams = is_upgrade ? upgraded(random) : plain(random);
  Outcome outcome;
  {
    World world;
    const WireConfig client_trouble = trouble(random);
    const WireConfig server_trouble = trouble(random);
    // Who comes by cookie and whose ACK gets lost is reset, or waits for ever, as with every host that answers so.
    Wire client_wire(world.clock, by_cookie ? WireConfig{} : client_trouble, seed + 1);
    Wire server_wire(world.clock, by_cookie ? WireConfig{} : server_trouble, seed + 2);
    const port::Capabilities& nic = random.chance(1, 2) ? kOffloadingNic : kPlainNic;
    SimPort client_port(client_wire, 0, pools(), random.chance(1, 2) ? kOffloadingNic : kPlainNic);
    SimPort server_port(server_wire, 1, pools(), random.chance(1, 2) ? kOffloadingNic : kPlainNic);
    Appliance appliance(world, client_wire, server_wire, nic, is_upgrade ? kUpgradePolicy : kTcpPolicy, by_cookie,
                        seed);
    const auto before = appliance.went_down();
    const std::uint16_t type = ipv6 ? kEthertypeIpv6 : kEthertypeIpv4;
    const IpAddress client_ip = ipv6 ? test::kClientIpv6 : IpAddress(test::kClientAddress);
    const IpAddress server_ip = ipv6 ? test::kServerIpv6 : IpAddress(test::kServerAddress);
    Host client(world.clock, client_port, pools(),
                {.ip = client_ip, .link = ethernet(1, 2, type), .tcp = host_tcp(random)}, seed);
    Host server(world.clock, server_port, pools(),
                {.ip = server_ip, .link = ethernet(2, 1, type), .tcp = host_tcp(random)}, seed + 3);
    world.add(client);
    world.add(server);
    world.add(client_wire);
    world.add(server_wire);

    const auto script = [&](const std::string& text, std::size_t after) {
      StreamScript out{.to_send = text,
                       .write_bytes = 1 + random.below(30'000),
                       .write_pause = random.below(500 * kMillisecond),
                       .read_bytes = 1 + random.below(60'000),
                       .read_pause = random.below(2 * kMillisecond)};
      out.after_bytes = after;
      return out;
    };
    const StreamScript answers = script(streams.to_client, streams.answers_after);
    StreamApplication* served = nullptr;
    server.listen(test::kServerPort, [&] {
      auto application = std::make_unique<StreamApplication>(answers, seed + 4);
      served = application.get();
      return application;
    });
    Connection& connection = client.connect(
        {server_ip, test::kServerPort}, std::make_unique<StreamApplication>(script(streams.to_server, 0), seed + 5));
    const World::End end = world.run(
        [&] {
          if (served != nullptr) {
            client_wire.set_config(client_trouble);
            server_wire.set_config(server_trouble);
          }
          return connection.closed() && !server.connections().empty() && server.connections()[0]->closed() &&
                 appliance.worker.sessions_open() == 0;
        },
        36'000 * kSecond);
    EXPECT_EQ(end, World::End::done) << reproduce(seed);
    const auto& asked = static_cast<const StreamApplication&>(connection.application());
    EXPECT_TRUE(asked.received() == streams.to_client)
        << reproduce(seed) << ": " << asked.received().size() << " of " << streams.to_client.size() << " bytes";
    if (served != nullptr)
      EXPECT_TRUE(served->received() == streams.at_server)
          << reproduce(seed) << ": " << served->received().size() << " of " << streams.at_server.size() << " bytes";
    else
      ADD_FAILURE() << "the server was never reached; " << reproduce(seed);
    const record::SessionClose& close = appliance.recorder.last_close;
    EXPECT_EQ(appliance.recorder.opened, 1U) << reproduce(seed);
    EXPECT_EQ(appliance.recorder.closed, 1U) << reproduce(seed);
    EXPECT_EQ(close.error, ErrorCode::ok) << error_name(close.error) << " " << reproduce(seed);
    EXPECT_EQ(close.request_bytes, streams.to_server.size()) << reproduce(seed);
    EXPECT_EQ(close.response_bytes, streams.to_client.size()) << reproduce(seed);
    const auto after = appliance.went_down();
    outcome = {after.first - before.first, after.second - before.second,
               appliance.worker.errors().value(ErrorCode::tcp_repeated_before_splice)};
  }
  EXPECT_EQ(pools().in_use(), 0U) << "buffers leaked; " << reproduce(seed);
  return outcome;
}

// Of all seeds, how many went which way.
Outcome run_all(std::uint64_t count, bool is_upgrade, bool by_cookie) {
  Outcome sum;
  for (const std::uint64_t seed : seeds(count)) {
    const Outcome one = run(seed, is_upgrade, by_cookie);
    sum.spliced += one.spliced;
    sum.forwarded += one.forwarded;
    sum.repeated += one.repeated;
    if (testing::Test::HasFailure()) break;
  }
  return sum;
}

TEST(LadderSim, AServiceThatIsNotReadIsForwarded) {
  const std::uint64_t count = seeds(100).size();
  const Outcome all = run_all(100, false, false);
  EXPECT_EQ(all.spliced, 0U);
  EXPECT_EQ(all.forwarded, count);
}

TEST(LadderSim, ByCookieItIsSpliced) {
  const std::uint64_t count = seeds(100).size();
  const Outcome all = run_all(100, false, true);
  EXPECT_EQ(all.spliced, count);
}

TEST(LadderSim, AnUpgradedConnectionIsSplicedOnItsWay) {
  const Outcome all = run_all(1000, true, false);
  if (seeds(1000).size() < 1000) return;
  EXPECT_GE(all.spliced, 10U) << "some find a quiet moment";
  EXPECT_GE(all.forwarded, 10U);
  EXPECT_GE(all.repeated, 1U) << "some ACK of ours was lost";
}

}  // namespace
}  // namespace sluice::sim
