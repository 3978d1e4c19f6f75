// Holds between hosts: requests that wait for minutes or hours while their server closes after 75 s of silence, over
// wires that lose and reorder. Some are passed, some rejected, of some the client goes away. Each that passed reaches
// the server once and whole; of the others it sees not a byte.
#include <gtest/gtest.h>

#include <map>

#include "dataplane/worker/worker.h"
#include "tests/sim/host.h"
#include "tests/sim/naps.h"
#include "tests/sim/seeds.h"
#include "tests/sim/sim_port.h"
#include "tests/sim/world.h"
#include "tests/support/memory_recorder.h"
#include "tests/support/occurrences.h"
#include "tests/support/test_policy.h"

namespace sluice::sim {
namespace {

using test::occurrences;

constexpr DurationNs kServerPatience = 75 * kSecond;
const std::string kPolicy =
    "services:\n  - {name: web, address: 10.0.0.2:80, protocol: http, mode: enforce, rules: [local/*], hold: {timeout: "
    "4h}}\n"
    "rules:\n  - {name: held, match: '/held', where: [request.head], action: hold}\n"
    "  - {name: body, match: 'hold-me', where: [request.body], action: hold}\n";

buffer::Pools& pools() {
  static buffer::Pools made = buffer::Pools::create("holds", {.frames = 32768, .jumbos = 64, .views = 32768}).value();
  return made;
}

// Answers each request, and closes what says nothing for a while; to all that it was told is kept.
class Answering final : public Application {
 public:
  explicit Answering(std::string& heard) : heard_(heard) {}

  void run(Connection& connection, TimeNs now) override {
    const std::string more = connection.read();
    if (!more.empty() || since_ == 0) since_ = now;
    heard_ += more;
    waiting_ += more;
    for (;;) {
      const std::size_t end = waiting_.find("\r\n\r\n");
      if (end == std::string::npos) break;
      const std::size_t length = waiting_.find("Content-Length: ");
      const std::size_t body = length < end ? std::stoul(waiting_.substr(length + 16)) : 0;
      if (waiting_.size() < end + 4 + body) break;
      waiting_.erase(0, end + 4 + body);
      to_send_ += "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
    }
    if (!to_send_.empty() && connection.write_room_bytes() >= to_send_.size() && connection.write(to_send_))
      to_send_.clear();
    if (!finished_ && (connection.peer_finished() || now >= since_ + kServerPatience) && to_send_.empty()) {
      connection.finish();
      finished_ = true;
    }
  }
  [[nodiscard]] TimeNs next_deadline() const override { return finished_ ? kNever : since_ + kServerPatience; }

 private:
  std::string& heard_;
  std::string waiting_, to_send_;
  TimeNs since_ = 0;
  bool finished_ = false;
};

// Sends one request, waits for its answer for as long as it likes, and closes. Before the last five bytes of it comes a
// pause.
class Asking final : public Application {
 public:
  Asking(std::string request, DurationNs patience, DurationNs pause = 0)
      : request_(std::move(request)), patience_(patience), pause_(pause) {}

  void run(Connection& connection, TimeNs now) override {
    if (began_ == 0) began_ = now;
    const std::size_t due = now < began_ + pause_ ? request_.size() - 5 : request_.size();
    if (sent_ < due && connection.write_room_bytes() > 0 && connection.write(request_.substr(sent_, due - sent_)))
      sent_ = due;
    heard_ += connection.read();
    if (finished_ || sent_ < request_.size()) return;
    gave_up_ = heard_.empty() && patience_ != kNever && now >= began_ + patience_;
    if (heard_.empty() && !gave_up_ && !connection.peer_finished()) return;
    connection.finish();
    finished_ = true;
  }
  [[nodiscard]] TimeNs next_deadline() const override {
    if (finished_ || began_ == 0) return kNever;
    if (sent_ < request_.size() && pause_ != 0) return began_ + pause_;
    return patience_ == kNever ? kNever : began_ + patience_;
  }
  [[nodiscard]] const std::string& heard() const { return heard_; }
  [[nodiscard]] bool gave_up() const { return gave_up_; }
  [[nodiscard]] bool is_over() const { return finished_; }

 private:
  std::string request_;
  DurationNs patience_;
  DurationNs pause_;
  std::string heard_;
  TimeNs began_ = 0;
  std::size_t sent_ = 0;
  bool gave_up_ = false;
  bool finished_ = false;
};

// Control: decides on each hold after a while of its own.
struct Reviewer {
  Reviewer(session::HoldTable& t, Clock& c, std::uint64_t seed) : table(t), clock(c), random(seed) {}
  void run() {
    for (session::HoldEvent event; table.take_event(event);) {
      if (event.kind != session::HoldEvent::Kind::opened) continue;
      table.give_back(event.hold);
      const DurationNs longest = random.chance(1, 2) ? 100 * kSecond : 3 * 3600 * kSecond;
      due.try_emplace(event.id, clock.now() + 1 + random.below(longest));
    }
    for (auto at = due.begin(); at != due.end();) {
      if (at->second > clock.now() || !table.decide({.id = at->first, .pass = (at->first & 1U) != 0})) {
        ++at;
        continue;
      }
      at->second = kNever;
      ++at;
    }
  }
  [[nodiscard]] TimeNs next_deadline() const {
    TimeNs next = kNever;
    for (const auto& [id, at] : due) next = std::min(next, at);
    return next;
  }
  session::HoldTable& table;
  Clock& clock;
  Random random;
  std::map<HoldId, TimeNs> due;
};

std::string request_of(std::size_t client, Random& random) {
  const std::string name = "client-" + std::to_string(client);
  switch (random.below(3)) {
    case 0:
      return "GET /plain?" + name + "- HTTP/1.1\r\nHost: web\r\n\r\n";
    case 1:
      return "GET /held?" + name + "- HTTP/1.1\r\nHost: web\r\n\r\n";
    default:
      const std::string body = "hold-me " + name + "-" + std::string(random.below(40'000), 'x');
      return "POST /body HTTP/1.1\r\nHost: web\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
  }
}

// A client, a worker and a server that calls are counted at, with wires between.
struct Net {
  Net(std::uint64_t seed, const WireConfig& to_client, const WireConfig& to_server, const std::string& policy)
      : client_wire(world.clock, to_client, seed + 1),
        server_wire(world.clock, to_server, seed + 2),
        inner_client(client_wire, 1, pools(), kPlainNic, 20, seed),
        inner_server(server_wire, 0, pools(), kPlainNic, 20, seed + 5),
        worker({.sessions = 64, .half_open = 16, .hash_key = {seed, seed}, .start_wall_ns = kSecond}, inner_client,
               inner_server, pools(), recorder, world.clock.now()),
        reviewer(worker.holds(), world.clock, seed + 6),
        client(world.clock, client_port, pools(), {.ip = test::kClientAddress, .link = ethernet(1, 2), .tcp = {}},
               seed),
        server(world.clock, server_port, pools(), {.ip = test::kServerAddress, .link = ethernet(2, 1), .tcp = {}},
               seed + 4) {
    update.scratch = std::make_unique<inspect::Scratch>();
    update.policy = test::make_policy(policy, *update.scratch);
    EXPECT_TRUE(worker.offer(&update));
    // The reviewer first: what it decides is there when the worker's turn comes.
    world.add({[this] { reviewer.run(); }, [this] { return reviewer.next_deadline(); }});
    world.add({[this] {
                 while (worker.burst(world.clock.now(), world.clock.now())) {
                 }
                 reviewer.run();
                 worker.burst(world.clock.now(), world.clock.now());
               },
               [this] { return worker.pending() ? world.clock.now() + kMillisecond : worker.next_deadline(); }});
    world.add(client);
    world.add(server);
    world.add(client_wire);
    world.add(server_wire);
    server.listen(test::kServerPort, [this] {
      ++calls;
      return std::make_unique<Answering>(at_server);
    });
  }
  // Until all of them have what they get, and no session is left. False when that does not come.
  bool run(const std::vector<const Asking*>& asking) {
    const auto is_done = [&] {
      return std::ranges::all_of(asking, [](const auto* one) { return one->is_over(); }) && worker.sessions_open() == 0;
    };
    return world.run(is_done, 24 * 3600 * kSecond) == World::End::done;
  }

  World world;
  Wire client_wire, server_wire;
  SimPort client_port{client_wire, 0, pools(), kPlainNic};
  SimPort server_port{server_wire, 1, pools(), kPlainNic};
  SimPort inner_client, inner_server;
  test::MemoryRecorder recorder;
  worker::PolicyUpdate update;  // the worker takes it at its first burst
  worker::Worker worker;
  Reviewer reviewer;
  Host client, server;
  std::string at_server;
  std::size_t calls = 0;
};

// What so many seeds must have met, or they prove nothing.
struct Met {
  std::size_t passed = 0, rejected = 0, gave_up = 0, called_anew = 0;
};

void run(std::uint64_t seed, Met& met) {
  Random random(seed);
  const bool loses = random.chance(2, 3);
  const auto wire = [&] {
    return WireConfig{.latency = 1 + random.below(5 * kMillisecond),
                      .jitter = random.below(5 * kMillisecond),
                      .lost_per_mille = loses ? static_cast<std::uint32_t>(random.below(30)) : 0,
                      .repeated_per_mille = loses ? static_cast<std::uint32_t>(random.below(20)) : 0,
                      .reordered_per_mille = loses ? static_cast<std::uint32_t>(random.below(50)) : 0};
  };
  const WireConfig to_client = wire();
  Net net(seed, to_client, wire(), kPolicy);
  std::vector<std::string> requests;
  std::vector<const Asking*> asking;
  const std::size_t clients = 1 + random.below(5);
  for (std::size_t i = 0; i < clients; ++i) {
    requests.push_back(request_of(i, random));
    auto application =
        std::make_unique<Asking>(requests.back(), random.chance(1, 4) ? 1 + random.below(600 * kSecond) : kNever);
    asking.push_back(application.get());
    net.client.connect({test::kServerAddress, test::kServerPort}, std::move(application));
  }
  ASSERT_TRUE(net.run(asking)) << reproduce(seed);
  std::size_t bytes = 0;
  for (std::size_t i = 0; i < clients; ++i) {
    const std::string& heard = asking[i]->heard();
    const std::size_t times = occurrences(net.at_server, requests[i]);
    bytes += times * requests[i].size();
    const bool passed = heard.starts_with("HTTP/1.1 200");
    met.passed += passed ? 1 : 0;
    met.gave_up += asking[i]->gave_up() ? 1 : 0;
    met.rejected += !passed && !asking[i]->gave_up() ? 1 : 0;
    EXPECT_TRUE(passed || heard.starts_with("HTTP/1.1 403") || asking[i]->gave_up())
        << heard.substr(0, 200) << " " << requests[i].substr(0, 60) << reproduce(seed);
    // A client may have given up on what was just on its way.
    EXPECT_TRUE(times == (passed ? 1U : 0U) || (times == 1 && asking[i]->gave_up())) << reproduce(seed);
  }
  EXPECT_EQ(bytes, net.at_server.size()) << reproduce(seed);
  met.called_anew += net.calls - clients;
  EXPECT_EQ(net.worker.holds().size(), 0U) << reproduce(seed);
}

TEST(HoldsSim, OfWhatWaitsOrIsRejectedTheServerSeesNotAByte) {
  Met met;
  const auto all = seeds(300);
  for (const std::uint64_t seed : all) {
    run(seed, met);
    if (HasFailure()) return;
  }
  if (all.size() < 100) return;
  EXPECT_GT(met.passed, all.size() / 4);
  EXPECT_GT(met.rejected, all.size() / 4);
  EXPECT_GT(met.gave_up, all.size() / 20);
  EXPECT_GT(met.called_anew, all.size() / 10);
}

// A client that takes longer to send what gets a ticket than its server has patience is given the ticket.
TEST(HoldsSim, ASlowClientGetsItsTicketAlsoWhenTheServerCloses) {
  const std::string policy =
      "services:\n  - {name: web, address: 10.0.0.2:80, protocol: http, mode: enforce, rules: [local/*], hold: "
      "{timeout: 4h, ticket: true}}\n"
      "rules:\n  - {name: held, match: '/held', where: [request.head], action: hold}\n";
  for (const DurationNs pause : {DurationNs{0}, kSecond, 2 * kServerPatience}) {
    const WireConfig wire{.latency = kMillisecond};
    Net net(7, wire, wire, policy);
    auto application = std::make_unique<Asking>(
        "POST /held HTTP/1.1\r\nHost: web\r\nContent-Length: 10\r\n\r\n0123456789", kNever, pause);
    const Asking* asking = application.get();
    net.client.connect({test::kServerAddress, test::kServerPort}, std::move(application));
    ASSERT_TRUE(net.run({asking}));
    EXPECT_TRUE(asking->heard().starts_with("HTTP/1.1 403")) << pause << " " << asking->heard();
    EXPECT_NE(asking->heard().find("Sluice-Ticket: "), std::string::npos) << pause;
    EXPECT_EQ(net.at_server, "");
    EXPECT_EQ(net.calls, 1U);
  }
}

}  // namespace
}  // namespace sluice::sim
