// The whole appliance between a client and a server: frames in, frames out, over wires that lose, repeat, reorder,
// damage and delay, and whose narrowest link changes. The oracle is the relay given both streams in one piece: what
// either end receives and what is recorded must be just that, however the wire cut it; every buffer comes back, and no
// deadline passes unserved.
#include <gtest/gtest.h>

#include <deque>
#include <set>

#include "tests/sim/appliance.h"
#include "tests/sim/host.h"
#include "tests/sim/seeds.h"
#include "tests/sim/stream_application.h"
#include "tests/sim/world.h"
#include "tests/support/relay_harness.h"
#include "tests/support/test_policy.h"

namespace sluice::sim {
namespace {

using session::RelayHarness;

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

template <class T>
T one_of(Random& random, std::initializer_list<T> values) {
  return *(values.begin() + random.below(values.size()));
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
                      .damaged_per_mille = static_cast<std::uint32_t>(random.below(10)),
                      .narrows = {.lasts = one_of(random, {DurationNs{0}, 20 * kMillisecond, 2 * kSecond})}};
  };
  return {wire(), wire(), {}, 0};
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
        .narrows = {.lasts = one_of(random, {DurationNs{0}, 100 * kMillisecond, 100 * kSecond})},
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

struct Outcome {
  std::uint64_t trace = 0;    // of both wires
  std::uint64_t refused = 0;  // frames that were too big for their path
  bool urged = false;         // it waited for others to be committed
};

// One connection, by its seed over IPv4 or IPv6.
Outcome run_dialogue(std::uint64_t seed, unsigned trouble_kinds = Trouble::kNone, bool hostile = false) {
  const Family family = seed % 2 == 0 ? kIpv4 : kIpv6;
  Random random(seed);
  const Dialogue dialogue = make_dialogue(random);
  const Faults faults = hostile ? make_hostile_faults(random) : make_faults(random);
  const bool strict = (trouble_kinds & (Trouble::kLate | Trouble::kPolicies)) == Trouble::kLate;
  const std::string policy = Trouble::policy_of(strict ? 2 : 1);
  RelayHarness oracle(policy);
  oracle.client(dialogue.requests);
  oracle.server(dialogue.responses);

  Outcome outcome;
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
    if (end != World::End::done) return {};
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
    outcome = {.trace = client_wire.trace() ^ server_wire.trace(),
               .refused = client_wire.refused() + server_wire.refused(),
               .urged = appliance.recorder.urged > 0};
  }
  EXPECT_EQ(pools().in_use(), 0U) << "buffers leaked; " << reproduce(seed);
  EXPECT_EQ(appliance_pools().in_use(), 0U) << "buffers leaked; " << reproduce(seed);
  return outcome;
}

TEST(ApplianceSim, StreamsAndRecordAreTheOnesOfAPerfectWire) {
  std::uint64_t refused = 0;
  const std::vector<std::uint64_t> all = seeds(200);
  for (const std::uint64_t seed : all) {
    refused += run_dialogue(seed).refused;
    if (testing::Test::HasFailure()) return;
  }
  if (all.size() >= 100) {
    EXPECT_GT(refused, all.size()) << "paths did not get narrow";
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
  const std::vector<std::uint64_t> all = seeds(60);
  unsigned urged = 0;
  for (const std::uint64_t seed : all) {
    urged += run_dialogue(seed, 1 + static_cast<unsigned>(seed % 7)).urged ? 1 : 0;
    if (testing::Test::HasFailure()) return;
  }
  if (all.size() >= 60) {
    EXPECT_GT(urged, 10U) << "few waited for a disk that lags behind";
  }
}

TEST(ApplianceSim, TheSameSeedGivesTheSameTrace) {
  std::set<std::uint64_t> traces;
  for (const std::uint64_t seed : {11, 12, 13}) {
    const std::uint64_t trace = run_dialogue(seed).trace;
    EXPECT_EQ(run_dialogue(seed).trace, trace);
    traces.insert(trace);
  }
  EXPECT_EQ(traces.size(), 3U);
}

}  // namespace
}  // namespace sluice::sim
