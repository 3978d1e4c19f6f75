// Columns by their names, and values in binary: what is hidden, what the client can still read, and what is on record.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "dataplane/protocol/postgres/blanks.h"
#include "dataplane/protocol/postgres/types.h"
#include "dataplane/protocol/postgres/values.h"
#include "tests/support/postgres_peers.h"
#include "tests/unit/dataplane/protocol/postgres/samples.h"

namespace sluice::session {
namespace {

using namespace std::string_literals;

constexpr std::size_t kCuts[] = {0, 1, 2, 3, 7, 16};
constexpr std::uint32_t kInt8 = 20;
constexpr std::uint32_t kText = 25;
constexpr std::uint32_t kJsonb = 3802;
constexpr std::uint32_t kInt8Array = 1016;
constexpr std::uint32_t kTextArray = 1009;

std::string columns_policy(std::string_view columns, std::string_view mode = "enforce", std::string_view mask = "{}") {
  return "services:\n"
         "  - {name: db, address: 10.0.0.2:80, protocol: postgres, mode: " +
         std::string(mode) +
         ", rules: [local/card, local/hidden, local/drop]}\n"
         "rules:\n"
         "  - {name: hidden, columns: " +
         std::string(columns) + ", action: mask, mask: " + std::string(mask) +
         "}\n"
         "  - {name: drop, match: 'drop table [a-z]{1,20}', where: [request], action: deny}\n"
         "  - name: card\n"
         "    match: '\\b\\d{16}\\b'\n"
         "    validate: luhn\n"
         "    where: [request, response]\n"
         "    action: mask\n"
         "    mask: {keep_last: 4}\n";
}

const std::string kCardInt8 = be64(4111111111111111);

std::string array_of(std::uint32_t type, std::initializer_list<std::string> elements) {
  std::string out = be32(1) + be32(0) + be32(type) + be32(static_cast<std::uint32_t>(elements.size())) + be32(1);
  for (const std::string& element : elements) out += element == kNull ? kNull : sized(element);
  return out;
}

std::string described(std::initializer_list<std::string> columns) {
  std::string body = be16(static_cast<std::uint32_t>(columns.size()));
  for (const std::string& one : columns) body += one;
  return message('T', body);
}

std::string text_of_notice() {
  return text("hello");
}

// A query and its answer; what the client got of it.
std::string answered(Connected& h, const std::string& bytes) {
  h.says(query("select"));
  h.to_client.clear();
  h.answers(bytes + complete("SELECT") + ready());
  return h.to_client;
}

TEST(PostgresColumns, AreHiddenByTheirNameHoweverTheStreamIsCut) {
  for (const std::size_t cut : kCuts) {
    Connected h(columns_policy("[salary, \"*_SSN\"]"), cut);
    const std::string head = described({column("name"), column("Salary", 23), column("us_ssn"), column("ssn")});
    EXPECT_EQ(
        answered(h, head + row({"ann", "70000", "123-45-6789", "7"}) + row({"bob", kNull, "", "8"})),
        head + row({"ann", "00000", "***********", "7"}) + row({"bob", kNull, "", "8"}) + complete("SELECT") + ready())
        << cut;
    EXPECT_EQ(told(h.response(0).body),
              "name;Salary;us_ssn;ssn;|ann|*****|***********|7|row(4)|bob|NULL||8|row(4)SELECT;");
    EXPECT_EQ(h.response(0).end.verdict, Verdict::mask);
    EXPECT_EQ(h.recorder.everything().find("70000"), std::string::npos);
  }
}

TEST(PostgresColumns, AreHiddenInBinaryAsValuesOfTheirType) {
  for (const std::size_t cut : kCuts) {
    Connected h(columns_policy("[a, b, c, d]"), cut);
    const std::string head = described({column("a", kInt8, 0, 0, 1), column("b", kText, 0, 0, 1),
                                        column("c", kJsonb, 0, 0, 1), column("d", kInt8Array, 0, 0, 1)});
    EXPECT_EQ(answered(h, head + row({be64(70000), "seventy", "\x01{\"a\":1}", array_of(kInt8, {be64(7), kNull})})),
              head + row({be64(0), "*******", "\x01\"*****\"", array_of(kInt8, {be64(0), kNull})}) +
                  complete("SELECT") + ready())
        << cut;
    EXPECT_EQ(told(h.response(0).body), "a;b;c;d;|*****|*******|********|list(2)|*|NULL|row(4)SELECT;");
  }
}

TEST(PostgresColumns, AreKnownByTheirTableUnderAnotherName) {
  Connected h(columns_policy("[{table: 16402, attribute: 3}, {name: pay, type: int8}, {type: jsonb}]"));
  const std::string head =
      described({column("x", kText, 16402, 3), column("y", kText, 16402, 4), column("z", kText, 16403, 3),
                 column("pay", kInt8), column("pay", kText), column("j", kJsonb)});
  EXPECT_EQ(answered(h, head + row({"one", "two", "three", "4", "five", "{}"})),
            head + row({"***", "two", "three", "0", "five", "\"\""}) + complete("SELECT") + ready());
}

// What FETCH and EXECUTE return is that of a name, which may stand for something else by now; nothing on the wire says
// so.
TEST(PostgresColumns, OfWhatIsAskedByANameAreNotKnown) {
  for (const std::string sql : {"fetch all from c", "/* select */ execute p", "-- select\nFETCH c", ""}) {
    Connected h(columns_policy("ssn"));
    h.says(parse("s", sql) + describe('S', "s") + bind("", "s", {}) + execute("") + sync());
    h.to_client.clear();
    const std::string told = message('1') + message('t', be16(0)) + rows_of({"a"}) + message('2');
    h.answers(told + row({"123-45-6789"}) + complete("FETCH 1") + ready());
    EXPECT_EQ(h.to_client, told + row({"***********"}) + complete("FETCH 1") + ready()) << sql;
  }
  for (const std::string sql :
       {"select 1", " /* a /* b */ */ SELECT 1", "-- x\n (values (1))", "With a as (select 1) select 2"}) {
    Connected h(columns_policy("ssn"));
    h.says(parse("s", sql) + describe('S', "s") + bind("", "s", {}) + execute("") + sync());
    h.answers(message('1') + message('t', be16(0)) + rows_of({"a"}) + message('2') + row({"one"}) +
              complete("SELECT 1") + ready());
    EXPECT_NE(h.to_client.find(row({"one"})), std::string::npos) << sql;
  }
}

// Unless nothing could have changed what the name stands for since the server said what it returns.
TEST(PostgresColumns, OfWhatIsAskedByANameAreKnownWhereItRunsAsItWasDescribed) {
  const std::string bind_binary = message('B', text("p") + text("s") + be16(0) + be16(0) + be16(1) + be16(1));
  const std::string rows = row({kCardInt8, be64(77), "one"});
  const std::string described_rows =
      described({column("n", kInt8, 0, 0, 1), column("secret", kInt8, 0, 0, 1), column("t", kText, 0, 0, 1)});
  for (const std::size_t cut : kCuts) {
    Connected h(columns_policy("secret"), cut);
    h.says(parse("s", "fetch 2 from c") + bind_binary + describe('P', "p") + execute("p", 1) + execute("p") + sync());
    h.to_client.clear();
    h.answers(message('1') + message('2') + described_rows + rows + message('s') + rows + complete("FETCH 2") +
              ready());
    const std::string shown = row({be64(0), be64(0), "one"});
    EXPECT_EQ(h.to_client, message('1') + message('2') + described_rows + shown + message('s') + shown +
                               complete("FETCH 2") + ready())
        << cut;
  }
  struct Between {
    std::string asked, answered;
  };
  const std::string end = message('2') + complete("CLOSE CURSOR");
  for (const Between& between :
       {Between{bind("", "closing", {}) + execute(""), end}, Between{sync(), ready()},
        Between{close('P', "c"), message('3')}, Between{bind("c", "closing", {}), message('2')}}) {
    Connected h(columns_policy("secret"));
    h.says(parse("closing", "close c") + sync());
    h.answers(message('1') + ready());
    h.says(parse("s", "fetch 2 from c") + bind_binary + describe('P', "p") + between.asked + execute("p") + sync());
    h.to_client.clear();
    const std::string told = message('1') + message('2') + described_rows + between.answered;
    h.answers(told + row({"12345678", "1", "x"}) + complete("FETCH 1") + ready());
    EXPECT_EQ(h.to_client, told + row({"********", "*", "*"}) + complete("FETCH 1") + ready());
  }
}

TEST(PostgresColumns, AreThoseOfTheResultThatCame) {
  Connected h(columns_policy("secret"));
  const std::string one = described({column("secret"), column("b")}) + row({"aa", "bb"});
  const std::string other = described({column("b"), column("secret")}) + row({"aa", "bb"});
  EXPECT_EQ(answered(h, one + complete("SELECT 1") + other),
            described({column("secret"), column("b")}) + row({"**", "bb"}) + complete("SELECT 1") +
                described({column("b"), column("secret")}) + row({"aa", "**"}) + complete("SELECT") + ready());
}

TEST(PostgresColumns, StayHiddenWhenAStatementIsRunAgain) {
  const std::string bind_binary =
      message('B', text("") + text("s") + be16(0) + be16(0) + be16(1) + be16(1));  // all results in binary
  for (const std::size_t cut : {0, 1, 5}) {
    Connected h(columns_policy("secret"), cut);
    h.says(parse("s", "select") + describe('S', "s") + sync());
    h.answers(message('1') + message('t', be16(0)) + described({column("secret", kInt8), column("b", kInt8)}) +
              ready());
    for (int i = 0; i < 3; ++i) {
      h.says(bind_binary + execute("") + sync());
      h.to_client.clear();
      h.answers(message('2') + row({be64(77), be64(78)}) + complete("SELECT 1") + ready());
      EXPECT_EQ(h.to_client, message('2') + row({be64(0), be64(78)}) + complete("SELECT 1") + ready());
    }
    EXPECT_EQ(told(h.response(3).body), "|**|78|row(2)SELECT 1;") << "behind PARSE, what describes it, and BIND";
  }
}

TEST(PostgresColumns, ThatNobodyDescribedAreAllHidden) {
  Connected h(columns_policy("secret"));
  h.says(parse("", "select") + bind_of("", "") + execute("") + sync());
  h.to_client.clear();
  const std::string rows = row({"aa", "bb"}) + row({}) + row({"a", "b", "c"});
  h.answers(message('1') + message('2') + rows + complete("SELECT 3") + ready());
  EXPECT_EQ(h.to_client, message('1') + message('2') + row({"**", "**"}) + row({}) + row({"*", "*", "*"}) +
                             complete("SELECT 3") + ready());
  Connected other(policy());
  other.says(parse("", "select") + bind_of("", "") + execute("") + sync());
  other.to_client.clear();
  other.answers(message('1') + message('2') + rows + complete("SELECT 3") + ready());
  EXPECT_EQ(other.to_client, message('1') + message('2') + rows + complete("SELECT 3") + ready())
      << "no rule asks for columns";
}

TEST(PostgresColumns, AreOnTheRecordAsTheRuleSays) {
  const std::string bytes = described({column("a", kInt8, 0, 0, 1), column("b")}) + row({be64(70000), "secret"});
  const std::string end = complete("SELECT") + ready();
  const std::string hidden = described({column("a", kInt8, 0, 0, 1), column("b")}) + row({be64(0), "******"});
  {
    Connected h(columns_policy("[a, b]", "observe"), 1);
    EXPECT_EQ(answered(h, bytes), bytes + end) << "nothing is changed on the wire";
    EXPECT_EQ(told(h.response(0).body), "a;b;|*****|******|row(2)SELECT;");
  }
  {
    Connected h(columns_policy("[a, b]", "enforce", "{on: wire}"));
    EXPECT_EQ(answered(h, bytes), hidden + end);
    EXPECT_EQ(told(h.response(0).body), "a;b;|70000|secret|row(2)SELECT;");
  }
  {
    Connected h(columns_policy("[a, b]", "enforce", "{on: record}"));
    EXPECT_EQ(answered(h, bytes), bytes + end);
    EXPECT_EQ(told(h.response(0).body), "a;b;|*****|******|row(2)SELECT;");
  }
}

TEST(PostgresColumns, ALongCellIsHiddenAsItPasses) {
  const std::string json = "\x01{\"a\":\"" + std::string(300'000, 'x') + "\"}";
  std::string hidden(json.size(), '*');
  hidden[0] = '\x01';
  hidden[1] = hidden.back() = '"';
  Connected h(columns_policy("j"), 8000);
  const std::string head = described({column("j", kJsonb, 0, 0, 1)});
  EXPECT_EQ(answered(h, head + row({json})), head + row({hidden}) + complete("SELECT") + ready());
  EXPECT_EQ(h.recorder.everything().find("xxx"), std::string::npos);
}

TEST(PostgresValues, InBinaryAreLookedAtAsTheirText) {
  for (const std::size_t cut : kCuts) {
    Connected h(columns_policy("none"), cut);
    const std::string head =
        described({column("a", kInt8, 0, 0, 1), column("b", 1700, 0, 0, 1), column("c", kJsonb, 0, 0, 1),
                   column("d", kTextArray, 0, 0, 1), column("e", kInt8Array, 0, 0, 1)});
    const auto card_numeric = [](std::uint32_t a, std::uint32_t b, std::uint32_t c, std::uint32_t d) {
      return be16(4) + be16(3) + be16(0) + be16(0) + be16(a) + be16(b) + be16(c) + be16(d);
    };
    const std::string long_text = kCard + std::string(0x31 - kCard.size(), ' ');  // its length ends with a '1'
    const std::string json = "\x01{\"n\": " + kCard + "}";
    const std::string starred_json = "\x01{\"n\": " + kStarred + "}";
    EXPECT_EQ(
        answered(
            h, head +
                   row({kCardInt8, card_numeric(4111, 1111, 1111, 1111), json, array_of(kText, {"x", long_text, kNull}),
                        array_of(kInt8, {be64(5), be64(4111111111111111)})}) +
                   row({be64(5), card_numeric(4111, 1111, 1111, 1112), "\x01[]", be32(0) + be32(0) + be32(25), kNull})),
        head +
            row({be64(0), card_numeric(0, 0, 0, 0), starred_json,
                 array_of(kText, {"x", kStarred + long_text.substr(kCard.size()), kNull}),
                 array_of(kInt8, {be64(5), be64(0)})}) +
            row({be64(5), card_numeric(4111, 1111, 1111, 1112), "\x01[]", be32(0) + be32(0) + be32(25), kNull}) +
            complete("SELECT") + ready())
        << cut;
    EXPECT_EQ(told(h.response(0).body), "a;b;c;d;e;|" + kStarred + "|" + kStarred + "|" + starred_json + "|list(3)|x|" +
                                            kStarred + long_text.substr(kCard.size()) + "|NULL|list(2)|5|" + kStarred +
                                            "|row(5)|5|4111111111111112|\x01[]|list(0)|NULL|row(5)SELECT;");
    EXPECT_EQ(h.response(0).hits.at(0).second, 5U);
  }
}

TEST(PostgresValues, BoundInBinaryAreJudgedAndMasked) {
  const auto bind_binary = [](std::initializer_list<std::string> values) {
    std::string body = text("") + text("s") + be16(1) + be16(1) + be16(static_cast<std::uint32_t>(values.size()));
    for (const std::string& value : values) body += sized(value);
    return message('B', body + be16(0));
  };
  for (const std::size_t cut : {0, 1, 5}) {
    Connected h(columns_policy("none"), cut);
    h.says(parse("s", "insert", be32(kInt8) + be32(kTextArray)));
    h.to_server.clear();
    h.says(bind_binary({kCardInt8, array_of(kText, {"a"})}));
    EXPECT_EQ(h.to_server, bind_binary({be64(0), array_of(kText, {"a"})})) << cut;
    EXPECT_EQ(told(h.request(1).body), "|" + kStarred + "|list(1)|a");
    h.to_server.clear();
    h.says(bind_binary({be64(1), array_of(kText, {"drop table users"})}) + sync());
    EXPECT_EQ(h.at_server("drop table"), 0U);
    EXPECT_EQ(h.request(2).end.verdict, Verdict::deny);
  }
}

// Where the window ends inside an array, it makes no difference how it came.
TEST(PostgresValues, OfAnArrayAreJudgedWhereTheWindowEnds) {
  const auto bound = [](const std::string& value) {
    return message('B', text("") + text("s") + be16(1) + be16(1) + be16(1) + sized(value) + be16(0));
  };
  const auto texts = [](std::size_t count, const std::string& last) {
    std::string out = be32(1) + be32(0) + be32(kText) + be32(static_cast<std::uint32_t>(count + 1)) + be32(1);
    for (std::size_t i = 0; i < count; ++i) out += sized("1234567");
    return out + sized(last);
  };
  std::string with_window = columns_policy("none");
  with_window.replace(with_window.find("mode: enforce"), 13, "mode: enforce, window: 2KiB");
  for (std::size_t count = 198; count < 208; ++count) {
    std::string sent;
    ErrorCode error = ErrorCode::ok;
    for (const std::size_t cut : {0, 1, 3, 11, 1000}) {
      Connected h(with_window, cut);
      h.says(parse("s", "insert", be32(kTextArray)));
      h.to_server.clear();
      h.says(bound(texts(count, "drop table users")) + sync());
      if (cut == 0) sent = h.to_server, error = h.request(1).end.error;
      EXPECT_EQ(h.to_server, sent) << count << " " << cut;
      EXPECT_EQ(h.request(1).end.error, error) << count << " " << cut;
      EXPECT_EQ(h.at_server("drop table"), 0U);
    }
    EXPECT_EQ(error, count < 203 ? ErrorCode::rule_denied : ErrorCode::postgres_beyond_window) << count;
  }
  Connected h(columns_policy("none"));
  h.says(parse("s", "insert", be32(kTextArray)));
  h.to_server.clear();
  h.says(bound(texts(5000, "x")));
  EXPECT_EQ(h.to_server, bound(texts(5000, "x"))) << "many elements are no more than their bytes";
}

TEST(PostgresValues, OfParametersThatTheServerDescribed) {
  Connected h(columns_policy("none"));
  h.says(parse("s", "insert") + describe('S', "s") + sync());
  h.answers(message('1') + message('t', be16(1) + be32(kInt8)) + message('n') + ready());
  h.to_server.clear();
  const auto bound = [](const std::string& value) {
    return message('B', text("") + text("s") + be16(1) + be16(1) + be16(1) + sized(value) + be16(0));
  };
  h.says(bound(kCardInt8));
  EXPECT_EQ(h.to_server, bound(be64(0)));
}

TEST(PostgresRows, AreOnTheRecordUpToABoundAndTheRestIsCounted) {
  std::string text = columns_policy("secret");
  text.replace(text.find("mode: enforce"), 13, "mode: enforce, record: {rows: 2}");
  for (const std::size_t cut : kCuts) {
    Connected h(text, cut);
    const std::string head = described({column("a"), column("secret")});
    const auto rows = [](const std::string& secret) {
      return row({"1", secret}) + row({"2", secret}) + row({"3", secret}) + row({kCard, secret});
    };
    const std::string notice = message('N', "S" + text_of_notice() + '\0');
    EXPECT_EQ(answered(h, head + rows("x") + notice + row({"5", "x"}) + complete("SELECT 5") + head + row({"6", "x"})),
              head + row({"1", "*"}) + row({"2", "*"}) + row({"3", "*"}) + row({kStarred, "*"}) + notice +
                  row({"5", "*"}) + complete("SELECT 5") + head + row({"6", "*"}) + complete("SELECT") + ready())
        << cut;
    test::RecordedUnit& response = h.response(0);
    EXPECT_EQ(told(response.body),
              "a;secret;|1|*|row(2)|2|*|row(2)|left_out(2)hello;|left_out(1)SELECT 5;a;secret;|left_out(1)SELECT;");
    EXPECT_EQ(response.end.body_bytes, response.body.size()) << "no part is missing";
    EXPECT_EQ(response.hits.size(), 2U) << "rules look at all of them";
  }
}

// A value that never became whole leaves as nothing that could be read.
TEST(PostgresValues, CutInTheMiddleTellNothing) {
  for (const std::size_t cut : {0, 1}) {
    Connected h(columns_policy("none"), cut);
    const std::string head = described({column("a", kInt8, 0, 0, 1)});
    h.says(query("select"));
    h.to_client.clear();
    const std::string whole = row({kCardInt8});
    h.answers(head + whole.substr(0, whole.size() - 1));
    h.server_finishes();
    EXPECT_EQ(h.to_client.find(kCardInt8.substr(0, 6)), std::string::npos);
    EXPECT_EQ(h.recorder.everything().find(kCardInt8.substr(0, 6)), std::string::npos);
  }
}

// What its type cannot have passes as it is, in pieces of any size.
TEST(PostgresValues, ThatAreNoneOfTheirTypePassAsTheyAre) {
  const std::string hostile[] = {
      "",
      "abc",
      be32(1) + be32(0),
      be32(7) + be32(0) + be32(kInt8) + std::string(80, 'x'),
      be32(1) + be32(0) + be32(kText) + be32(1) + be32(1) + sized("x"),
      be32(1) + be32(0) + be32(kInt8) + be32(0xffffff) + be32(1) + sized(be64(1)),
      be32(1) + be32(0) + be32(kInt8) + be32(3) + be32(1) + sized(be64(1)),
      be32(1) + be32(0) + be32(kInt8) + be32(2) + be32(1) + sized(be64(1)) + be32(99) + "ab",
      be32(1) + be32(0) + be32(kInt8) + be32(1) + be32(1) + sized("abc") + "more",
      be32(2) + be32(0) + be32(kInt8) + be32(2) + be32(1) + be32(1) + be32(1) + sized(be64(1)) + sized("") + "behind"};
  const std::string head = described({column("a", kInt8Array, 0, 0, 1), column("b", kInt8, 0, 0, 1), column("c")});
  for (const std::string& value : hostile) {
    std::string record;
    for (const std::size_t cut : kCuts) {
      Connected h(columns_policy("none"), cut);
      const std::string bytes = head + row({value, value.substr(0, 7), "c"}) + row({value, be64(5), "c"});
      EXPECT_EQ(answered(h, bytes), bytes + complete("SELECT") + ready());
      if (record.empty()) record = h.response(0).body;
      EXPECT_EQ(h.response(0).body, record) << cut;
    }
    Connected h(columns_policy("[a, b]"), 1);
    const std::string shown = answered(h, head + row({value, value.substr(0, 7), "c"}));
    EXPECT_EQ(shown.find("abc"), std::string::npos);
    EXPECT_EQ(shown.size(), (head + row({value, value.substr(0, 7), "c"}) + complete("SELECT") + ready()).size());
  }
}

// All types and both formats: nothing of a hidden cell is at the client or on the record, and the client can read it.
TEST(PostgresValues, OfEveryTypeAreHiddenAndReadable) {
  for (const Sample& sample : samples()) {
    if (sample.text.size() < 4 || sample.binary == kNull) continue;  // of the first zeros may be the value
    for (const std::uint16_t format : {kTextFormat, kBinaryFormat}) {
      const std::string& value = format == kTextFormat ? sample.text : sample.binary;
      const std::string head = described({column("secret", sample.type, 0, 0, format), column("seen")});
      Connected h(columns_policy("secret"), 5);
      const std::string got = answered(h, head + row({value, "seen"}));
      const std::string cell = got.substr(head.size() + 11, value.size());
      EXPECT_EQ(got, head + row({cell, "seen"}) + complete("SELECT") + ready()) << sample.type;
      EXPECT_EQ(h.recorder.everything().find(sample.text), std::string::npos) << sample.type << " " << sample.text;
      EXPECT_EQ(h.recorder.everything().find(sample.binary), std::string::npos) << sample.type;
      if (format == kTextFormat) continue;
      std::string text;
      EXPECT_EQ(append_text(sample.type, as_bytes(cell), 1'000'000, text), ErrorCode::ok) << sample.type;
      Connected shown(columns_policy("none"), 5);
      EXPECT_EQ(answered(shown, head + row({value, "seen"})),
                head + row({value, "seen"}) + complete("SELECT") + ready());
      if (type_of(sample.type) == nullptr || type_of(sample.type)->is_as_text) continue;
      EXPECT_EQ(told(shown.response(0).body), "secret;seen;|" + sample.text + "|seen|row(2)SELECT;");
    }
  }
}

}  // namespace
}  // namespace sluice::session
