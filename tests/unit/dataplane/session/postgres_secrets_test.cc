// One secret in every place where a value can stand, in both formats, cut between any two bytes: nothing of it is at
// who must not see it, nor on the record, and every cut comes to the same.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "tests/support/postgres_peers.h"

namespace sluice::session {
namespace {

using namespace std::string_literals;

const std::string kSecret = "5425233430109903";
const std::string kHidden = "************9903";
constexpr std::uint32_t kInt8 = 20;
constexpr std::uint32_t kText = 25;
constexpr std::uint32_t kBytea = 17;
constexpr std::uint32_t kNumeric = 1700;
constexpr std::uint32_t kJsonb = 3802;
constexpr std::uint32_t kTextArray = 1009;
constexpr std::uint32_t kInt8Array = 1016;
constexpr std::uint32_t kNumericArray = 1231;

const std::string kInt8Value = be32(1263160) + be32(2540494543);  // the number as eight bytes: checked below
const std::string kNumericDigits = be16(5425) + be16(2334) + be16(3010) + be16(9903);
const std::string kNumericValue = be16(4) + be16(3) + be16(0) + be16(0) + kNumericDigits;

std::string policy_of(std::string_view mode, std::string_view mask_on) {
  return "services:\n  - {name: db, address: 10.0.0.2:80, protocol: postgres, mode: " + std::string(mode) +
         ", rules: [local/card], after_window: stream}\nrules:\n  - name: card\n    match: '\\b\\d{16}\\b'\n"
         "    validate: luhn\n    where: [request, response]\n    action: mask\n    mask: {keep_last: 4, on: " +
         std::string(mask_on) + "}\n";
}

// How much of the secret stands there, in any of the forms that it has on the wire: a part of it counts, too.
std::size_t found_in(const std::string& bytes) {
  std::size_t found = 0;
  for (std::size_t i = 0; i + 5 <= 12; ++i) found += test::occurrences(bytes, kSecret.substr(i, 5));
  found += test::occurrences(bytes, kInt8Value.substr(1, 5)) + test::occurrences(bytes, kInt8Value.substr(3));
  found +=
      test::occurrences(bytes, kNumericDigits.substr(0, 4)) + test::occurrences(bytes, kNumericDigits.substr(2, 4));
  return found;
}

struct Said {
  Direction by = Direction::request;
  std::string bytes;
};

Said client(std::string bytes) {
  return {Direction::request, std::move(bytes)};
}
Said server(std::string bytes) {
  return {Direction::response, std::move(bytes)};
}

struct Exchange {
  std::string name;
  std::vector<Said> said;
  bool asks = false;     // the secret is in what the client says
  bool answers = false;  // and in what the server says
};

std::string list(std::uint32_t type, const std::string& value) {
  return be32(1) + be32(0) + be32(type) + be32(2) + be32(1) + sized(value) + kNull;
}

// Every type whose binary values are read, and those that are texts.
std::string binary_columns() {
  std::string columns;
  for (const std::uint32_t type : {kInt8, kNumeric, kText, kBytea, kJsonb, kTextArray, kInt8Array, kNumericArray})
    columns += column("c", type, 0, 0, 1);
  return row_description(8, columns);
}
std::string binary_row() {
  return row({kInt8Value, kNumericValue, "x " + kSecret, kSecret, "\x01{\"n\":" + kSecret + "}", list(kText, kSecret),
              list(kInt8, kInt8Value), list(kNumeric, kNumericValue)});
}
std::string text_row() {
  return row({kSecret, kNull, "a " + kSecret + ".00", "{1," + kSecret + "}", "(\"x\"," + kSecret + ",)",
              "[" + kSecret + ",6)", std::string(33, ' ') + kSecret});  // whose length ends as a digit does
}

std::string said_by_itself(char type) {
  return message(type, "S" + text("ERROR") + "C" + text("23505") + "M" + text("duplicate " + kSecret) + "D" +
                           text("Key (n)=(" + kSecret + ") already exists.") + "H" + text(kSecret) + "W" +
                           text("COPY t, line 1: \"" + kSecret + "\"") + "q" + text("select " + kSecret) + '\0');
}

std::string bind_as(std::uint32_t format, std::initializer_list<std::string> values, std::uint32_t result_format = 0) {
  std::string body = text("p") + text("s") + be16(1) + be16(format) + be16(static_cast<std::uint32_t>(values.size()));
  for (const std::string& value : values) body += value == kNull ? kNull : sized(value);
  return message('B', body + be16(1) + be16(result_format));
}

std::string function_call(const std::string& argument) {
  return message('F', be32(1598) + be16(1) + be16(0) + be16(1) + sized(argument) + be16(0));
}

std::vector<Exchange> exchanges() {
  const std::string described = message('t', be16(0));
  const std::string copies = be16(2) + be16(0) + be16(0);
  const std::string in_two = message('d', "1\t" + kSecret.substr(0, 7)) + message('d', kSecret.substr(7) + "\n");
  const std::string prepare = parse("s", "select * from t") + describe('S', "s") + sync();
  const std::string prepared = message('1') + described + row_description(1, column("n", kInt8)) + ready();
  const std::string values = be32(kInt8) + be32(kNumeric) + be32(kText) + be32(kInt8Array);
  return {
      {"simple query",
       {client(query("select * from t where n = " + kSecret + " or m = '" + kSecret + "' -- " + kSecret)),
        server(rows_of({"a", kSecret, "c", "d", "e", "f", "g"}) + text_row() + text_row() +
               complete("SELECT " + kSecret) + ready())},
       true,
       true},
      {"several results",
       {client(query("select 1; fetch b; select " + kSecret)),
        server(rows_of({"n"}) + row({kSecret}) + complete("SELECT 1") + binary_columns() + binary_row() +
               complete("FETCH 1") + rows_of({"m"}) + row({kSecret}) + complete("SELECT 1") + ready())},
       true,
       true},
      {"described portal",
       {client(parse("s", "select") + bind_as(0, {}, 1) + describe('P', "p") + execute("p") + sync()),
        server(message('1') + message('2') + binary_columns() + binary_row() + complete("SELECT 1") + ready())},
       false,
       true},
      {"statement run again, in the other format",
       {client(prepare), server(prepared), client(bind_as(0, {}, 1) + execute("p") + sync()),
        server(message('2') + row({kInt8Value}) + row({kNull}) + row({kInt8Value}) + complete("SELECT 3") + ready()),
        client(bind_as(0, {}) + execute("p") + sync()),
        server(message('2') + row({kSecret}) + complete("SELECT 1") + ready())},
       false,
       true},
      {"portal in parts",
       {client(prepare), server(prepared), client(bind_as(0, {}, 1) + execute("p", 1) + message('H')),
        server(message('2') + row({kInt8Value}) + message('s')), client(execute("p", 2) + sync()),
        server(row({kInt8Value}) + row({kInt8Value}) + message('s') + ready())},
       false,
       true},
      {"portal that nobody described, in text",
       {client(parse("s", "select") + bind_as(0, {}) + execute("p") + sync()),
        server(message('1') + message('2') + text_row() + complete("SELECT 1") + ready())},
       false,
       true},
      {"bound values in text",
       {client(parse("s", "insert into t values ($1, $2)") + bind_as(0, {kSecret, kNull, "(a," + kSecret + ")"}) +
               execute("p") + sync()),
        server(message('1') + message('2') + complete("INSERT 0 1") + ready())},
       true,
       false},
      {"bound values in binary",
       {client(parse("s", "insert into t values ($1, $2, $3, $4)", values) +
               bind_as(1, {kInt8Value, kNumericValue, kSecret, list(kInt8, kInt8Value)}) + execute("p") + sync()),
        server(message('1') + message('2') + said_by_itself('E') + ready())},
       true,
       true},
      {"returning",
       {client(parse("s", "insert into t values (" + kSecret + ") returning *") + bind_as(0, {}, 1) +
               describe('P', "p") + execute("p") + sync()),
        server(message('1') + message('2') + binary_columns() + binary_row() + complete("INSERT 0 1") + ready())},
       true,
       true},
      {"copy in, and the server's error",
       {client(query("copy t from stdin")), server(message('G', "\0"s + copies)),
        client(in_two + in_two + message('c')), server(said_by_itself('E') + ready())},
       true,
       true},
      {"copy out",
       {client(query("copy t to stdout (format csv)")),
        server(message('H', "\0"s + copies) + in_two + message('d', "2,\"" + kSecret + "\"\n") + message('c') +
               complete("COPY 3") + ready())},
       false,
       true},
      {"notices among rows, and what comes unasked",
       {client(query("select")),
        server(rows_of({"n"}) + row({kSecret}) + said_by_itself('N') + row({kSecret}) + complete("SELECT 2") + ready()),
        server(said_by_itself('N') + message('A', be32(77) + text("channel") + text("paid with " + kSecret)) +
               said_by_itself('E'))},
       false,
       true},
      {"function", {client(function_call(kSecret)), server(message('V', sized(kSecret)) + ready())}, true, true},
      {"names of what is prepared are on the record",
       {client(parse("for " + kSecret, "select 1") + bind_of(kSecret, "for " + kSecret) + execute(kSecret) + sync()),
        server(message('1') + message('2') + row({"1"}) + complete("SELECT 1") + ready())},
       false,
       false},
  };
}

struct Outcome {
  std::string to_server;
  std::string to_client;
  std::string recorded;
  bool operator==(const Outcome&) const = default;
};

// With what is said in step `cut_step` cut at `cut`, or all of it into pieces of `most` bytes.
Outcome outcome_of(const std::string& yaml, const Exchange& exchange, std::size_t cut_step, std::size_t cut,
                   std::size_t most = 0) {
  Connected h(yaml, most);
  for (std::size_t i = 0; i < exchange.said.size(); ++i) {
    const auto& [by, bytes] = exchange.said[i];
    const std::size_t first = i == cut_step ? cut : bytes.size();
    h.feed(by, std::string_view(bytes).substr(0, first), most);
    h.feed(by, std::string_view(bytes).substr(first), most);
  }
  EXPECT_EQ(h.relay().fate(), Fate::run) << exchange.name;
  EXPECT_EQ(h.relay().pending(), 0U) << exchange.name;
  return {h.to_server, h.to_client, h.recorder.everything()};
}

constexpr std::size_t kUncut = ~std::size_t{0};

TEST(PostgresSecrets, AreNowhereHoweverTheStreamIsCut) {
  const std::string yaml = policy_of("enforce", "[wire, record]");
  for (const Exchange& exchange : exchanges()) {
    const Outcome whole = outcome_of(yaml, exchange, kUncut, 0);
    const bool is_name = !exchange.asks && !exchange.answers;
    EXPECT_EQ(is_name ? 0 : found_in(whole.to_server), 0U) << exchange.name;
    EXPECT_EQ(found_in(whole.to_client), 0U) << exchange.name;
    EXPECT_EQ(found_in(whole.recorded), 0U) << exchange.name << "\n" << told(whole.recorded);
    EXPECT_NE(whole.recorded.find(kHidden), std::string::npos) << exchange.name;
    for (const std::size_t most : {1, 2, 3, 5, 7, 11, 64})
      EXPECT_EQ(outcome_of(yaml, exchange, kUncut, 0, most), whole) << exchange.name << " " << most;
    for (std::size_t step = 0; step < exchange.said.size(); ++step) {
      for (std::size_t cut = 1; cut < exchange.said[step].bytes.size(); ++cut) {
        const Outcome got = outcome_of(yaml, exchange, step, cut);
        if (!(got == whole)) FAIL() << exchange.name << ": step " << step << " cut at " << cut;
      }
    }
  }
}

// Whatever is cut by the end of a connection.
TEST(PostgresSecrets, AreNowhereWhereverAConnectionEnds) {
  const std::string yaml = policy_of("enforce", "[wire, record]");
  for (const Exchange& exchange : exchanges()) {
    for (std::size_t step = 0; step < exchange.said.size(); ++step) {
      const auto& [by, bytes] = exchange.said[step];
      for (std::size_t end = 0; end <= bytes.size(); ++end) {
        Connected h(yaml);
        for (std::size_t i = 0; i < step; ++i) h.feed(exchange.said[i].by, exchange.said[i].bytes);
        h.feed(by, std::string_view(bytes).substr(0, end));
        if (by == Direction::request)
          h.client_finishes();
        else
          h.server_finishes();
        const bool is_name = !exchange.asks && !exchange.answers;
        EXPECT_EQ(is_name ? 0 : found_in(h.to_server), 0U) << exchange.name << " " << step << " " << end;
        EXPECT_EQ(found_in(h.to_client), 0U) << exchange.name << " " << step << " " << end;
        EXPECT_EQ(found_in(h.recorder.everything()), 0U) << exchange.name << " " << step << " " << end;
      }
    }
  }
}

// The same detector finds what is plain: where nothing is hidden on the wire, and where nothing is on the record.
TEST(PostgresSecrets, AreFoundWhereNoRuleHidesThem) {
  const std::string observed = policy_of("observe", "[wire, record]");
  const std::string on_record = policy_of("enforce", "wire");
  for (const Exchange& exchange : exchanges()) {
    const Outcome plain = outcome_of(observed, exchange, kUncut, 0, 3);
    std::string asked;
    std::string answered;
    for (const Said& said : exchange.said) (said.by == Direction::request ? asked : answered) += said.bytes;
    EXPECT_EQ(plain.to_server, asked) << exchange.name;
    EXPECT_EQ(plain.to_client, answered) << exchange.name;
    EXPECT_EQ(found_in(plain.to_server) > 0, exchange.asks || !exchange.answers) << exchange.name;
    EXPECT_EQ(found_in(plain.to_client) > 0, exchange.answers) << exchange.name;
    EXPECT_EQ(found_in(plain.recorded), 0U) << exchange.name << " is masked on the record in either mode";
    EXPECT_GT(found_in(outcome_of(on_record, exchange, kUncut, 0, 3).recorded), 0U) << exchange.name;
  }
}

TEST(PostgresSecrets, AreFoundInEachForm) {
  std::uint64_t number = 0;
  for (const char c : kInt8Value) number = number << 8U | static_cast<std::uint8_t>(c);
  EXPECT_EQ(std::to_string(number), kSecret);
  for (const std::string& form : {kSecret, kInt8Value, kNumericValue, kSecret.substr(0, 7), kInt8Value.substr(0, 6)})
    EXPECT_GT(found_in("x" + form + "y"), 0U);
  EXPECT_EQ(found_in(kHidden + be32(0) + be32(0)), 0U);
}

}  // namespace
}  // namespace sluice::session
