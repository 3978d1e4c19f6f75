// A worker's recorder: what stands in the page, what happens when pages run out, and what a gap says.
#include "dataplane/record/worker_recorder.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "common/random.h"
#include "tests/unit/dataplane/record/record_fixture.h"

namespace sluice::record {
namespace {

namespace log = schema::log;
using namespace test;

TEST(WorkerRecorder, writes_every_kind_of_record_as_it_was_said) {
  OneWorker one;
  Subject who = subject_of();
  who.principal_verified = true;
  const Hit hits[] = {{2, 5, "pii/card"}, {9, 1, "pii/email"}};
  EXPECT_EQ(one.recorder.open(who, {0x0a4d0001, 40000, 0x0a4d0002, 8080, 0}, kToday), 1U);
  fill_pattern(one.recorder.head(who, {1, Direction::request, false, true}, 333, kToday + 1), 7);
  fill_pattern(one.recorder.slice(who, {1, Direction::response, 4096, true}, 1001, kToday + 2), 7);
  EXPECT_EQ(one.recorder.end(who,
                             {1, Direction::response, Verdict::mask, ErrorCode::http_incomplete, 12, 5000, false, true,
                              hits, "orders/few"},
                             kToday + 3),
            4U);
  EXPECT_EQ(one.recorder.close(who, {ErrorCode::tcp_timeout, 11, 22, 2}, kToday + 4), 5U);
  EXPECT_EQ(one.recorder.appended(), 5U);
  one.recorder.hand_over();
  const auto pages = one.taken();
  ASSERT_EQ(pages.size(), 1U);
  const Page& page = *pages[0];
  ASSERT_EQ(page.count, 5U);
  EXPECT_EQ(page.last_sequence, 5U);
  for (std::uint32_t i = 0; i < 5; ++i) {
    const log::Record& record = verified(page.record(i));
    EXPECT_EQ(record.sequence(), i + 1);
    EXPECT_EQ(record.session(), 7U);
    EXPECT_EQ(record.worker(), 3U);
    EXPECT_EQ(record.wall_ns(), kToday + i);
    EXPECT_EQ(record.service()->str(), "orders");
    EXPECT_EQ(record.record_class()->str(), "routine");
    EXPECT_EQ(record.principal()->str(), "ci");
    EXPECT_TRUE(record.principal_verified());
  }
  const auto& open = *verified(page.record(0)).body_as_SessionOpen();
  EXPECT_EQ(open.client_address(), 0x0a4d0001U);
  EXPECT_EQ(open.server_port(), 8080);
  const auto& head = *verified(page.record(1)).body_as_UnitHead();
  EXPECT_TRUE(head.synthesized());
  EXPECT_EQ(head.head()->size(), 333U);
  EXPECT_TRUE(holds_pattern(*head.head(), 7));
  const auto& slice = *verified(page.record(2)).body_as_Slice();
  EXPECT_EQ(slice.offset(), 4096U);
  EXPECT_EQ(slice.direction(), log::Direction::response);
  EXPECT_TRUE(slice.trailers());
  EXPECT_EQ(slice.bytes()->size(), 1001U);
  EXPECT_TRUE(holds_pattern(*slice.bytes(), 7));
  const auto& end = *verified(page.record(3)).body_as_UnitEnd();
  EXPECT_EQ(end.verdict(), log::Verdict::mask);
  EXPECT_EQ(end.error(), 320);
  EXPECT_EQ(end.policy_version(), 12U);
  EXPECT_EQ(end.body_bytes(), 5000U);
  EXPECT_FALSE(end.complete());
  EXPECT_TRUE(end.observed());
  ASSERT_EQ(end.hits()->size(), 2U);
  EXPECT_EQ(end.hits()->Get(1)->rule(), 9U);
  EXPECT_EQ(end.hits()->Get(0)->count(), 5U);
  EXPECT_EQ(end.rule_names()->Get(1)->str(), "pii/email");
  EXPECT_EQ(end.limit()->str(), "orders/few");
  const auto& close = *verified(page.record(4)).body_as_SessionClose();
  EXPECT_EQ(close.response_bytes(), 22U);
  EXPECT_EQ(close.error(), 203);
}

TEST(WorkerRecorder, says_of_each_session_its_own_numbers_whoever_came_before) {
  OneWorker one;
  const Subject subjects[] = {
      subject_of(),
      {.session = 0, .service = "orders", .record_class = "routine", .principal = "people"},
      {.session = 0, .service = "orders", .record_class = "privileged", .principal = "ci"},
      {.session = 0, .service = "orders", .record_class = "routine", .principal = "ci", .principal_verified = true}};
  struct Said {
    Subject who;
    WallNs wall = 0;
    bool is_open = false;
    SessionOpen open;
    SessionClose close;
  };
  Random random(5);
  const auto often_none = [&](std::uint64_t most) { return random.chance(1, 2) ? 0 : random.below(most); };
  std::vector<Said> said;
  for (std::uint64_t i = 0; i < 300; ++i) {
    Said one_more{
        .who = subjects[random.below(4)], .wall = kToday + i, .is_open = random.chance(1, 2), .open = {}, .close = {}};
    one_more.who.session = often_none(1000);
    const auto address = [&] {
      return random.chance(1, 4) ? IpAddress(7, random.below(100))
                                 : IpAddress(static_cast<std::uint32_t>(often_none(0xffffffff)));
    };
    const auto port = [&] { return static_cast<std::uint16_t>(often_none(65535)); };
    one_more.open = {address(), port(), {}, port(), static_cast<std::uint8_t>(random.below(3))};
    one_more.open.server_address = one_more.open.client_address.next();
    one_more.close = {random.chance(1, 2) ? ErrorCode::ok : ErrorCode::tcp_timeout, often_none(1U << 30),
                      often_none(1U << 30), static_cast<std::uint32_t>(often_none(9))};
    const std::uint64_t sequence = one_more.is_open ? one.recorder.open(one_more.who, one_more.open, one_more.wall)
                                                    : one.recorder.close(one_more.who, one_more.close, one_more.wall);
    said.push_back(one_more);
    ASSERT_EQ(sequence, said.size());
  }
  one.recorder.hand_over();
  std::size_t at = 0;
  for (const Page* page : one.taken()) {
    for (std::uint32_t i = 0; i < page->count; ++i, ++at) {
      const log::Record& record = verified(page->record(i));
      const Said& expected = said[at];
      EXPECT_EQ(record.sequence(), at + 1);
      EXPECT_EQ(record.session(), expected.who.session);
      EXPECT_EQ(record.worker(), 3U);
      EXPECT_EQ(record.wall_ns(), expected.wall);
      EXPECT_EQ(record.service()->str(), expected.who.service);
      EXPECT_EQ(record.record_class()->str(), expected.who.record_class);
      EXPECT_EQ(record.principal()->str(), expected.who.principal);
      EXPECT_EQ(record.principal_verified(), expected.who.principal_verified);
      if (expected.is_open) {
        const auto& open = *record.body_as_SessionOpen();
        const bool is_ipv4 = expected.open.client_address.is_ipv4();
        EXPECT_EQ(open.client_ipv6() == nullptr, is_ipv4);
        EXPECT_EQ(open.client_address(), is_ipv4 ? expected.open.client_address.ipv4() : 0);
        EXPECT_EQ(open.server_address(), is_ipv4 ? expected.open.server_address.ipv4() : 0);
        if (!is_ipv4) {
          EXPECT_EQ(open.client_ipv6()->low(), expected.open.client_address.low);
        }
        EXPECT_EQ(open.client_port(), expected.open.client_port);
        EXPECT_EQ(open.server_port(), expected.open.server_port);
        EXPECT_EQ(static_cast<std::uint8_t>(open.protocol()), expected.open.protocol);
      } else {
        const auto& close = *record.body_as_SessionClose();
        EXPECT_EQ(close.error(), static_cast<std::uint16_t>(expected.close.error));
        EXPECT_EQ(close.request_bytes(), expected.close.request_bytes);
        EXPECT_EQ(close.response_bytes(), expected.close.response_bytes);
        EXPECT_EQ(close.units(), expected.close.units);
      }
    }
  }
  EXPECT_EQ(at, said.size());
}

TEST(WorkerRecorder, keeps_order_and_bytes_over_page_boundaries) {
  OneWorker one(16);
  Random random(5);
  std::uint64_t sequence = 0;
  for (int i = 0; i < 40; ++i) {
    const std::size_t bytes = i % 3 == 0 ? kMaxSliceBytes : random.below(kMaxSliceBytes) + 1;
    fill_pattern(one.recorder.slice(subject_of("orders", 1 + i), {.unit = 1}, bytes, kToday), 1 + i);
  }
  one.recorder.hand_over();
  for (const Page* page : one.taken())
    for (std::uint32_t i = 0; i < page->count; ++i) {
      const log::Record& record = verified(page->record(i));
      EXPECT_EQ(record.sequence(), ++sequence);
      EXPECT_TRUE(holds_pattern(*record.body_as_Slice()->bytes(), sequence));
    }
  EXPECT_EQ(sequence, 40U);
}

TEST(WorkerRecorder, takes_the_largest_payload_and_names_and_hits_that_it_bounds) {
  OneWorker one;
  const std::string name(3000, 'n');
  Subject who = subject_of();
  who.service = who.record_class = who.principal = name;
  EXPECT_EQ(one.recorder.head(who, {}, kMaxRecordPayload, kToday).size(), kMaxRecordPayload);
  const std::vector<Hit> hits(5000, Hit{1, 1, name});
  const std::vector<ScorePart> parts(1000, ScorePart{name, 1});
  const Score score{.total = 1000, .line = 1, .parts = parts};
  EXPECT_NE(one.recorder.end(who, {.hits = hits, .limit = name, .score = &score}, kToday), 0U);
  EXPECT_EQ(one.recorder.slice(who, {}, 0, kToday).size(), 0U);
  one.recorder.hand_over();
  const auto pages = one.taken();
  ASSERT_EQ(pages.size(), 1U);
  EXPECT_EQ(verified(pages[0]->record(0)).service()->size(), 1024U);
  const auto& end = *verified(pages[0]->record(1)).body_as_UnitEnd();
  EXPECT_GT(end.hits()->size(), 50U);
  EXPECT_EQ(end.hits()->size(), end.rule_names()->size());
  for (std::uint32_t i = 0; i < 3; ++i) EXPECT_LE(pages[0]->record(i).size(), segment::kMaxRecordBytes);
}

TEST(WorkerRecorder, takes_of_a_draft_what_the_slice_says_and_leaves_no_trace_of_the_rest) {
  constexpr std::uint8_t kBeyond = 0xee;  // what was drafted and not taken
  constexpr std::size_t kTaken[] = {1, 2, 3, 4, 5, 63, 64, 1000, 1001, 40000, kMaxSliceBytes};
  constexpr std::size_t kMore[] = {0, 1, 2, 3, 4, 7, 60, 61, 64, 65, 68, 500};
  for (const std::size_t taken : kTaken) {
    for (const std::size_t more : kMore) {
      if (taken + more > kMaxSliceBytes) continue;
      OneWorker one;
      fill_pattern(one.recorder.slice(subject_of(), {.unit = 1}, 77, kToday), 1);
      const MutableBytes draft = one.recorder.draft(subject_of(), taken + more);
      ASSERT_EQ(draft.size(), taken + more);
      fill_pattern(draft.first(taken), 7);
      std::ranges::fill(draft.subspan(taken), kBeyond);
      EXPECT_EQ(one.recorder.slice(subject_of(), {.unit = 2, .drafted = true}, taken, kToday).size(), taken);
      fill_pattern(one.recorder.slice(subject_of(), {.unit = 3}, 78, kToday), 3);
      one.recorder.hand_over();
      const auto pages = one.taken();
      ASSERT_EQ(pages.size(), 1U);
      ASSERT_EQ(pages[0]->count, 3U);
      EXPECT_TRUE(holds_pattern(*verified(pages[0]->record(0)).body_as_Slice()->bytes(), 1));
      const Bytes record = pages[0]->record(1);
      const auto& slice = *verified(record).body_as_Slice();
      ASSERT_EQ(slice.bytes()->size(), taken);
      EXPECT_TRUE(holds_pattern(*slice.bytes(), 7));
      const std::vector<std::uint8_t> trace(8, kBeyond);
      EXPECT_TRUE(std::ranges::search(record, trace).empty()) << taken << " of " << taken + more;
      EXPECT_TRUE(holds_pattern(*verified(pages[0]->record(2)).body_as_Slice()->bytes(), 3));
    }
  }
}

TEST(WorkerRecorder, forgets_a_draft_that_the_next_call_does_not_take) {
  OneWorker one;
  std::ranges::fill(one.recorder.draft(subject_of(), 500), 0xee);
  fill_pattern(one.recorder.head(subject_of(), {}, 400, kToday), 5);
  fill_pattern(one.recorder.slice(subject_of(), {}, 1000, kToday), 6);  // more than was drafted
  one.recorder.hand_over();
  const auto pages = one.taken();
  ASSERT_EQ(pages.size(), 1U);
  ASSERT_EQ(pages[0]->count, 2U);
  EXPECT_TRUE(holds_pattern(*verified(pages[0]->record(0)).body_as_UnitHead()->head(), 5));
  EXPECT_TRUE(holds_pattern(*verified(pages[0]->record(1)).body_as_Slice()->bytes(), 6));
}

TEST(WorkerRecorder, a_slice_of_another_session_does_not_find_a_draft) {
  OneWorker one;
  std::ranges::fill(one.recorder.draft(subject_of(), 4), 0xee);
  fill_pattern(one.recorder.slice(subject_of(), {}, 1448, kToday), 6);
  std::ranges::fill(one.recorder.draft(subject_of(), 500), 0xee);
  one.recorder.hand_over();
  fill_pattern(one.recorder.slice(subject_of(), {}, 100, kToday), 7);
  one.recorder.hand_over();
  const auto pages = one.taken();
  ASSERT_EQ(pages.size(), 2U);
  EXPECT_TRUE(holds_pattern(*verified(pages[0]->record(0)).body_as_Slice()->bytes(), 6));
  EXPECT_TRUE(holds_pattern(*verified(pages[1]->record(0)).body_as_Slice()->bytes(), 7));
}

TEST(WorkerRecorder, drafts_on_the_next_page_where_one_is_full_and_nowhere_when_none_is_left) {
  OneWorker one;
  std::size_t drafted = 0;
  for (; one.recorder.has_room(kMaxSliceBytes); ++drafted) {
    const MutableBytes draft = one.recorder.draft(subject_of(), kMaxSliceBytes);
    ASSERT_EQ(draft.size(), kMaxSliceBytes);
    fill_pattern(draft, drafted);
    one.recorder.slice(subject_of(), {.drafted = true}, kMaxSliceBytes - drafted % 3, kToday);
  }
  one.recorder.hand_over();
  std::size_t found = 0;
  for (const Page* page : one.taken())
    for (std::uint32_t i = 0; i < page->count; ++i, ++found)
      EXPECT_TRUE(holds_pattern(*verified(page->record(i)).body_as_Slice()->bytes(), found));
  EXPECT_EQ(found, drafted);
  while (one.lane.gap_records.value() == 0) one.recorder.slice(subject_of(), {}, kMaxSliceBytes, kToday);
  EXPECT_TRUE(one.recorder.draft(subject_of(), 10).empty());
}

TEST(WorkerRecorder, hands_a_page_over_at_its_age_and_not_before) {
  OneWorker one;
  one.recorder.flush(kToday);
  one.recorder.end(subject_of(), {}, kToday);
  one.recorder.flush(kToday + kMillisecond - 1);
  EXPECT_TRUE(one.taken().empty());
  one.recorder.flush(kToday + kMillisecond);
  EXPECT_EQ(one.taken().size(), 1U);
  // The wall clock was set back: the page is due rather than stuck.
  one.recorder.end(subject_of(), {}, kToday);
  one.recorder.flush(kToday - kSecond);
  EXPECT_EQ(one.taken().size(), 1U);
}

TEST(WorkerRecorder, hands_a_young_page_over_when_something_waits_for_it) {
  OneWorker one;
  one.recorder.end(subject_of(), {}, kToday);
  one.recorder.urge();
  one.recorder.flush(kToday);
  EXPECT_EQ(one.taken().size(), 1U);
  one.recorder.end(subject_of(), {}, kToday);
  one.recorder.flush(kToday);
  EXPECT_TRUE(one.taken().empty());
}

TEST(WorkerRecorder, that_said_it_has_room_has_it_however_the_bytes_are_cut) {
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    Random random(seed);
    OneWorker one(2 + random.below(6));
    std::size_t granted = 0;
    for (;;) {
      const std::size_t bytes = 1 + random.below(200'000);
      if (!one.recorder.has_room(bytes)) break;
      granted += bytes;
      for (std::size_t left = bytes; left > 0;) {
        const std::size_t part = std::min(left, std::min(kMaxSliceBytes, 1024 + random.below(kMaxSliceBytes)));
        one.recorder.slice(subject_of(), {}, part, kToday);
        left -= part;
      }
      for (int i = 0; i < 6; ++i) ASSERT_NE(one.recorder.end(subject_of(), {}, kToday), 0U);
    }
    EXPECT_EQ(one.lane.gap_records.value(), 0U) << seed;
    EXPECT_EQ(one.lane.stalls.value(), 1U);
    // And it uses most of what there is.
    if (one.lane.pool.pages().size() > 4) {
      EXPECT_GT(granted, one.lane.pool.pages().size() * kPageBytes / 3) << seed;
    }
  }
}

TEST(WorkerRecorder, goes_on_when_pages_come_back) {
  OneWorker one(2);
  while (one.recorder.has_room(kMaxSliceBytes)) one.recorder.slice(subject_of(), {}, kMaxSliceBytes, kToday);
  EXPECT_EQ(one.lane.stalls.value(), 1U);
  one.recorder.hand_over();
  for (Page* page : one.taken()) one.lane.free.push(page);
  EXPECT_TRUE(one.recorder.has_room(kMaxSliceBytes));
}

TEST(WorkerRecorder, counts_what_it_leaves_out_and_says_so_where_it_is_missing) {
  OneWorker one(2);
  Subject who = subject_of("orders", 7);
  who.best_effort = true;
  Subject other = subject_of("billing", 8);
  while (one.lane.gap_records.value() == 0) fill_pattern(one.recorder.slice(who, {}, kMaxSliceBytes, kToday), 7);
  const std::uint64_t before = one.recorder.appended();
  // Payload that finds no page still has a place to go to.
  fill_pattern(one.recorder.slice(who, {}, 1000, kToday), 7);
  EXPECT_EQ(one.recorder.end(who, {}, kToday), 0U);
  EXPECT_EQ(one.recorder.end(other, {}, kToday), 0U);
  EXPECT_EQ(one.recorder.appended(), before);
  for (Page* page : one.taken()) one.lane.free.push(page);
  EXPECT_NE(one.recorder.end(who, {}, kToday), 0U);
  one.recorder.hand_over();
  const auto pages = one.taken();
  ASSERT_EQ(pages.size(), 1U);
  ASSERT_EQ(pages[0]->count, 3U);
  const log::Record& first = verified(pages[0]->record(0));
  EXPECT_EQ(first.sequence(), before + 1);
  EXPECT_EQ(first.service()->str(), "billing");
  EXPECT_EQ(first.session(), 8U);
  EXPECT_EQ(first.body_as_Gap()->records(), 1U);
  const log::Record& second = verified(pages[0]->record(1));
  EXPECT_EQ(second.service()->str(), "orders");
  EXPECT_EQ(second.body_as_Gap()->records(), 3U);
  EXPECT_EQ(second.body_as_Gap()->bytes(), kMaxSliceBytes + 1000);
  EXPECT_NE(verified(pages[0]->record(2)).body_as_UnitEnd(), nullptr);
}

TEST(PendingGaps, lose_no_count_when_there_are_more_than_places) {
  PendingGaps gaps;
  for (SessionId session = 1; session <= 1000; ++session)
    gaps.add(session, session % 2 == 0 ? "orders" : "billing", "routine", 10);
  for (int i = 0; i < 100; ++i) gaps.add(1, "service-" + std::to_string(i), "routine", 10);
  std::uint64_t records = 0;
  std::uint64_t bytes = 0;
  std::uint64_t of_nobody = 0;
  for (; !gaps.empty(); gaps.drop_last()) {
    records += gaps.last().records;
    bytes += gaps.last().bytes;
    if (gaps.last().service.empty()) of_nobody += gaps.last().records;
  }
  EXPECT_EQ(records, 1100U);
  EXPECT_EQ(bytes, 11000U);
  EXPECT_EQ(of_nobody, 100U);
}

}  // namespace
}  // namespace sluice::record
