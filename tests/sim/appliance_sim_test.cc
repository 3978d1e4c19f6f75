// The whole appliance between a client and a server: frames in, frames out, over wires that lose, repeat,
// reorder, damage and delay. The oracle is the relay given both streams in one piece: what either end
// receives and what is recorded must be just that, however the wire cut it; every buffer comes back, and
// no deadline passes unserved.
#include <gtest/gtest.h>

#include <deque>
#include <set>

#include "dataplane/worker/worker.h"
#include "tests/sim/host.h"
#include "tests/sim/naps.h"
#include "tests/sim/seeds.h"
#include "tests/sim/sim_port.h"
#include "tests/sim/stream_application.h"
#include "tests/sim/world.h"
#include "tests/support/memory_recorder.h"
#include "tests/support/relay_harness.h"
#include "tests/support/test_policy.h"

namespace sluice::sim {
namespace {

using session::RelayHarness;

// A worker between the inner ends of two wires.
struct Appliance {
  Appliance(World& world, Wire& client_wire, Wire& server_wire, buffer::Pools& pools,
            const port::Capabilities& capabilities, const std::string& policy, std::uint64_t seed,
            const NapConfig& nap_config = {})
      : client_port(client_wire, 1, pools, capabilities, 20, seed),
        server_port(server_wire, 0, pools, capabilities, 20, seed + 1),
        worker({.sessions = 64,
                .half_open = 16,
                .limits = {.leg = {.give_up_after = 24 * 3600 * kSecond},
                           .handshake = 3600 * kSecond,
                           .rest_after = seed % 3 == 0 ? kSecond : 1},  // 1: whenever nothing is under way
                .hash_key = {seed, seed},
                .start_wall_ns = kSecond},
               client_port, server_port, pools, recorder, world.clock.now()),
        naps(world.clock,
             {[this, &world] {
                while (worker.burst(world.clock.now(), world.clock.now())) {
                }
              },
              [this, &world] { return worker.pending() ? world.clock.now() + kMillisecond : worker.next_deadline(); }},
             nap_config, seed + 2) {
    update.scratch = std::make_unique<inspect::Scratch>();
    update.policy = test::make_policy(policy, *update.scratch);
    EXPECT_TRUE(worker.offer(&update));
    world.add(naps.actor());
  }

  test::MemoryRecorder recorder;
  SimPort client_port;
  SimPort server_port;
  worker::PolicyUpdate update;
  worker::Worker worker;
  Naps naps;
};

std::string words(Random& random, std::size_t bytes) {
  static constexpr std::string_view kWords[] = {"order",
                                                "4111 1111 1111 1111",
                                                "jane.doe@example.com",
                                                "5500005555555559",
                                                "total",
                                                "4111111111111112",
                                                "x@y",
                                                "{\"id\": 17, ",
                                                "4111111111111111 2025",
                                                "\r\n",
                                                "-",
                                                "a.b@c.de"};
  std::string out;
  while (out.size() < bytes) out.append(kWords[random.below(std::size(kWords))]).append(" ");
  out.resize(bytes);
  return out;
}

std::string chunked(Random& random, std::string_view body) {
  std::string out;
  while (!body.empty()) {
    const std::string_view piece = body.substr(0, 1 + random.below(3'000));
    body.remove_prefix(piece.size());
    char size[16];
    std::snprintf(size, sizeof size, "%zx\r\n", piece.size());
    out.append(size).append(piece).append("\r\n");
  }
  return out + "0\r\n\r\n";
}

struct Dialogue {
  std::string requests;
  std::string responses;
};

Dialogue make_dialogue(Random& random) {
  Dialogue d;
  const std::uint64_t units = 1 + random.below(12);
  for (std::uint64_t i = 0; i < units; ++i) {
    const std::string in = words(random, random.below(4'000));
    const std::string out = words(random, random.below(random.chance(1, 8) ? 120'000 : 2'000));
    d.requests += "POST /" + std::to_string(i) +
                  " HTTP/1.1\r\nHost: web\r\nContent-Length: " + std::to_string(in.size()) + "\r\n\r\n" + in;
    if (random.chance(1, 2)) {
      d.responses += "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunked(random, out);
    } else {
      d.responses += "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(out.size()) + "\r\n\r\n" + out;
    }
  }
  return d;
}

// What happens beside the wire while a dialogue goes on, at seeded times, a bounded number of times.
class Trouble {
 public:
  enum Kind : unsigned { kNone = 0, kNoRoom = 1, kLate = 2, kPolicies = 4 };

  Trouble(unsigned kinds, Appliance& appliance, World& world, std::uint64_t seed)
      : kinds_(kinds), appliance_(appliance), world_(world), random_(seed) {
    appliance_.recorder.strict = (kinds & kLate) != 0;
    if (kinds != kNone) next_ = world.clock.now() + pause();
    world.add({[this] { run(); }, [this] { return next_; }});
  }

 private:
  static constexpr std::uint64_t kVersions = 3;

  DurationNs pause() { return 1 + random_.below(30 * kMillisecond); }
  void run() {
    while (world_.clock.now() >= next_) {
      const bool last = ++count_ == 200;
      test::MemoryRecorder& recorder = appliance_.recorder;
      if ((kinds_ & kNoRoom) != 0) recorder.room = last || random_.chance(1, 2);
      if ((kinds_ & kLate) != 0) {
        recorder.durable = written_;
        written_ = recorder.sequence;
        if (last) recorder.strict = false;
      }
      if ((kinds_ & kPolicies) != 0 && count_ % 2 == 0) change_policy();
      next_ = last ? kNever : world_.clock.now() + pause();
    }
  }
  // The same rules in a new version, strict or not, so that the oracle stays true.
  void change_policy() {
    if (!updates_.empty() && appliance_.worker.taken() == nullptr) return;
    version_ = version_ % kVersions + 1;
    updates_.push_back({.policy = nullptr, .scratch = std::make_unique<inspect::Scratch>()});
    for (std::uint64_t v = 1; v <= kVersions; ++v) {
      auto policy = test::make_policy(policy_of(v), *updates_.back().scratch, v);
      if (v == version_) updates_.back().policy = std::move(policy);
    }
    EXPECT_TRUE(appliance_.worker.offer(&updates_.back()));
  }

 public:
  static std::string policy_of(std::uint64_t version) {
    return test::masking_policy(version % 2 == 0 ? "    record: {durability: strict}" : "");
  }

 private:
  unsigned kinds_;
  Appliance& appliance_;
  World& world_;
  Random random_;
  TimeNs next_ = kNever;
  unsigned count_ = 0;
  std::uint64_t written_ = 0;
  std::uint64_t version_ = 1;
  std::deque<worker::PolicyUpdate> updates_;
};

constexpr buffer::PoolSizes kPoolSizes{.frames = 16384, .jumbos = 512, .views = 32768};

// The hosts' buffers: an application that writes byte by byte pins a whole buffer with each write.
buffer::Pools& pools() {
  static buffer::Pools made = buffer::Pools::create("hosts", {.frames = 65536, .jumbos = 512, .views = 65536}).value();
  return made;
}

buffer::Pools& appliance_pools() {
  static buffer::Pools made = buffer::Pools::create("appliance", kPoolSizes).value();
  return made;
}

struct Faults {
  WireConfig client;
  WireConfig server;
  NapConfig naps;        // of the worker and of both hosts
  DurationNs stall = 0;  // of either reader
};

Faults make_faults(Random& random) {
  const auto wire = [&random] {
    return WireConfig{.latency = 1 + random.below(20 * kMillisecond),
                      .jitter = random.below(10 * kMillisecond),
                      .lost_per_mille = static_cast<std::uint32_t>(random.below(30)),
                      .repeated_per_mille = static_cast<std::uint32_t>(random.below(20)),
                      .reordered_per_mille = static_cast<std::uint32_t>(random.below(50)),
                      .damaged_per_mille = static_cast<std::uint32_t>(random.below(10))};
  };
  return {wire(), wire(), {}, 0};
}

template <class T>
T one_of(Random& random, std::initializer_list<T> values) {
  return *(values.begin() + random.below(values.size()));
}

// What no network should do, and some do: up to a fifth is lost, for seconds nothing gets through, somebody takes
// offers back and puts other bytes over what arrived, and everybody sleeps now and then.
Faults make_hostile_faults(Random& random) {
  const auto wire = [&random] {
    return WireConfig{
        .latency = one_of(random, {10 * kMicrosecond, kMillisecond, 20 * kMillisecond}),
        .jitter = random.below(40 * kMillisecond),
        .lost_per_mille = one_of(random, {0u, 10u, 50u, 200u}),
        .repeated_per_mille = one_of(random, {0u, 20u, 200u}),
        .reordered_per_mille = one_of(random, {0u, 50u, 300u}),
        .damaged_per_mille = one_of(random, {0u, 10u, 50u}),
        .meddler = {.shrunk_per_mille = one_of(random, {0u, 20u, 300u}),
                    .forged_per_mille = one_of(random, {0u, 20u, 300u}),
                    .forges_held = true},
        .out_per_mille = one_of(random, {0u, 50u, 300u}),
        .outage = one_of(random, {50 * kMillisecond, kSecond}),
    };
  };
  return {.client = wire(),
          .server = wire(),
          .naps = {.count = one_of(random, {0u, 3u, 20u}),
                   .longest = one_of(random, {5 * kMillisecond, 2 * kSecond}),
                   .awake = one_of(random, {20 * kMillisecond, kSecond})},
          .stall = one_of(random, {DurationNs{0}, kSecond, 100 * kSecond})};
}

struct Family {
  IpAddress client;
  IpAddress server;
  std::uint16_t ethertype;
};
const Family kIpv4{test::kClientAddress, test::kServerAddress, kEthertypeIpv4};
const Family kIpv6{test::kClientIpv6, test::kServerIpv6, kEthertypeIpv6};

// One connection, by its seed over IPv4 or IPv6; returns the traces of both wires.
std::uint64_t run_dialogue(std::uint64_t seed, unsigned trouble_kinds = Trouble::kNone, bool hostile = false) {
  const Family family = seed % 2 == 0 ? kIpv4 : kIpv6;
  Random random(seed);
  const Dialogue dialogue = make_dialogue(random);
  const Faults faults = hostile ? make_hostile_faults(random) : make_faults(random);
  const bool strict = (trouble_kinds & (Trouble::kLate | Trouble::kPolicies)) == Trouble::kLate;
  const std::string policy = Trouble::policy_of(strict ? 2 : 1);
  RelayHarness oracle(policy);
  oracle.client(dialogue.requests);
  oracle.server(dialogue.responses);

  std::uint64_t trace = 0;
  {
    World world;
    Wire client_wire(world.clock, faults.client, seed + 1);
    Wire server_wire(world.clock, faults.server, seed + 2);
    const port::Capabilities& nic = random.chance(1, 2) ? kOffloadingNic : kPlainNic;
    SimPort client_port(client_wire, 0, pools(), random.chance(1, 2) ? kOffloadingNic : kPlainNic);
    SimPort server_port(server_wire, 1, pools(), random.chance(1, 2) ? kOffloadingNic : kPlainNic);
    Appliance appliance(world, client_wire, server_wire, appliance_pools(), nic, policy, seed, faults.naps);
    Trouble trouble(trouble_kinds, appliance, world, seed + 6);
    TcpConfig patient;
    patient.limits.give_up_after = 24 * 3600 * kSecond;
    patient.syn_tries = 100;
    Host client(world.clock, client_port, pools(),
                {.ip = family.client, .link = ethernet(1, 2, family.ethertype), .tcp = patient}, seed);
    Host server(world.clock, server_port, pools(),
                {.ip = family.server, .link = ethernet(2, 1, family.ethertype), .tcp = patient}, seed + 3);
    Naps client_naps(world.clock, actor_of(client), faults.naps, seed + 7);
    Naps server_naps(world.clock, actor_of(server), faults.naps, seed + 8);
    world.add(client_naps.actor());
    world.add(server_naps.actor());
    world.add(client_wire);
    world.add(server_wire);

    const auto script = [&random, &faults](const std::string& text, bool answers) {
      return StreamScript{.to_send = text,
                          .write_bytes = 1 + random.below(text.size() < 15'000 && random.chance(1, 4) ? 40 : 8'000),
                          .write_pause = random.below(3 * kMillisecond),
                          .read_bytes = 1 + random.below(20'000),
                          .read_pause = random.below(2 * kMillisecond),
                          .answers = answers,
                          .stall_after_bytes = random.below(20'000),
                          .stall = faults.stall};
    };
    StreamApplication* served = nullptr;
    server.listen(test::kServerPort, [&] {
      auto application = std::make_unique<StreamApplication>(script(dialogue.responses, true), seed + 4);
      if (served == nullptr) served = application.get();  // a late SYN of what is over opens another
      return application;
    });
    Connection& connection =
        client.connect({family.server, test::kServerPort},
                       std::make_unique<StreamApplication>(script(dialogue.requests, false), seed + 5));
    const auto& asked = static_cast<const StreamApplication&>(connection.application());
    const World::End end = world.run(
        [&] {
          return asked.heard_all() && served != nullptr && served->heard_all() && connection.closed() &&
                 server.connections()[0]->closed() && appliance.worker.sessions_open() == 0;
        },
        24 * 3'600 * kSecond);
    EXPECT_EQ(end, World::End::done) << reproduce(seed);
    if (end != World::End::done) return 0;
    EXPECT_TRUE(asked.received() == oracle.to_client)
        << reproduce(seed) << ": " << asked.received().size() << " of " << oracle.to_client.size()
        << " bytes; the client's end " << error_name(connection.closed_by()) << ", the server's "
        << error_name(server.connections()[0]->closed_by()) << ", the record's "
        << error_name(appliance.recorder.last_close.error) << ", at "
        << (world.clock.now() - 1'000 * kSecond) / kMillisecond << " ms";
    if (served != nullptr)
      EXPECT_TRUE(served->received() == oracle.to_server) << reproduce(seed);
    else
      ADD_FAILURE() << "the server was never reached; " << reproduce(seed);
    EXPECT_EQ(server.connections()[0]->remote().ip, family.client);
    EXPECT_TRUE(appliance.recorder.everything() == oracle.recorder.everything()) << reproduce(seed);
    for (const test::RecordedUnit& unit : appliance.recorder.units) EXPECT_EQ(unit.ends, 1U) << reproduce(seed);
    EXPECT_EQ(appliance.recorder.opened, 1U) << reproduce(seed);
    EXPECT_EQ(appliance.recorder.closed, 1U) << reproduce(seed);
    const ErrorCode closed_by = appliance.recorder.last_close.error;
    // Where every ACK of the last bytes was lost until the other end's TIME_WAIT was over, all that can come is a
    // reset.
    const bool forgotten = closed_by == ErrorCode::tcp_reset_by_client || closed_by == ErrorCode::tcp_reset_by_server;
    EXPECT_TRUE(closed_by == ErrorCode::ok || (hostile && forgotten))
        << error_name(closed_by) << ", " << reproduce(seed);
    if (strict) {
      EXPECT_GT(appliance.recorder.urged, 0U) << "it waited for others to be committed; " << reproduce(seed);
    }
    trace = client_wire.trace() ^ server_wire.trace();
  }
  EXPECT_EQ(pools().in_use(), 0U) << "buffers leaked; " << reproduce(seed);
  EXPECT_EQ(appliance_pools().in_use(), 0U) << "buffers leaked; " << reproduce(seed);
  return trace;
}

TEST(ApplianceSim, StreamsAndRecordAreTheOnesOfAPerfectWire) {
  for (const std::uint64_t seed : seeds(200)) {
    run_dialogue(seed);
    if (testing::Test::HasFailure()) return;
  }
}

TEST(ApplianceSim, NothingChangesOnHostileNetworks) {
  for (const std::uint64_t seed : seeds(100)) {
    run_dialogue(seed, Trouble::kNone, true);
    if (testing::Test::HasFailure()) return;
  }
}

// A recorder without room, a disk that lags behind a strict service, policies that change: traffic waits,
// and nothing is lost, doubled or overtaken.
TEST(ApplianceSim, NothingIsLostWhenTheRecordOrThePolicyMakesTrouble) {
  for (const std::uint64_t seed : seeds(60)) {
    run_dialogue(seed, 1 + static_cast<unsigned>(seed % 7));
    if (testing::Test::HasFailure()) return;
  }
}

TEST(ApplianceSim, TheSameSeedGivesTheSameTrace) {
  std::set<std::uint64_t> traces;
  for (const std::uint64_t seed : {11, 12, 13}) {
    const std::uint64_t trace = run_dialogue(seed);
    EXPECT_EQ(run_dialogue(seed), trace);
    traces.insert(trace);
  }
  EXPECT_EQ(traces.size(), 3U);
}

// A connection through the appliance that ends badly: refused, or reset in the middle by either side.
class EndsSim : public testing::Test {
 protected:
  void run(StreamScript asks, StreamScript answers, bool listens, std::uint64_t seed) {
    {
      World world;
      Wire client_wire(world.clock, {.lost_per_mille = 10}, seed);
      Wire server_wire(world.clock, {.lost_per_mille = 10}, seed + 1);
      SimPort client_port(client_wire, 0, pools(), kOffloadingNic);
      SimPort server_port(server_wire, 1, pools(), kOffloadingNic);
      Appliance appliance(world, client_wire, server_wire, appliance_pools(), kOffloadingNic, test::masking_policy(),
                          seed);
      Host client(world.clock, client_port, pools(), {.ip = test::kClientAddress, .link = ethernet(1, 2), .tcp = {}},
                  seed);
      Host server(world.clock, server_port, pools(), {.ip = test::kServerAddress, .link = ethernet(2, 1), .tcp = {}},
                  seed);
      world.add(client);
      world.add(server);
      world.add(client_wire);
      world.add(server_wire);
      if (listens)
        server.listen(test::kServerPort, [&] { return std::make_unique<StreamApplication>(answers, seed + 2); });
      Connection& connection = client.connect({test::kServerAddress, test::kServerPort},
                                              std::make_unique<StreamApplication>(asks, seed + 3));
      const World::End end =
          world.run([&] { return connection.closed() && appliance.worker.sessions_open() == 0; }, 3'600 * kSecond);
      EXPECT_EQ(end, World::End::done) << reproduce(seed);
      state = connection.state();
      closed_by = connection.closed_by();
      opened = appliance.recorder.opened;
      closed = appliance.recorder.closed;
      close_error = appliance.recorder.last_close.error;
    }
    EXPECT_EQ(pools().in_use(), 0U) << "buffers leaked";
    EXPECT_EQ(appliance_pools().in_use(), 0U) << "buffers leaked";
  }

  Connection::State state{};
  ErrorCode closed_by{};
  ErrorCode close_error{};
  std::uint64_t opened = 0;
  std::uint64_t closed = 0;
};

TEST_F(EndsSim, ARefusedConnectionStaysRefusedAndLeavesNoSession) {
  run({}, {}, false, 1);
  EXPECT_EQ(state, Connection::State::refused);
  EXPECT_EQ(opened, 0U);
}

TEST_F(EndsSim, AClientThatResetsResetsTheServerAndIsOnTheRecord) {
  const std::string get = "GET / HTTP/1.1\r\nHost: web\r\n\r\n";
  const std::string answer = "HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n" + std::string(100'000, ' ');
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    run({.to_send = get, .abort_after_bytes = 5'000}, {.to_send = answer, .answers = true}, true, seed);
    EXPECT_EQ(opened, 1U);
    EXPECT_EQ(closed, 1U);
    EXPECT_EQ(close_error, ErrorCode::tcp_reset_by_client) << error_name(close_error) << " " << reproduce(seed);
  }
}

TEST_F(EndsSim, AServerThatResetsResetsTheClient) {
  const std::string post = "POST / HTTP/1.1\r\nHost: web\r\nContent-Length: 20000\r\n\r\n" + std::string(20'000, ' ');
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    run({.to_send = post}, {.to_send = {}, .answers = true, .abort_after_bytes = 1'000}, true, seed);
    EXPECT_EQ(state, Connection::State::established) << reproduce(seed);
    EXPECT_EQ(closed_by, ErrorCode::tcp_reset_by_peer) << error_name(closed_by) << " " << reproduce(seed);
    EXPECT_EQ(closed, 1U);
    EXPECT_EQ(close_error, ErrorCode::tcp_reset_by_server) << error_name(close_error) << " " << reproduce(seed);
  }
}

}  // namespace
}  // namespace sluice::sim
