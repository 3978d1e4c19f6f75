#include "dataplane/protocol/postgres/reader.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/unit/dataplane/protocol/postgres/trace.h"
#include "tests/unit/dataplane/protocol/postgres/wire.h"

namespace sluice::postgres {
namespace {

constexpr std::string_view kFieldNames[] = {
    "none",        "startup_name", "startup_value", "statement_name",  "portal_name", "query_text",
    "parameter",   "argument",     "result",        "column_name",     "cell",        "copy_data",
    "copy_error",  "credential",   "challenge",     "mechanism",       "cancel_key",  "error_text",
    "command_tag", "setting_name", "setting_value", "protocol_option", "channel",     "notification"};

std::string printable(std::string_view bytes) {
  std::string out;
  for (const char c : bytes) {
    if (c >= ' ' && c <= '~')
      out.push_back(c);
    else
      out.append("\\").append(std::to_string(static_cast<unsigned char>(c)));
  }
  return out;
}

// "Q5 query_text[0]=select f1 end": heads by their type, fields by name and content, and how many bytes of framing.
std::string labels(const Stream& stream) {
  std::string out;
  Reader reader = reader_for(stream);
  Bytes rest = as_bytes(stream.bytes);
  for (Step step = reader.next(rest);; step = reader.next(rest)) {
    if (step.kind == StepKind::more && step.bytes == 0) return out;
    if (!out.empty()) out.push_back(' ');
    const std::string_view bytes = as_text(rest.first(step.bytes));
    rest = rest.subspan(step.bytes);
    const std::string size = std::to_string(step.bytes);
    switch (step.kind) {
      case StepKind::more:
        out.append("more" + size);
        break;
      case StepKind::message:
        out.append(reader.message().type == 0 ? "packet" : std::string(1, static_cast<char>(reader.message().type)));
        out.append(size);
        break;
      case StepKind::framing:
        out.append("f" + size);
        break;
      case StepKind::field: {
        const Field& field = reader.field();
        EXPECT_TRUE(field.first && field.last);
        out.append(kFieldNames[static_cast<std::size_t>(field.kind)]);
        if (field.code != 0) out.append(":").push_back(static_cast<char>(field.code));
        if (field.index != 0) out.append("[" + std::to_string(field.index) + "]");
        out.append(field.null ? "=NULL" : "=" + printable(bytes));
        break;
      }
      case StepKind::message_end:
        out.append("end");
        break;
      case StepKind::opaque:
        out.append("opaque" + size);
        break;
      case StepKind::error:
        return out.append("error:").append(error_name(step.error));
    }
  }
}

std::string client(std::string bytes) {
  return labels({.bytes = std::move(bytes)});
}
std::string client_begins(std::string bytes) {
  return labels({.has_types = false, .bytes = std::move(bytes)});
}
std::string server(std::string bytes) {
  return labels({.direction = Direction::response, .bytes = std::move(bytes)});
}

// The reader after the first message of a stream.
Reader after(std::string bytes, Direction direction, bool has_types = true) {
  Reader reader = reader_for({.direction = direction, .has_types = has_types});
  Bytes rest = as_bytes(bytes);
  for (Step step = reader.next(rest); step.kind != StepKind::message_end; step = reader.next(rest)) {
    EXPECT_NE(step.kind, StepKind::error) << error_name(step.error);
    if (step.kind == StepKind::error) break;
    rest = rest.subspan(step.bytes);
  }
  return reader;
}
Reader after_request(std::string bytes) {
  return after(std::move(bytes), Direction::request);
}
Reader after_response(std::string bytes) {
  return after(std::move(bytes), Direction::response);
}

using Numbers16 = std::vector<std::uint16_t>;
using Numbers32 = std::vector<std::uint32_t>;

TEST(PostgresReader, LabelsAStartupPacket) {
  EXPECT_EQ(
      client_begins(startup()),
      "packet8 startup_name=user f1 startup_value=ann f1 startup_name[1]=database f1 startup_value[1]=shop f2 end");
  const Reader reader = after(packet((3U << 16U) | 2, std::string(1, '\0')), Direction::request, false);
  EXPECT_EQ(reader.message().kind, MessageKind::startup);
  EXPECT_EQ(reader.values().protocol, (3U << 16U) | 2);
}

TEST(PostgresReader, TakesAnEmptySettingValueAndAnEmptyStartup) {
  EXPECT_EQ(client_begins(startup(std::string_view("options\0\0", 9))),
            "packet8 startup_name=options f1 startup_value= f2 end");
  EXPECT_EQ(client_begins(startup("")), "packet8 f1 end");
}

TEST(PostgresReader, ReadsRequestsForEncryptionBeforeTheStartup) {
  EXPECT_EQ(client_begins(kSslRequestPacket + kGssRequestPacket + startup("") + sync()),
            "packet8 end packet8 end packet8 f1 end S5 end");
  EXPECT_EQ(after(kSslRequestPacket, Direction::request, false).message().kind, MessageKind::ssl_request);
  EXPECT_EQ(after(kGssRequestPacket, Direction::request, false).message().kind, MessageKind::gss_request);
}

TEST(PostgresReader, ReadsARequestToCancelWithAKeyOfAnyLength) {
  EXPECT_EQ(client_begins(packet(80877102, be32(4711) + "abcd")), "packet8 f4 cancel_key=abcd end");
  const Reader reader = after(packet(80877102, be32(4711) + std::string(256, 'k')), Direction::request, false);
  EXPECT_EQ(reader.values().process, 4711U);
  EXPECT_EQ(reader.values().key, std::vector<std::uint8_t>(256, 'k'));
  EXPECT_EQ(client_begins(packet(80877102, be32(1) + "abc")), "packet8 f4 error:postgres_bad_key");
  EXPECT_EQ(client_begins(packet(80877102, be32(1) + std::string(257, 'k'))), "packet8 f4 error:postgres_bad_key");
  EXPECT_EQ(client_begins(packet(80877102, be16(1))), "packet8 error:postgres_truncated_message");
}

TEST(PostgresReader, ReadsNothingBehindARequestToCancel) {
  EXPECT_EQ(client_begins(packet(80877102, be32(1) + "abcd") + startup()),
            "packet8 f4 cancel_key=abcd end error:postgres_unexpected_message");
}

TEST(PostgresReader, RefusesOtherFirstPackets) {
  EXPECT_EQ(client_begins("GET / HTTP/1.1\r\n"), "more3 error:postgres_bad_startup");
  EXPECT_EQ(client_begins(std::string("\x16\x03\x01\x02\x00\x01", 6)), "more3 error:postgres_bad_startup");
  EXPECT_EQ(client_begins(be32(7)), "more3 error:postgres_bad_startup");
  EXPECT_EQ(client_begins(be32(10'001)), "more3 error:postgres_bad_startup");
  EXPECT_EQ(client_begins(be32(10'000)), "more4");
  EXPECT_EQ(client_begins(packet(80877103, "x")), "more7 error:postgres_bad_startup");
  EXPECT_EQ(client_begins(packet(2U << 16U)), "more7 error:postgres_version_unsupported");
  EXPECT_EQ(client_begins(packet(4U << 16U)), "more7 error:postgres_version_unsupported");
}

TEST(PostgresReader, RefusesStartupPacketsThatDoNotEndWhereTheySay) {
  EXPECT_EQ(client_begins(packet(3U << 16U)), "packet8 error:postgres_missing_nul");
  EXPECT_EQ(client_begins(packet(3U << 16U, text("user") + text("ann"))),
            "packet8 startup_name=user f1 startup_value=ann f1 error:postgres_missing_nul");
  EXPECT_EQ(client_begins(packet(3U << 16U, text("user"))), "packet8 startup_name=user f1 error:postgres_missing_nul");
  EXPECT_EQ(client_begins(packet(3U << 16U, std::string_view("\0\0", 2))), "packet8 f1 error:postgres_trailing_bytes");
}

TEST(PostgresReader, LabelsAQuery) {
  EXPECT_EQ(client(query("select 1")), "Q5 query_text=select 1 f1 end");
  EXPECT_EQ(client(query("")), "Q5 query_text= f1 end");
  EXPECT_EQ(client(message('Q', text("a") + text("b"))), "Q5 query_text=a f1 error:postgres_trailing_bytes");
}

TEST(PostgresReader, TellsLengthAndPlaceOfEachMessage) {
  Reader reader(Direction::response);
  const std::string bytes = ready() + complete("SELECT 1");
  Bytes rest = as_bytes(bytes);
  while (reader.message().kind != MessageKind::command_complete) rest = rest.subspan(reader.next(rest).bytes);
  EXPECT_EQ(reader.message().type, 'C');
  EXPECT_EQ(reader.message().length, 13U);
  EXPECT_EQ(reader.message().offset, 6U);
}

TEST(PostgresReader, LabelsParse) {
  const std::string bytes = parse("s1", "select $1", be32(23) + be32(0));
  EXPECT_EQ(client(bytes), "P5 statement_name=s1 f1 query_text=select $1 f11 end");
  EXPECT_EQ(after_request(bytes).values().types, (Numbers32{23, 0}));
  EXPECT_EQ(client(parse("", "")), "P5 statement_name= f1 query_text= f3 end");
}

TEST(PostgresReader, LabelsBind) {
  const std::string bytes = message(
      'B', text("p") + text("s") + be16(2) + be16(0) + be16(1) + be16(2) + sized("7") + kNull + be16(1) + be16(1));
  EXPECT_EQ(client(bytes), "B5 portal_name=p f1 statement_name=s f13 parameter=7 f4 parameter[1]=NULL f4 end");
  const Reader reader = after_request(bytes);
  EXPECT_EQ(reader.values().formats, (Numbers16{0, 1}));
  EXPECT_EQ(reader.values().result_formats, (Numbers16{1}));
}

TEST(PostgresReader, TellsNullFromEmpty) {
  EXPECT_EQ(server(data_row(3, kNull + sized("") + sized("x"))), "D5 f6 cell=NULL f4 cell[1]= f4 cell[2]=x end");
}

TEST(PostgresReader, HoldsFormatsAgainstParameters) {
  const std::string names = text("") + text("");
  const auto formats = [&](std::uint32_t count, std::uint32_t parameters) {
    std::string bytes = names + be16(count);
    for (std::uint32_t i = 0; i < count; ++i) bytes += be16(0);
    bytes += be16(parameters);
    for (std::uint32_t i = 0; i < parameters; ++i) bytes += kNull;
    return client(message('B', bytes + be16(0)));
  };
  EXPECT_TRUE(formats(0, 3).ends_with("end"));
  EXPECT_TRUE(formats(1, 3).ends_with("end"));
  EXPECT_TRUE(formats(3, 3).ends_with("end"));
  EXPECT_TRUE(formats(1, 0).ends_with("end"));  // PostgreSQL takes it
  EXPECT_TRUE(formats(2, 3).ends_with("error:postgres_bad_count"));
  EXPECT_TRUE(formats(2, 0).ends_with("error:postgres_bad_count"));
}

TEST(PostgresReader, TellsStatementsFromPortals) {
  EXPECT_EQ(client(describe('S', "s")), "D5 f1 statement_name=s f1 end");
  EXPECT_EQ(client(describe('P', "p")), "D5 f1 portal_name=p f1 end");
  EXPECT_EQ(client(close('P', "p") + parse("s", "x")),
            "C5 f1 portal_name=p f1 end P5 statement_name=s f1 query_text=x f3 end");
  EXPECT_EQ(after_request(close('P', "p")).values().target, 'P');
  EXPECT_EQ(client(message('D', "X" + text("s"))), "D5 error:postgres_bad_target");
}

TEST(PostgresReader, LabelsExecuteAndMessagesWithoutContent) {
  EXPECT_EQ(client(execute("p", 100)), "E5 portal_name=p f5 end");
  EXPECT_EQ(after_request(execute("p", 100)).values().max_rows, 100U);
  EXPECT_EQ(client(sync() + message('H') + message('c') + message('X')), "S5 end H5 end c5 end X5 end");
  EXPECT_EQ(client(message('S', "x")), "S5 error:postgres_trailing_bytes");
}

TEST(PostgresReader, LabelsAFunctionCall) {
  const std::string bytes = message('F', be32(1598) + be16(1) + be16(1) + be16(2) + sized("1234") + kNull + be16(1));
  EXPECT_EQ(client(bytes), "F5 f14 argument=1234 f4 argument[1]=NULL f2 end");
  const Reader reader = after_request(bytes);
  EXPECT_EQ(reader.values().function, 1598U);
  EXPECT_EQ(reader.values().formats, (Numbers16{1}));
  EXPECT_EQ(reader.values().format, 1U);
  EXPECT_EQ(server(message('V', sized("result")) + message('V', kNull)),
            "V5 f4 result=result end V5 f4 result=NULL end");
}

TEST(PostgresReader, LabelsCopies) {
  EXPECT_EQ(client(message('d', "1\t2\n") + message('d') + message('f', text("no"))),
            "d5 copy_data=1\\92\\10 end d5 copy_data= end f5 copy_error=no f1 end");
  const std::string begins = message('G', "\1" + be16(2) + be16(1) + be16(1));
  EXPECT_EQ(server(begins), "G5 f7 end");
  EXPECT_EQ(after_response(begins).values().format, 1U);
  EXPECT_EQ(after_response(begins).values().formats, (Numbers16{1, 1}));
  EXPECT_EQ(server(message('d', "1\t2\n") + message('c')), "d5 copy_data=1\\92\\10 end c5 end");
  EXPECT_EQ(server(message('H', "\2" + be16(0))), "H5 error:postgres_bad_format_code");
  EXPECT_EQ(server(message('W', std::string(1, '\0') + be16(0))), "W5 f3 end");
}

// Which of the messages of type p it is, only the authentication knows; a secret they all are.
TEST(PostgresReader, LabelsCredentialsWhole) {
  EXPECT_EQ(client(message('p', text("secret"))), "p5 credential=secret\\0 end");
}

TEST(PostgresReader, LabelsAuthentication) {
  EXPECT_EQ(server(authentication(0)), "R5 f4 end");
  EXPECT_EQ(server(authentication(5, "salt")), "R5 f4 challenge=salt end");
  EXPECT_EQ(server(authentication(10, text("A") + text("B") + '\0')), "R5 f4 mechanism=A f1 mechanism[1]=B f2 end");
  EXPECT_EQ(after_response(authentication(12, "v=")).values().authentication, 12U);
  EXPECT_EQ(server(authentication(77, "any")), "R5 f4 challenge=any end");
  EXPECT_EQ(server(authentication(0, "x")), "R5 f4 error:postgres_trailing_bytes");
  EXPECT_EQ(server(authentication(10, text("A"))), "R5 f4 mechanism=A f1 error:postgres_missing_nul");
}

TEST(PostgresReader, LabelsWhatAServerSaysFirst) {
  EXPECT_EQ(server(backend_key()), "K5 f4 cancel_key=abcd end");
  EXPECT_EQ(after_response(backend_key()).values().process, 4711U);
  EXPECT_EQ(after_response(backend_key()).values().key, (std::vector<std::uint8_t>{'a', 'b', 'c', 'd'}));
  EXPECT_EQ(server(message('S', text("TimeZone") + text("UTC"))),
            "S5 setting_name=TimeZone f1 setting_value=UTC f1 end");
  EXPECT_EQ(server(message('v', be32(2) + be32(1) + text("_pq_.x"))), "v5 f8 protocol_option=_pq_.x f1 end");
  EXPECT_EQ(after_response(message('v', be32(2) + be32(0))).values().protocol, 2U);
  EXPECT_EQ(after_response(ready('E')).values().transaction, 'E');
  EXPECT_EQ(server(ready('X')), "Z5 error:postgres_bad_transaction_status");
}

TEST(PostgresReader, LabelsRows) {
  const std::string columns = column("id", 23, 16384, 1) + column("name", 25, 16384, 2, 1);
  EXPECT_EQ(server(row_description(2, columns)), "T5 f2 column_name=id f19 column_name[1]=name f19 end");
  const Reader reader = after_response(row_description(2, columns));
  ASSERT_EQ(reader.values().columns.size(), 2U);
  EXPECT_EQ(
      reader.values().columns[1],
      (Column{
          .table = 16384, .attribute = 2, .type = 25, .type_size = 0xffff, .type_modifier = 0xffffffff, .format = 1}));
  EXPECT_EQ(server(data_row(0, "")), "D5 f2 end");
  EXPECT_EQ(after_response(data_row(2, kNull + kNull)).values().count, 2U);
  EXPECT_EQ(after_response(message('t', be16(1) + be32(23))).values().types, (Numbers32{23}));
  EXPECT_EQ(server(message('1') + message('2') + message('3') + message('n') + message('s') + message('I')),
            "15 end 25 end 35 end n5 end s5 end I5 end");
}

TEST(PostgresReader, LabelsErrorFieldsWithTheirCodes) {
  EXPECT_EQ(server(failure("42P01")), "E5 f1 error_text:S=ERROR f2 error_text:C[1]=42P01 f2 error_text:M[2]=no f2 end");
  EXPECT_EQ(server(message('N', std::string(1, '\0'))), "N5 f1 end");
  EXPECT_EQ(server(message('E', "S" + text("ERROR"))), "E5 f1 error_text:S=ERROR f1 error:postgres_missing_nul");
}

TEST(PostgresReader, LabelsNotificationsAndTags) {
  EXPECT_EQ(server(message('A', be32(9) + text("orders") + text("new"))),
            "A5 f4 channel=orders f1 notification=new f1 end");
  EXPECT_EQ(server(complete("INSERT 0 1")), "C5 command_tag=INSERT 0 1 f1 end");
}

TEST(PostgresReader, RefusesTypesOfTheOtherDirection) {
  for (const char type : {'Q', 'P', 'B', 'F', 'X', 'p', 'f'})
    EXPECT_EQ(server(message(type)), "error:postgres_unknown_message") << type;
  for (const char type : {'1', '2', '3', 'A', 'G', 'I', 'K', 'N', 'R', 'T', 'V', 'W', 'Z', 'n', 's', 't', 'v', '\0'})
    EXPECT_EQ(client(message(type)), "error:postgres_unknown_message") << type;
}

TEST(PostgresReader, RefusesLengthsThatCannotBe) {
  EXPECT_EQ(client("Q" + be32(3)), "more4 error:postgres_bad_length");
  EXPECT_EQ(client("Q" + be32(0)), "more4 error:postgres_bad_length");
  EXPECT_EQ(client("Q" + be32(0x80000000)), "more4 error:postgres_bad_length");
  EXPECT_EQ(server(data_row(1, be32(2) + "1")), "D5 f5 error:postgres_bad_field_length");
  EXPECT_EQ(server(data_row(1, be32(0xfffffffe))), "D5 f5 error:postgres_bad_field_length");
  EXPECT_EQ(server(data_row(1, sized("12") + "3")), "D5 f6 cell=12 error:postgres_trailing_bytes");
  EXPECT_EQ(server(message('Z')), "Z5 error:postgres_truncated_message");
}

TEST(PostgresReader, RefusesCountsThatDoNotFit) {
  EXPECT_EQ(server(data_row(2, kNull)), "D5 f1 error:postgres_bad_count");
  EXPECT_EQ(server(message('t', be16(0xffff) + be32(1))), "t5 f1 error:postgres_bad_count");
  EXPECT_EQ(server(message('v', be32(0) + be32(0xffffffff) + "x")), "v5 f7 error:postgres_bad_count");
  EXPECT_EQ(server(row_description(2, column("id"))), "T5 f1 error:postgres_bad_count");
}

TEST(PostgresReader, BoundsColumns) {
  const std::string bytes = row_description(2, column("a") + column("b"));
  EXPECT_TRUE(labels({.direction = Direction::response, .limits = {.columns = 2}, .bytes = bytes}).ends_with("end"));
  EXPECT_EQ(labels({.direction = Direction::response, .limits = {.columns = 1}, .bytes = bytes}),
            "T5 f1 error:postgres_too_many_columns");
}

TEST(PostgresReader, ReadsTheAnswerToARequestForEncryption) {
  const auto answer = [](char to, std::string bytes) {
    return labels({.direction = Direction::response, .answer = to, .bytes = std::move(bytes)});
  };
  EXPECT_EQ(answer('S', "N" + ready()), "N1 end Z5 f1 end");
  EXPECT_EQ(answer('S', "S"), "S1 end");
  EXPECT_EQ(answer('G', "G"), "G1 end");
  EXPECT_EQ(answer('S', "G"), "error:postgres_bad_answer");
  EXPECT_EQ(answer('G', "S"), "error:postgres_bad_answer");
  EXPECT_EQ(answer('S', ready()), "error:postgres_bad_answer");
  EXPECT_TRUE(answer('S', failure()).starts_with("E5 f1 error_text:S"));
}

TEST(PostgresReader, BecomesOpaqueBetweenMessages) {
  Reader reader(Direction::request);
  EXPECT_EQ(reader.next(as_bytes(kSslRequestPacket)).kind, StepKind::message);
  EXPECT_EQ(reader.next({}).kind, StepKind::message_end);
  reader.become_opaque();
  const Step step = reader.next(as_bytes("\x16\x03"), 10);
  EXPECT_EQ(step.kind, StepKind::opaque);
  EXPECT_EQ(step.bytes, 12U);
  EXPECT_EQ(reader.finish().kind, StepKind::message_end);
}

// A length that a peer made up labels nothing that did not come, and reserves nothing.
TEST(PostgresReader, StreamsAMessageOfTwoGibibytes) {
  Reader reader = reader_for({});
  const std::string head = "d" + be32(0x7fffffff);
  EXPECT_EQ(reader.next(as_bytes(head)).kind, StepKind::message);
  std::uint64_t left = 0x7fffffff - 4;
  const std::string run(1000, 'x');
  while (left > 0) {
    const Step step = reader.next(as_bytes(run), 100'000'000);
    ASSERT_EQ(step.kind, StepKind::field);
    ASSERT_EQ(step.bytes, std::min<std::uint64_t>(left, 100'001'000));
    left -= step.bytes;
    ASSERT_EQ(reader.field().last, left == 0);
  }
  EXPECT_EQ(reader.next({}).kind, StepKind::message_end);
}

TEST(PostgresReader, LabelsContentThatLiesBehindUnseenAndNothingElse) {
  Reader reader(Direction::response);
  const std::string head = "D" + be32(4 + 2 + 4 + 50 + 4) + be16(2) + be32(50);
  Bytes rest = as_bytes(head);
  EXPECT_EQ(reader.next(rest, 1000).bytes, 5U);
  EXPECT_EQ(reader.next(rest.subspan(5), 1000).bytes, 6U);
  const Step step = reader.next(as_bytes("0123456789"), 1000);
  EXPECT_EQ(step.kind, StepKind::field);
  EXPECT_EQ(step.bytes, 50U);
  EXPECT_EQ(reader.next(as_bytes(be32(0xffffffff)), 1000).bytes, 4U);
  Reader texts = reader_for({});
  EXPECT_EQ(texts.next(as_bytes(query("abc").substr(0, 7)), 1000).bytes, 5U);
  EXPECT_EQ(texts.next(as_bytes("ab"), 1000).bytes, 2U);  // a NUL may lie in what is behind
}

TEST(PostgresReader, StaysInError) {
  Reader reader(Direction::response);
  EXPECT_EQ(reader.next(as_bytes("Q")).error, ErrorCode::postgres_unknown_message);
  EXPECT_EQ(reader.next(as_bytes(ready())).error, ErrorCode::postgres_unknown_message);
  reader.become_opaque();
  EXPECT_EQ(reader.next({}).error, ErrorCode::postgres_unknown_message);
  EXPECT_EQ(reader.finish().error, ErrorCode::postgres_unknown_message);
  EXPECT_FALSE(reader.idle());
}

TEST(PostgresReader, FinishesBetweenMessagesOnly) {
  for (const std::size_t size : {1U, 4U, 5U, 9U}) {
    Reader reader = reader_for({});
    const std::string bytes = query("select 1").substr(0, size);
    Bytes rest = as_bytes(bytes);
    for (Step step = reader.next(rest); step.bytes > 0; step = reader.next(rest)) rest = rest.subspan(step.bytes);
    EXPECT_FALSE(reader.idle());
    EXPECT_EQ(reader.finish().error, ErrorCode::postgres_incomplete);
  }
  Reader reader = reader_for({});
  EXPECT_TRUE(reader.idle());
  EXPECT_EQ(reader.finish().kind, StepKind::message_end);
}

}  // namespace
}  // namespace sluice::postgres
