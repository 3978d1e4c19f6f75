// What people read of holds and orders, to the letter.
#include "control/cli/print_holds.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include "control/api/hold_json.h"
#include "control/api/reviewer.h"
#include "tests/unit/control/approvals/desk_fixture.h"

namespace sluice::control {
namespace {

using namespace test;  // NOLINT: the fixture's people and words

Hold waiting() {
  Hold hold;
  hold.opened = opened(0xab, "ci-chunker");
  hold.deadline = kNoon + 15 * kMinute;
  hold.approvals = 1;
  return hold;
}

TEST(PrintHolds, ATableOfThoseThatWait) {
  Hold claimed = waiting();
  claimed.opened.hold = 0xac;
  claimed.opened.cause = HoldCause::order;
  claimed.opened.order = 4;
  claimed.opened.principal = "x\x1b[2J";
  claimed.claimed_by = "alice";
  claimed.claim_until = kNoon + kHour;
  const WallNs now = kNoon + 72 * kSecond;
  const cli::Json list = {{"holds", {hold_json(waiting(), 2, now), hold_json(claimed, 0, now)}}, {"more", true}};
  EXPECT_EQ(
      cli::holds_text(list),
      "HOLD              STATE  SERVICE  PRINCIPAL   CAUSE              BYTES  WAITED  LEFT    VOTES  CLAIMED BY\n"
      "00000000000000ab  open   orders   ci-chunker  limit/orders/rate   17 B  1m12s   13m48s  1/2    -\n"
      "00000000000000ac  open   orders   x?[2J       order/4             17 B  1m12s   13m48s  1/?    alice\n"
      "(there are more: narrow it down, or --limit, or --after)\n");
  EXPECT_EQ(cli::holds_text({{"holds", cli::Json::array()}}), "nothing is held\n");
}

TEST(PrintHolds, OneThatIsOverTellsItsStory) {
  HoldDetail detail{.hold = waiting(), .votes = {}, .audit = {}};
  detail.hold.state = HoldState::passed;
  detail.hold.ended = kNoon + 90 * kSecond;
  detail.hold.decision = Decision{true, true, "root", "the site is down", kNoon + 89 * kSecond, 3};
  detail.votes = {{.uid = 0,
                   .by = "root",
                   .reason = "the site is down",
                   .at = kNoon + 89 * kSecond,
                   .approve = true,
                   .is_override = true,
                   .scope = Scope::principal,
                   .window_ns = 2 * kHour}};
  EXPECT_EQ(cli::hold_text(hold_detail_json(detail, 2, kNoon + kHour)),
            "hold        00000000000000ab, passed OVERRIDE\n"
            "service     orders, policy version 7\n"
            "principal   ci-chunker (unverified) from 10.77.0.99:40000\n"
            "session     000000000000011b, unit 3\n"
            "cause       limit/orders/rate, score 0\n"
            "waiting     1m30s since 2026-11-21 12:00:00.000 UTC\n"
            "approvals   1/2\n"
            "vote        2026-11-21 12:01:29.000 UTC approve, principal for 2h00m, root, OVERRIDE: the site is down\n"
            "decision    2026-11-21 12:01:29.000 UTC approve, root, OVERRIDE: the site is down\n"
            "            as order 3\n"
            "ended       2026-11-21 12:01:30.000 UTC passed\n"
            "\n"
            "    POST /wipe HTTP/1.1\n"
            "    Host: x\n"
            "    Authorization: ********\n"
            "    \n"
            "    DROP TABLE orders\n");
}

TEST(PrintHolds, OrdersOfEachKind) {
  Order grant;
  grant.told.order = 1;
  grant.told.verdict = OrderVerdict::pass;
  grant.told.principal = "importer";
  grant.told.service = "orders";
  grant.told.by = "bob";
  grant.until = kNoon + 48 * kHour;
  grant.window = *parse_window("22:00-06:00", "mon-fri", "Europe/Berlin");
  Order pause;
  pause.told.order = 2;
  pause.told.source = IpAddress(0x0a4d0080).prefix(121);
  pause.told.source_bits = 121;
  pause.told.by = "alice";
  pause.told.reason = "a flood";
  const cli::Json list = {{"orders", {order_json(grant, kNoon), order_json(pause, kNoon)}}};
  EXPECT_EQ("\n" + cli::orders_text(list), R"(
ORDER  VERDICT  STATE                ABOUT                               LEFT              HOURS                              BY     REASON
    1  pass     waits for its hours  principal importer, service orders  2d0h              22:00-06:00 mon-fri Europe/Berlin  bob    -
    2  hold     active               source 10.77.0.128/25               until taken back  -                                  alice  a flood
)");
}

TEST(PrintHolds, ANewerOrOlderControlBreaksNothing) {
  for (const cli::Json& odd :
       {cli::Json::object(), cli::Json{{"holds", {{{"id", 7}}}}}, cli::Json{{"orders", {{{"by", 1}}}}}}) {
    EXPECT_FALSE(cli::holds_text(odd).empty());
    EXPECT_FALSE(cli::hold_text(odd).empty());
    EXPECT_FALSE(cli::orders_text(odd).empty());
    EXPECT_FALSE(cli::order_text(odd).empty());
    EXPECT_FALSE(cli::decision_text(odd).empty());
  }
}

TEST(Reviewer, IsWhoTheMachineSays) {
  const Reviewer me = reviewer_of(::getuid());
  EXPECT_EQ(me.uid, ::getuid());
  EXPECT_FALSE(me.name.empty());
  const Reviewer nobody = reviewer_of(3'999'999'999U);
  EXPECT_EQ(nobody.name, "uid 3999999999");
  EXPECT_TRUE(nobody.groups.empty());
}

}  // namespace
}  // namespace sluice::control
