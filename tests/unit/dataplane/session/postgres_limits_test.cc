// What a limit does to PostgreSQL's statements: what the server sees of them, what the client is told, what is on the
// record.
#include <gtest/gtest.h>

#include <string>

#include "tests/support/postgres_peers.h"

namespace sluice::session {
namespace {

const std::string kAnswer = complete("SELECT 1") + ready();

std::string limited(const std::string& limits, const std::string& mode = "enforce") {
  return "services:\n  - {name: web, address: 10.0.0.2:80, protocol: postgres, mode: " + mode +
         ", window: 8KiB, limits: [" + limits + "]}\n";
}

struct Bed : Connected {
  explicit Bed(const std::string& limits, std::size_t most = 0, const std::string& mode = "enforce")
      : Connected(limited(limits, mode), most) {
    context.now = kSecond;
  }
  // Time goes on to what the relay waits for.
  void wait() {
    context.now = relay().next_deadline(context.now);
    ASSERT_NE(context.now, kNever);
    resume();
  }
  void resume() {
    relay().resume(context);
    take();
  }
  void forget() {
    to_server.clear();
    to_client.clear();
  }
};

std::string over(const std::string& limit, const std::string& seconds) {
  return message('E', "S" + text("ERROR") + "V" + text("ERROR") + "C" + text("53400") + "M" +
                          text("refused by the gateway: a limit of the policy has no room for this now") + "D" +
                          text("limit " + limit) + "H" + text("It may have room in " + seconds + " s.") + '\0');
}

TEST(PostgresLimits, BeyondTheBurstAStatementIsRefusedInItsPlace) {
  for (const std::size_t cut : {0, 1, 3}) {
    Bed h("{per: principal, rate: 2/m, burst: 2, then: deny, name: few}", cut);
    h.says(query("select 1") + query("select 2") + query("select 3"));
    EXPECT_EQ(h.to_server, query("select 1") + query("select 2") + query("refused by policy")) << cut;
    h.answers(kAnswer + kAnswer + failure() + ready('T'));
    EXPECT_EQ(h.to_client, kAnswer + kAnswer + over("web/few", "30") + ready('T'));
    EXPECT_EQ(h.request(2).end.verdict, Verdict::deny);
    EXPECT_EQ(h.request(2).end.error, ErrorCode::limit_exceeded);
    EXPECT_EQ(h.relay().fate(), Fate::run);
    h.context.now += 30 * kSecond;
    h.says(query("select 4"));
    EXPECT_EQ(h.at_server("select 4"), 1U);
  }
}

TEST(PostgresLimits, OnlyWhatLetsTheServerWorkCounts) {
  for (const std::size_t cut : {0, 1, 5}) {
    Bed h("{per: principal, rate: 1/h, burst: 1, then: deny, name: few}", cut);
    const std::string once = parse("", "select 1") + bind_of("", "") + describe('P', "") + execute("");
    h.says(once + sync());
    EXPECT_EQ(h.to_server, once + sync());
    h.forget();
    h.says(once + execute("") + sync());
    EXPECT_EQ(h.at_server(execute("")), 1U) << "the second is skipped by the server, and charged to nobody";
    EXPECT_EQ(h.at_server("refused by policy"), 1U);
    h.answers(message('1') + message('2') + message('n') + complete("SELECT 1") + ready() + message('1') +
              message('2') + message('n') + failure("08P01") + ready());
    EXPECT_TRUE(h.to_client.ends_with(over("web/few", "3600") + ready())) << h.to_client;
    EXPECT_EQ(h.relay().pending(), 0U);
  }
}

TEST(PostgresLimits, AThrottledStatementWaitsAndNothingBehindItIsRead) {
  for (const std::size_t cut : {0, 1, 3}) {
    Bed h("{per: principal, rate: 1/s, burst: 1, then: throttle}", cut);
    h.says(query("select 1") + query("select 2") + query("select 3"));
    EXPECT_EQ(h.to_server, query("select 1"));
    EXPECT_FALSE(h.relay().accepts(Direction::request));
    h.answers(kAnswer);
    EXPECT_EQ(h.to_client, kAnswer) << "answers go on";
    h.wait();
    EXPECT_EQ(h.context.now, 2 * kSecond);
    EXPECT_EQ(h.to_server, query("select 1") + query("select 2"));
    h.wait();
    EXPECT_EQ(h.to_server, query("select 1") + query("select 2") + query("select 3"));
    EXPECT_EQ(h.request(1).end.verdict, Verdict::throttle);
    EXPECT_EQ(h.request(0).end.verdict, Verdict::pass);
  }
}

TEST(PostgresLimits, WhoWaitsTooLongIsRefused) {
  Bed h("{per: principal, rate: 1/h, burst: 1, then: throttle, name: slow}");
  h.says(query("select 1") + query("select 2"));
  while (h.relay().is_throttled()) h.wait();
  EXPECT_EQ(h.context.now, 61 * kSecond);
  EXPECT_EQ(h.to_server, query("select 1") + query("refused by policy"));
}

TEST(PostgresLimits, AThrottledStatementCanBeCancelled) {
  Bed h("{per: principal, rate: 1/h, burst: 1, then: throttle}");
  h.says(query("select 1") + query("select 2"));
  h.session(8);
  h.says(packet(80877102, be32(7) + be32(8)));
  h.session(7);
  h.forget();
  h.resume();
  EXPECT_EQ(h.to_server, query("refused by policy"));
  h.answers(kAnswer + failure() + ready());
  EXPECT_NE(h.to_client.find(text("57014")), std::string::npos);
}

TEST(PostgresLimits, AClientThatFinishesLeavesWhatItAskedToWait) {
  Bed h("{per: principal, rate: 1/s, burst: 1, then: throttle}");
  h.says(query("select 1") + query("select 2"));
  h.client_finishes();
  EXPECT_FALSE(h.relay().finished(Direction::request));
  h.wait();
  EXPECT_EQ(h.to_server, query("select 1") + query("select 2"));
  EXPECT_TRUE(h.relay().finished(Direction::request));
}

TEST(PostgresLimits, AnAnswerMakesRoomForTheNext) {
  Bed h("{per: principal, of: concurrent, most: 1, then: deny}");
  h.says(query("select 1") + query("select 2"));
  EXPECT_EQ(h.to_server, query("select 1") + query("refused by policy"));
  h.answers(kAnswer + failure() + ready());
  h.says(query("select 3"));
  EXPECT_EQ(h.at_server("select 3"), 1U);
  h.relay().close(h.context, ErrorCode::tcp_reset_by_client);
  h.session(8);
  h.says(startup());
  h.answers(ok());
  h.says(query("select 4"));
  EXPECT_EQ(h.at_server("select 4"), 1U) << "what ended without an answer is in flight no more";
}

TEST(PostgresLimits, BytesAreReadAsFastAsTheLimitSays) {
  Bed h("{per: principal, of: bytes, rate: 1KiB/s, burst: 4KiB, then: throttle}");
  EXPECT_EQ(h.relay().share_of(h.context, Direction::response, 10'000), 4096U);
  h.answers(message('N', "M" + text(std::string(4088, 'x')) + '\0'));
  EXPECT_EQ(h.relay().share_of(h.context, Direction::response, 10'000), 0U);
  EXPECT_GT(h.relay().next_deadline(h.context.now), h.context.now);
}

TEST(PostgresLimits, ALongStatementIsNotRefusedForItsLength) {
  Bed h("{per: principal, rate: 1/s, burst: 1, then: throttle}");
  const std::string large = query("select '" + std::string(20'000, 'x') + "'");
  h.says(query("select 1") + large);
  EXPECT_EQ(h.to_server, query("select 1"));
  h.wait();
  EXPECT_EQ(h.to_server, query("select 1") + large);
}

TEST(PostgresLimits, ObservedItPassesAndTheRecordSaysWhatWouldHaveBeen) {
  Bed h("{per: principal, rate: 1/h, burst: 1, then: deny}", 0, "observe");
  h.says(query("select 1") + query("select 2"));
  EXPECT_EQ(h.to_server, query("select 1") + query("select 2"));
  EXPECT_EQ(h.request(1).end.verdict, Verdict::deny);
}

}  // namespace
}  // namespace sluice::session
