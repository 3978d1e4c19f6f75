#include <gtest/gtest.h>

#include "control/archive/exchange.h"
#include "control/archive/session_records.h"
#include "tests/unit/control/archive_fixture.h"

namespace sluice::control {
namespace {

using test::Archive;
using test::RecordMaker;

constexpr SessionId kFirst = 0x0005f00000000001;
constexpr SessionId kSecond_ = 0xf405f00000000002;  // of worker 61: its top bit is set
constexpr const char* kRequest = "POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n";
constexpr const char* kResponse = "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n";

// Two sessions, interleaved, each record its own.
std::vector<RecordMaker::Record> two_sessions() {
  RecordMaker maker;
  std::vector<RecordMaker::Record> records = {maker.open(kFirst), maker.open(kSecond_)};
  for (std::uint32_t unit = 0; unit < 3; ++unit) {
    for (const SessionId session : {kFirst, kSecond_}) {
      const auto more =
          maker.exchange(session, unit, kRequest, "hello", kResponse, "world!", session == kFirst ? 2 : 0);
      records.insert(records.end(), more.begin(), more.end());
    }
  }
  records.push_back(maker.close(kFirst));
  return records;
}

void expect_two_sessions(Index& index) {
  const auto rows = index.list({});
  ASSERT_TRUE(rows);
  ASSERT_EQ(rows->size(), 2U);
  const SessionRow& second = (*rows)[0];
  const SessionRow& first = (*rows)[1];
  EXPECT_EQ(first.id, kFirst);
  EXPECT_EQ(second.id, kSecond_);
  EXPECT_EQ(first.requests, 3U);
  EXPECT_EQ(first.responses, 3U);
  EXPECT_EQ(first.masked, 3U);
  EXPECT_EQ(first.hits, 6U);
  EXPECT_EQ(first.verdict, Verdict::mask);
  EXPECT_TRUE(first.closed);
  EXPECT_EQ(first.request_bytes, 1000U);  // the stream's, from its close
  EXPECT_FALSE(second.closed);
  EXPECT_EQ(second.request_bytes, 15U);
  EXPECT_EQ(second.response_bytes, 18U);
  EXPECT_EQ(format_endpoint(second.server_address, second.server_port), "10.77.0.2:8080");
}

TEST(Index, EveryCutIntoBlocksAndReadingsGivesTheSame) {
  const auto records = two_sessions();
  for (std::size_t cut = 1; cut < records.size(); ++cut) {
    Archive archive;
    const auto at = records.begin() + static_cast<std::ptrdiff_t>(cut);
    archive.block({records.begin(), at});
    ASSERT_NO_FATAL_FAILURE(archive.refresh());
    if (cut % 3 == 0) archive.reopen();
    archive.block({at, records.end()}).seal();
    ASSERT_NO_FATAL_FAILURE(archive.refresh());
    ASSERT_NO_FATAL_FAILURE(archive.refresh());  // nothing new
    expect_two_sessions(archive.index());
    const auto session = SessionRecords::open(archive.index(), kSecond_);
    ASSERT_TRUE(session);
    const Exchanges exchanges = read_exchanges(*session, {}, session->begin());
    ASSERT_EQ(exchanges.units.size(), 3U) << cut;
    EXPECT_EQ(exchanges.problem, "");
    for (const Unit& unit : exchanges.units) {
      EXPECT_EQ(unit.request.head, kRequest);
      EXPECT_EQ(unit.request.body, "hello");
      EXPECT_EQ(unit.response.body, "world!");
      EXPECT_FALSE(unit.response.has_holes);
    }
  }
}

TEST(Index, NeverReadsAgainWhatItHasRead) {
  Archive archive;
  const auto records = two_sessions();
  archive.block(records).seal();
  ASSERT_NO_FATAL_FAILURE(archive.refresh());
  // Spoilt behind its back: a second reading would see damage, or count twice.
  archive.builder().bytes()[archive.builder().block_offset(0) + 200] ^= 0xff;
  ASSERT_NO_FATAL_FAILURE(archive.refresh());
  archive.reopen();
  ASSERT_NO_FATAL_FAILURE(archive.refresh());
  expect_two_sessions(archive.index());
  EXPECT_EQ(archive.index().status()->damages, 0U);
}

TEST(Index, IsMadeAnewWhenASegmentIsNotTheOneItRead) {
  Archive archive;
  archive.block(two_sessions());
  ASSERT_NO_FATAL_FAILURE(archive.refresh());
  archive.builder().bytes().resize(segment::kHeaderBytes);  // shorter than what was read: cut by somebody
  archive.write();
  for (int i = 0; i < 2; ++i) ASSERT_TRUE(archive.index().refresh(Index::Clock::now() + std::chrono::seconds(60)));
  EXPECT_EQ(archive.index().list({})->size(), 0U);
}

TEST(Index, QueriesChooseByServicePrincipalAndTime) {
  Archive archive;
  archive.block(two_sessions());
  ASSERT_NO_FATAL_FAILURE(archive.refresh());
  SessionQuery query;
  query.service = "orders";
  query.principal = "ci";
  query.since_wall_ns = test::kStart + 2 * kMillisecond;  // the first opened 1 ms after the start
  const auto rows = archive.index().list(query);
  ASSERT_EQ(rows->size(), 1U);
  EXPECT_EQ((*rows)[0].id, kSecond_);
  query.service = "other";
  EXPECT_EQ(archive.index().list(query)->size(), 0U);
  EXPECT_EQ(archive.index().find(77).error().code, ErrorCode::not_found);
}

TEST(Exchanges, AWindowEndsWhereTheNextBegins) {
  Archive archive;
  for (const auto& record : two_sessions()) archive.block({record});
  ASSERT_NO_FATAL_FAILURE(archive.refresh());
  const auto session = SessionRecords::open(archive.index(), kFirst);
  ASSERT_TRUE(session);
  UnitWindow window;
  window.limit = 2;
  window.body_bytes = 3;
  const Exchanges first = read_exchanges(*session, window, session->begin());
  ASSERT_EQ(first.units.size(), 2U);
  EXPECT_TRUE(first.has_more);
  EXPECT_EQ(first.units[0].request.body, "hel");
  EXPECT_EQ(first.units[0].request.recorded_bytes, 5U);
  EXPECT_EQ(first.units[1].response.hits.at(0).rule, "pii/card");
  window.first = 2;
  const Exchanges rest = read_exchanges(*session, window, first.next);
  ASSERT_EQ(rest.units.size(), 1U);
  EXPECT_EQ(rest.units[0].number, 2U);
  EXPECT_TRUE(rest.units[0].response.ended);
  EXPECT_FALSE(rest.has_more);
}

TEST(StreamBody, GivesTheWholeBodyOrSaysWhereItEnds) {
  RecordMaker maker;
  Archive archive;
  const std::string piece(60'000, 'x');
  std::vector<RecordMaker::Record> records = {maker.open(kFirst),
                                              maker.head(kFirst, 0, Direction::response, kResponse)};
  for (std::uint64_t i = 0; i < 20; ++i) {
    archive.block(records);
    records = {maker.slice(kFirst, 0, Direction::response, i * piece.size(), piece),
               maker.slice(kFirst, 1, Direction::response, i * piece.size() + (i > 9 ? 1 : 0), piece)};
  }
  records.push_back(maker.end(kFirst, 0, Direction::response, 20 * piece.size()));
  archive.block(records).seal();
  ASSERT_NO_FATAL_FAILURE(archive.refresh());
  const auto session = SessionRecords::open(archive.index(), kFirst);
  std::uint64_t bytes = 0;
  const auto sink = [&](Bytes part) {
    bytes += part.size();
    return true;
  };
  const auto place = find_message(*session, 0, Direction::response);
  ASSERT_TRUE(place);
  EXPECT_TRUE(stream_body(*session, *place, 0, Direction::response, sink));
  EXPECT_EQ(bytes, 20 * piece.size());
  bytes = 0;
  const auto holed = stream_body(*session, session->begin(), 1, Direction::response, sink);
  ASSERT_FALSE(holed);
  EXPECT_EQ(holed.error().code, ErrorCode::record_gap);
  EXPECT_EQ(bytes, 10 * piece.size());
  EXPECT_EQ(find_message(*session, 5, Direction::request).error().code, ErrorCode::not_found);
}

}  // namespace
}  // namespace sluice::control
