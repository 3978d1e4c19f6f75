// Live sessions are listed in slices, whole, whatever comes and goes meanwhile.
#include <map>

#include "tests/unit/dataplane/worker/harness.h"

namespace sluice::worker {
namespace {

using session::FlowInfo;

class FlowListingTest : public WorkerTest {
 protected:
  void start_for(std::size_t sessions) {
    start({.sessions = sessions, .half_open = sessions, .limits = {}, .hash_key = {1, 2}, .start_wall_ns = kSecond});
    use(test::masking_policy());
  }
  // Bursts until the answer is whole.
  channel::FlowProgress list(const channel::FlowQuery& query, std::vector<FlowInfo>& rows) {
    EXPECT_TRUE(worker->listing().ask(query));
    std::array<FlowInfo, 8> some;
    for (int i = 0; i < 10'000; ++i) {
      burst();
      const channel::FlowProgress progress = worker->listing().take(some);
      rows.insert(rows.end(), some.begin(), some.begin() + static_cast<std::ptrdiff_t>(progress.rows));
      if (progress.last) return progress;
      if (between) between();
    }
    ADD_FAILURE() << "the listing does not end";
    return {};
  }
  std::function<void()> between;
};

TEST_F(FlowListingTest, BothLegsAreToldAsTheyAre) {
  start_for(8);
  connect();
  now += 3 * kSecond;
  from(Side::client,
       {.flags = wire::kAck | wire::kPsh, .seq = 100, .ack = 500, .payload = "GET / HTTP/1.1\r\nHost: a\r\n\r\n"});
  now += kSecond / 2;
  std::vector<FlowInfo> rows;
  const auto progress = list({}, rows);
  ASSERT_EQ(rows.size(), 1U);
  EXPECT_EQ(progress.sessions, 1U);
  EXPECT_FALSE(progress.more);
  const FlowInfo& flow = rows[0];
  EXPECT_EQ(flow.key.client_port, 40000);
  EXPECT_EQ(flow.age_ns, 3 * kSecond + kSecond / 2);
  EXPECT_EQ(flow.idle_ns, kSecond / 2);
  EXPECT_EQ(flow.phase, session::FlowPhase::established);
  EXPECT_EQ(flow.unit_phase, session::UnitPhase::waiting);
  EXPECT_EQ(flow.units, 1U);
  EXPECT_EQ(flow.client.tcp.state, tcp::TcpState::established);
  EXPECT_EQ(flow.client.received_bytes, 27U);
  EXPECT_EQ(flow.client.tcp.in_flight_bytes, 0U);
  EXPECT_EQ(flow.server.tcp.state, tcp::TcpState::established);
  EXPECT_EQ(flow.server.tcp.in_flight_bytes, 27U);
  EXPECT_EQ(flow.server.counts.sent_bytes, 27U);
  EXPECT_EQ(flow.server.counts.retransmissions, 0U);
  EXPECT_EQ(flow.server.tcp.timer, tcp::PendingTimer::retransmit);
  EXPECT_EQ(flow.server.tcp.mss, 1460);
  EXPECT_EQ(flow.server.tcp.send_window_bytes, 60000U);
}

TEST_F(FlowListingTest, RetransmissionsAndDisorderAreCounted) {
  start_for(8);
  connect();
  from(Side::client, {.flags = wire::kAck, .seq = 100, .ack = 500, .payload = "GET / HTTP/1.1\r\nHost: a\r\n\r\n"});
  from(Side::client, {.flags = wire::kAck, .seq = 130, .ack = 500, .payload = "later"});
  now += 2 * kSecond;
  burst();
  std::vector<FlowInfo> rows;
  list({}, rows);
  ASSERT_EQ(rows.size(), 1U);
  EXPECT_EQ(rows[0].client.counts.out_of_order, 1U);
  EXPECT_EQ(rows[0].client.tcp.out_of_order_bytes, 5U);
  EXPECT_EQ(rows[0].server.counts.retransmissions, 1U);
  EXPECT_EQ(rows[0].server.counts.sent_bytes, 27U);
  EXPECT_EQ(rows[0].server.tcp.backoff, 1U);
}

TEST_F(FlowListingTest, ClosingStatesAreThoseOfTheRfc) {
  start_for(8);
  connect();
  from(Side::server, {.flags = wire::kAck | wire::kFin, .seq = 500, .ack = 100});
  std::vector<FlowInfo> rows;
  list({.states = 1U << static_cast<unsigned>(tcp::TcpState::close_wait)}, rows);
  ASSERT_EQ(rows.size(), 1U);
  EXPECT_EQ(rows[0].server.tcp.state, tcp::TcpState::close_wait);
  EXPECT_EQ(rows[0].client.tcp.state, tcp::TcpState::fin_wait_1);
  from(Side::client, {.flags = wire::kAck, .seq = 100, .ack = 501});
  rows.clear();
  list({}, rows);
  EXPECT_EQ(rows[0].client.tcp.state, tcp::TcpState::fin_wait_2);
}

TEST_F(FlowListingTest, FiltersPickAndTheLimitSaysThatThereIsMore) {
  start_for(64);
  for (std::uint16_t port = 1000; port < 1040; ++port) connect(port);
  from(Side::client, {.flags = wire::kSyn, .seq = 99, .client_port = 2000});
  const auto count = [&](const channel::FlowQuery& query, bool more = false) {
    std::vector<FlowInfo> rows;
    const auto progress = list(query, rows);
    EXPECT_EQ(progress.more, more);
    return rows.size();
  };
  EXPECT_EQ(count({}), 41U);
  EXPECT_EQ(count({.limit = 40}, true), 40U);
  EXPECT_EQ(count({.limit = 41}), 41U);
  EXPECT_EQ(count({.limit = 0}, true), 0U);
  EXPECT_EQ(count({.client_port = 1007}), 1U);
  EXPECT_EQ(count({.server_port = 9}), 0U);
  EXPECT_EQ(count({.client = {test::kClientAddress, 128}}), 41U);
  EXPECT_EQ(count({.client = {test::kClientAddress + 1, 128}}), 0U);
  EXPECT_EQ(count({.client = {IpAddress(test::kClientAddress).prefix(120), 120}}), 41U);
  EXPECT_EQ(count({.states = 1U << static_cast<unsigned>(tcp::TcpState::syn_sent)}), 1U);
  EXPECT_EQ(count({.min_age_ns = 1}), 0U);
  EXPECT_EQ(count({.min_bytes = 1}), 0U);
  EXPECT_EQ(count({.service = "nobody"}), 0U);
  std::vector<FlowInfo> one;
  list({.limit = 1}, one);
  channel::FlowQuery same{.session = one[0].session};
  std::memcpy(same.service, one[0].service, sizeof same.service);
  std::memcpy(same.principal, one[0].principal, sizeof same.principal);
  EXPECT_NE(std::string(same.service), "");
  EXPECT_EQ(count(same), 1U);
}

TEST_F(FlowListingTest, WhoLivesThroughoutIsSeenOnceWhateverComesAndGoes) {
  start_for(400);
  for (std::uint16_t port = 1000; port < 1300; ++port) connect(port);
  std::uint16_t turn = 0;
  between = [&] {  // one of the odd ones goes, a new one comes
    const auto leaving = static_cast<std::uint16_t>(1001 + 2 * (turn * 37 % 150));
    from(Side::client, {.flags = wire::kRst | wire::kAck, .seq = 100, .ack = 500, .client_port = leaving});
    connect(static_cast<std::uint16_t>(3000 + turn++));
  };
  std::vector<FlowInfo> rows;
  list({.limit = channel::kMostFlows}, rows);
  EXPECT_GT(turn, 20);
  std::map<std::uint16_t, int> seen;
  for (const FlowInfo& row : rows) ++seen[row.key.client_port];
  for (std::uint16_t port = 1000; port < 1300; port += 2) EXPECT_EQ(seen[port], 1) << port;
}

TEST_F(FlowListingTest, ABurstDoesABoundedPartOfIt) {
  start_for(200);
  for (std::uint16_t port = 1000; port < 1150; ++port) connect(port);
  const auto bursts = [&](const channel::FlowQuery& query) {
    int count = 0;
    EXPECT_TRUE(worker->listing().ask(query));
    std::array<FlowInfo, 64> rows;
    do {
      burst();
      ++count;
    } while (!worker->listing().take(rows).last);
    return count;
  };
  EXPECT_GE(bursts({.limit = 1000}), static_cast<int>(150 / FlowListing::kCopies));
  EXPECT_GE(bursts({.client_port = 1}), static_cast<int>(150 / FlowListing::kVisits));
}

TEST_F(FlowListingTest, NobodyWhoDoesNotReadKeepsTheWorkerAtIt) {
  start_for(200);
  for (std::uint16_t port = 1000; port < 1150; ++port) connect(port);
  ASSERT_TRUE(worker->listing().ask({.limit = 1000}));
  EXPECT_TRUE(worker->pending());
  for (int i = 0; i < 200; ++i) burst();
  EXPECT_TRUE(worker->pending());
  now += FlowListing::kGiveUpAfter;
  burst();
  EXPECT_FALSE(worker->pending());
  between = nullptr;
  std::vector<FlowInfo> rows;
  EXPECT_FALSE(list({.limit = 1000}, rows).more);  // what is left of the old answer is not taken for the new one
  EXPECT_EQ(rows.size(), 150U);
}

TEST_F(FlowListingTest, ANewQuestionEndsTheOneBefore) {
  start_for(64);
  for (std::uint16_t port = 1000; port < 1040; ++port) connect(port);
  ASSERT_TRUE(worker->listing().ask({}));
  burst();
  std::vector<FlowInfo> rows;
  list({.client_port = 1007}, rows);
  ASSERT_EQ(rows.size(), 1U);
  EXPECT_EQ(rows[0].key.client_port, 1007);
}

}  // namespace
}  // namespace sluice::worker
