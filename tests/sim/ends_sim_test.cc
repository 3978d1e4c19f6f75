// Connections through the appliance that end badly: the other end hears of it as it would have without the appliance,
// the record says why, and nothing is left.
#include <gtest/gtest.h>

#include "tests/sim/appliance.h"
#include "tests/sim/host.h"
#include "tests/sim/seeds.h"
#include "tests/sim/stream_application.h"

namespace sluice::sim {
namespace {

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
