// What recorded units of PostgreSQL say, and what of them can be run again.
#include "control/replay/postgres_unit.h"

#include <gtest/gtest.h>

#include "control/replay/postgres_target.h"
#include "control/replay/value_match.h"
#include "tests/unit/control/recorded_texts.h"

namespace sluice::control {
namespace {

using test::decoded;
using test::mark;
using test::text;
using test::value;

RecordedValue one(Item item, std::string_view bytes) {
  return {.item = item, .bytes = bytes, .elements = {}};
}

TEST(PostgresHead, SaysKindNamesAndFormats) {
  const PostgresHead plain = parse_postgres_head("BIND \"\" \"a \"quoted\" name\"\n");
  EXPECT_EQ(plain.kind, "BIND");
  EXPECT_EQ(plain.names, (std::vector<std::string>{"", "a \"quoted\" name"}));
  EXPECT_FALSE(plain.has_binary(1));
  const PostgresHead all = parse_postgres_head("BIND \"p\" \"s\" binary\n");
  EXPECT_EQ(all.names, (std::vector<std::string>{"p", "s"}));
  EXPECT_TRUE(all.is_binary && all.has_binary(7));
  const PostgresHead some = parse_postgres_head("BIND \"p\" \"s\" binary $1 $12\n");
  EXPECT_TRUE(some.is_mixed && some.has_binary(1) && some.has_binary(12));
  EXPECT_FALSE(some.has_binary(2));
  EXPECT_EQ(parse_postgres_head("ROWS binary 2\n").binary, std::vector<std::uint32_t>{2});
  const PostgresHead unknown = parse_postgres_head("ROWS binary some\n");
  EXPECT_TRUE(unknown.is_mixed && unknown.binary.empty() && unknown.has_binary(3));
  EXPECT_EQ(parse_postgres_head("QUERY\n").kind, "QUERY");
  EXPECT_EQ(parse_postgres_head("EXECUTE \"cut").names.size(), 0U);
}

TEST(PostgresUnit, AStatementAndTheValuesThatWereBound) {
  EXPECT_EQ(statement_of(text("select '\n'")), "select '\n'");
  EXPECT_EQ(statement_of("cut"), "cut");
  const std::string body = value("ann") + mark(Item::null, 0) + decoded("258") + mark(Item::list, 2) + decoded("1") +
                           mark(Item::null, 0) + value("");
  const auto values = bound_values(body);
  ASSERT_EQ(values.size(), 5U);
  EXPECT_EQ(values[0].bytes, "ann");
  EXPECT_EQ(values[1].item, Item::null);
  EXPECT_EQ(values[2].item, Item::decoded);
  ASSERT_EQ(values[3].elements.size(), 2U);
  EXPECT_EQ(array_text(values[3].elements, 1007), "{\"1\",NULL}");
  EXPECT_EQ(values[4].item, Item::value);
}

TEST(PostgresUnit, WhatANoticeTellsIsNoError) {
  const std::string notice = text("NOTICE") + text("NOTICE") + text("00000") + text("m") + text("ERROR") +
                             text("25P02") + text("pl_exec.c") + text("3939") + text("exec_stmt_raise");
  EXPECT_EQ(recorded_error(notice + text("DO")), "");
  const std::string error = text("ERROR") + text("ERROR") + text("23505") + text("no");
  EXPECT_EQ(recorded_error(notice + error), "23505");
}

TEST(PostgresUnit, AColumnThatIsNamedRollbackIsNone) {
  Unit unit;
  unit.request.head = "QUERY\n";
  unit.response.body = text("ROLLBACK") + value("1") + mark(Item::row, 1) + text("SELECT 1");
  unit.response.transaction = 'T';
  EXPECT_FALSE(came_in_failed_transaction(unit));
  unit.response.body = text("ROLLBACK");
  unit.response.transaction = 'I';
  EXPECT_TRUE(came_in_failed_transaction(unit));
}

TEST(PostgresUnit, BodiesAreReadToWhereTheyAreCut) {
  const std::string whole = text("a") + value("bcd") + mark(Item::list, 3) + decoded("1") + decoded("22");
  for (std::size_t cut = 0; cut <= whole.size(); ++cut) {
    RecordedItems items(std::string_view(whole).substr(0, cut));
    std::size_t count = 0;
    for (; items.at() != nullptr; items.pass()) ++count;
    EXPECT_LE(count, 5U);
    EXPECT_LE(bound_values(std::string_view(whole).substr(0, cut)).size(), 2U);
  }
}

TEST(PostgresUnit, WhatTheServerNeverGotIsNotRun) {
  Unit unit;
  unit.request.ended = unit.request.complete = unit.response.ended = unit.response.complete = true;
  EXPECT_EQ(why_not_run(unit), "");
  unit.request.verdict = Verdict::deny;
  EXPECT_NE(why_not_run(unit), "");
  unit.request.observed = true;
  EXPECT_EQ(why_not_run(unit), "") << "it was only noted";
  unit.response.complete = false;
  unit.response.error = ErrorCode::postgres_skipped;
  EXPECT_EQ(why_not_run(unit), error_text(ErrorCode::postgres_skipped));
}

class MaskedRequestTest : public ::testing::Test {
 protected:
  MaskedRequestTest() {
    rules_.resize(3);
    rules_[0].name = "both";
    rules_[0].mask_wire = {true, true};
    rules_[0].mask_record = true;
    rules_[1] = rules_[0];
    rules_[1].name = "record";
    rules_[1].mask_wire = {false, false};
    rules_[2].name = "watch";
    rules_[2].action = rules::Action::observe;
  }
  bool is_masked(const std::string& rule, const std::string& body, bool observed = false) {
    Message request;
    request.observed = observed;
    if (!rule.empty()) request.hits = {{rule, 1}};
    request.policy_version = recorded_under_;
    return is_masked_for_record(request, body, rules_, 3);
  }
  std::vector<rules::Rule> rules_;
  std::uint64_t recorded_under_ = 3;
};

TEST_F(MaskedRequestTest, WhereTheServerGotSomethingElse) {
  EXPECT_FALSE(is_masked("", text("select 2 * 3")));
  EXPECT_FALSE(is_masked("record", text("select 1")));
  EXPECT_TRUE(is_masked("record", text("select '****'")));
  EXPECT_FALSE(is_masked("both", text("select '****'"))) << "the server got the stars";
  EXPECT_TRUE(is_masked("both", text("select '****'"), true)) << "in observe it did not";
  EXPECT_FALSE(is_masked("watch", text("select 2 * 3")));
  EXPECT_TRUE(is_masked("gone", text("select '****'")));
  EXPECT_FALSE(is_masked("both", value("****")));
  EXPECT_TRUE(is_masked("both", decoded("****"))) << "there are no stars in a number";
  EXPECT_TRUE(is_masked("both", mark(Item::list, 1) + decoded("****")));
}

TEST_F(MaskedRequestTest, WhereItsPolicyIsNotTheCurrentOne) {
  recorded_under_ = 2;
  EXPECT_TRUE(is_masked("both", text("select '****'"))) << "its rule may have hidden it on the record alone";
  EXPECT_FALSE(is_masked("both", text("select 1")));
  EXPECT_FALSE(is_masked("", text("select 2 * 3")));
}

TEST(ValueMatch, OfValuesThatCameInBinary) {
  const auto match = [](Item item, std::string_view recorded, std::string_view replayed, std::uint32_t type) {
    return match_value(one(item, recorded), replayed, {.type = type, .is_binary = true}, false);
  };
  EXPECT_EQ(match(Item::decoded, "12", "12", 23), ValueMatch::same);
  EXPECT_EQ(match(Item::decoded, "12", "13", 23), ValueMatch::different);
  EXPECT_EQ(match(Item::value, std::string_view("\0\xff", 2), "\\x00ff", 17), ValueMatch::same);
  EXPECT_EQ(match(Item::value, std::string_view("\0\xff", 2), "\\x00fe", 17), ValueMatch::different);
  EXPECT_EQ(match(Item::value, "\1{\"a\": 1}", "{\"a\": 1}", 3802), ValueMatch::same);
  EXPECT_EQ(match(Item::value, "\1{}", "[]", 3802), ValueMatch::different);
  EXPECT_EQ(match(Item::value, "ann", "bob", 25), ValueMatch::different);
  EXPECT_EQ(match(Item::value, "\1\2", "[1,2)", 3904), ValueMatch::unread);
}

TEST(ValueMatch, AnInstantIsTheSameInEveryZone) {
  const auto match = [](std::string_view recorded, std::string_view replayed) {
    return match_value(one(Item::decoded, recorded), replayed, {.type = 1184, .is_binary = true}, false);
  };
  EXPECT_EQ(match("2026-11-22 23:30:00.25+00", "2026-11-23 05:15:00.25+05:45"), ValueMatch::same);
  EXPECT_EQ(match("2026-01-01 00:30:00+00", "2025-12-31 19:30:00-05"), ValueMatch::same);
  EXPECT_EQ(match("2026-11-22 23:30:00.25+00", "2026-11-23 05:15:00.2+05:45"), ValueMatch::different);
  EXPECT_EQ(match("2026-11-22 23:30:00+00", "2026-11-22 23:30:00+01"), ValueMatch::different);
  EXPECT_EQ(match("infinity", "infinity"), ValueMatch::same);
  EXPECT_EQ(match("infinity", "-infinity"), ValueMatch::different);
  EXPECT_EQ(match("2026-11-22 23:30:00", ""), ValueMatch::different);
}

TEST(ValueMatch, ArraysAreReadAsTheyArePrinted) {
  using Elements = std::vector<std::optional<std::string>>;
  EXPECT_EQ(array_elements("{}", ','), Elements{});
  EXPECT_EQ(array_elements("{1,NULL,\"NULL\",\"a\\\"\\\\ b,}\",\"\"}", ','),
            (Elements{"1", std::nullopt, "NULL", "a\"\\ b,}", ""}));
  EXPECT_EQ(array_elements("[0:1]={1,2}", ','), (Elements{"1", "2"}));
  EXPECT_EQ(array_elements("{{1,2},{3,4}}", ','), (Elements{"1", "2", "3", "4"}));
  EXPECT_EQ(array_elements("{(2,2),(1,1);(4,4),(3,3)}", ';'), (Elements{"(2,2),(1,1)", "(4,4),(3,3)"}));
  EXPECT_EQ(array_elements("1", ','), std::nullopt);
  for (const char* text : {"{", "\"", "{\"", "{a\\", "[", "[1:2]", ""}) (void)array_elements(text, ',');
  const RecordedItem bytes{.item = Item::value, .length = 1, .bytes = "\x07"};
  EXPECT_EQ(array_text({bytes}, 1001), "{\"\\\\x07\"}");
  EXPECT_EQ(array_text({bytes}, 1017), std::nullopt) << "a point";
}

TEST(PostgresTarget, AUrlOfOneHostWithoutAPassword) {
  const auto whole = parse_postgres_target("postgres://ann@10.0.0.7:6432/shop?sslmode=require");
  ASSERT_TRUE(whole);
  EXPECT_EQ(whole->host_and_port, "10.0.0.7:6432");
  EXPECT_EQ(whole->user, "ann");
  EXPECT_EQ(whole->database, "shop");
  EXPECT_EQ(whole->sslmode, "require");
  EXPECT_EQ(parse_postgres_target("postgresql://db")->host_and_port, "db:5432");
  EXPECT_EQ(parse_postgres_target("postgres://[2001:db8::7]:1")->host_and_port, "[2001:db8::7]:1");
  EXPECT_EQ(parse_postgres_target("10.0.0.7:5432")->host_and_port, "10.0.0.7:5432");
  EXPECT_EQ(parse_postgres_target("[::1]:5432")->host_and_port, "[::1]:5432");
  EXPECT_EQ(parse_postgres_target("[::1]:5432")->host, "::1");
  for (const char* wrong :
       {"postgres://ann:s3cret@10.0.0.7/shop", "postgres://10.0.0.7/shop?password=s3cret", "ann:s3cret@10.0.0.7:5432",
        "postgres://s3cret@a,b/shop", "postgres:///shop?host=/run/s3cret", "postgres://10.0.0.7/shop?passfile=s3cret",
        "postgres://10.0.0.7/shop?s3cret=1", "postgres://s3cret%", "Postgres://ann:s3cret@10.0.0.7:5432/shop",
        "ann:s3cret@10.0.0.7:5432/shop", "host=10.0.0.7 password=s3cret", "host=10.0.0.7 password=s3cret port:5432",
        "password=s3cret:5432", "ann:s3cret", "host=10.0.0.7\tpassword:5432", "s3cret"}) {
    const auto target = parse_postgres_target(wrong);
    ASSERT_FALSE(target) << wrong;
    EXPECT_EQ(target.error().code, ErrorCode::bad_argument);
    EXPECT_EQ(target.error().message().find("s3cret"), std::string::npos) << target.error().message();
  }
}

}  // namespace
}  // namespace sluice::control
