// Records of units are mostly copies of earlier ones with other numbers in them: whichever came before, each says what
// was said of it, and shows nothing of another.
#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/random.h"
#include "tests/unit/dataplane/record/record_fixture.h"

namespace sluice::record::test {
namespace {

namespace log = schema::log;

constexpr std::uint8_t kBeyond = 0xee;  // what was drafted and not taken
const std::array<Hit, 3> kRules = {{{2, 0, "pii/card"}, {9, 0, "pii/email"}, {9, 0, "pii/email-2"}}};
constexpr std::array<ScorePart, 2> kScoreParts = {{{"behaviour/pieces", 40}, {"local/wipe", 30}}};

struct Said {
  enum class Kind : std::uint8_t { head, slice, end };
  Kind kind = Kind::head;
  Subject who;
  WallNs wall = 0;
  UnitHead head;
  SliceInfo slice;
  UnitEnd end;
  std::vector<Hit> hits;
  std::optional<Score> score;
  std::size_t bytes = 0;
};

std::uint64_t often_none(Random& random, std::uint64_t most) {
  return random.chance(1, 2) ? 0 : random.below(most);
}

Said say_something(Random& random, WallNs wall) {
  const Subject subjects[] = {subject_of(),
                              subject_of("billing"),
                              {.service = "orders", .record_class = "routine", .principal = "people"},
                              {.service = "orders", .record_class = "privileged", .principal = "ci"},
                              {.service = "orders", .record_class = "routine", .principal_verified = true}};
  Said said;
  said.kind = static_cast<Said::Kind>(random.below(3));
  said.who = subjects[random.below(std::size(subjects))];
  said.who.session = often_none(random, 1000);
  said.wall = wall;
  const auto unit = static_cast<std::uint32_t>(often_none(random, 1000));
  const Direction direction = random.chance(1, 2) ? Direction::request : Direction::response;
  said.bytes = random.chance(1, 20) ? random.below(kMaxSliceBytes - 600) : random.below(90);
  said.head = {unit, direction, random.chance(1, 2), random.chance(1, 2)};
  said.slice = {unit, direction, often_none(random, 1ULL << 40U), random.chance(1, 4), random.chance(1, 2)};
  for (const Hit& rule : kRules)
    if (random.chance(1, 2))
      said.hits.push_back({rule.rule, static_cast<std::uint32_t>(random.below(9)), rule.rule_name});
  if (random.chance(1, 20)) said.hits.assign(40, {7, 1, "risk/many"});
  said.end = {.unit = unit,
              .direction = direction,
              .verdict = random.chance(1, 2) ? Verdict::pass : Verdict::mask,
              .error = random.chance(1, 2) ? ErrorCode::ok : ErrorCode::http_incomplete,
              .policy_version = often_none(random, 99),
              .body_bytes = often_none(random, 1U << 30U),
              .complete = random.chance(1, 2),
              .observed = random.chance(1, 4),
              .hits = {},
              .limit = random.chance(1, 8) ? "orders/few" : "",
              .duration = often_none(random, 1ULL << 40U),
              .transaction = static_cast<std::uint8_t>(random.chance(1, 2) ? 'T' : 0),
              .rows = often_none(random, 1ULL << 40U),
              .pipeline = static_cast<std::uint32_t>(often_none(random, 1ULL << 32U))};
  if (random.chance(1, 8)) said.score = Score{.total = 70, .line = 50, .parts = kScoreParts};
  return said;
}

void tell(Recorder& recorder, const Said& said) {
  switch (said.kind) {
    case Said::Kind::head:
      return fill_pattern(recorder.head(said.who, said.head, said.bytes, said.wall), said.wall);
    case Said::Kind::end: {
      UnitEnd end = said.end;
      end.hits = said.hits;
      end.score = said.score ? &*said.score : nullptr;
      recorder.end(said.who, end, said.wall);
      return;
    }
    case Said::Kind::slice:
      break;
  }
  SliceInfo slice = said.slice;
  if (slice.drafted) {
    const MutableBytes draft = recorder.draft(said.who, said.bytes + said.wall % 80);
    slice.drafted = !draft.empty();
    std::ranges::fill(draft, kBeyond);
    if (slice.drafted) fill_pattern(draft.first(said.bytes), said.wall);
  }
  const MutableBytes out = recorder.slice(said.who, slice, said.bytes, said.wall);
  if (!slice.drafted) fill_pattern(out, said.wall);
}

void expect_head(const Said& said, const log::UnitHead& head) {
  EXPECT_EQ(head.unit(), said.head.unit);
  EXPECT_EQ(static_cast<Direction>(head.direction()), said.head.direction);
  EXPECT_EQ(head.informational(), said.head.informational);
  EXPECT_EQ(head.synthesized(), said.head.synthesized);
  ASSERT_EQ(head.head()->size(), said.bytes);
  EXPECT_TRUE(holds_pattern(*head.head(), said.wall));
}

void expect_slice(const Said& said, const log::Slice& slice) {
  EXPECT_EQ(slice.unit(), said.slice.unit);
  EXPECT_EQ(static_cast<Direction>(slice.direction()), said.slice.direction);
  EXPECT_EQ(slice.offset(), said.slice.offset);
  EXPECT_EQ(slice.trailers(), said.slice.trailers);
  ASSERT_EQ(slice.bytes()->size(), said.bytes);
  EXPECT_TRUE(holds_pattern(*slice.bytes(), said.wall));
}

void expect_end(const Said& said, const log::UnitEnd& end) {
  EXPECT_EQ(end.unit(), said.end.unit);
  EXPECT_EQ(static_cast<Direction>(end.direction()), said.end.direction);
  EXPECT_EQ(static_cast<Verdict>(end.verdict()), said.end.verdict);
  EXPECT_EQ(end.error(), static_cast<std::uint16_t>(said.end.error));
  EXPECT_EQ(end.policy_version(), said.end.policy_version);
  EXPECT_EQ(end.body_bytes(), said.end.body_bytes);
  EXPECT_EQ(end.complete(), said.end.complete);
  EXPECT_EQ(end.observed(), said.end.observed);
  EXPECT_EQ(end.limit() == nullptr ? "" : end.limit()->str(), said.end.limit);
  EXPECT_EQ(end.duration_ns(), said.end.duration);
  EXPECT_EQ(end.transaction(), said.end.transaction);
  EXPECT_EQ(end.rows(), said.end.rows);
  EXPECT_EQ(end.pipeline(), said.end.pipeline);
  ASSERT_EQ(end.score() != nullptr, said.score.has_value());
  if (said.score) {
    EXPECT_EQ(end.score()->total(), 70U);
    EXPECT_EQ(end.score()->line(), 50U);
    ASSERT_EQ(end.score()->parts()->size(), 2U);
    EXPECT_EQ(end.score()->parts()->Get(1)->str(), "local/wipe");
    EXPECT_EQ(end.score()->points()->Get(1), 30U);
  }
  ASSERT_EQ(end.hits() == nullptr ? 0 : end.hits()->size(), said.hits.size());
  for (std::uint32_t i = 0; i < said.hits.size(); ++i) {
    EXPECT_EQ(end.hits()->Get(i)->rule(), said.hits[i].rule);
    EXPECT_EQ(end.hits()->Get(i)->count(), said.hits[i].count);
    EXPECT_EQ(end.rule_names()->Get(i)->str(), said.hits[i].rule_name);
  }
}

TEST(UnitRecords, say_of_each_unit_its_own_whoever_came_before) {
  OneWorker one(64);
  Random random(7);
  std::vector<Said> all;
  for (std::uint64_t i = 0; i < 3000; ++i) {
    all.push_back(say_something(random, kToday + i));
    tell(one.recorder, all.back());
    ASSERT_EQ(one.recorder.appended(), all.size());
  }
  one.recorder.hand_over();
  std::size_t at = 0;
  for (const Page* page : one.taken()) {
    for (std::uint32_t i = 0; i < page->count; ++i, ++at) {
      const log::Record& record = verified(page->record(i));
      const Said& said = all[at];
      EXPECT_EQ(record.sequence(), at + 1);
      EXPECT_EQ(record.session(), said.who.session);
      EXPECT_EQ(record.wall_ns(), said.wall);
      EXPECT_EQ(record.service()->str(), said.who.service);
      EXPECT_EQ(record.record_class()->str(), said.who.record_class);
      EXPECT_EQ(record.principal()->str(), said.who.principal);
      EXPECT_EQ(record.principal_verified(), said.who.principal_verified);
      switch (said.kind) {
        case Said::Kind::head:
          expect_head(said, *record.body_as_UnitHead());
          break;
        case Said::Kind::slice:
          expect_slice(said, *record.body_as_Slice());
          break;
        case Said::Kind::end:
          expect_end(said, *record.body_as_UnitEnd());
          break;
      }
    }
  }
  EXPECT_EQ(at, all.size());
}

// Padding and what was drafted and not taken: bytes that were in the page before are not in the record.
TEST(UnitRecords, show_nothing_of_what_lay_in_the_page_before) {
  const std::vector<std::uint8_t> trace(3, kBeyond);
  for (std::size_t bytes = 0; bytes < 20; ++bytes) {
    OneWorker one;
    for (int times = 0; times < 3; ++times) {
      std::ranges::fill(one.recorder.draft(subject_of(), 300), kBeyond);
      fill_pattern(one.recorder.head(subject_of(), {}, bytes, kToday), 1);
      const MutableBytes draft = one.recorder.draft(subject_of(), bytes + 7);
      std::ranges::fill(draft, kBeyond);
      fill_pattern(draft.first(bytes), 1);
      EXPECT_EQ(one.recorder.slice(subject_of(), {.drafted = true}, bytes, kToday).size(), bytes);
    }
    one.recorder.hand_over();
    const auto pages = one.taken();
    ASSERT_EQ(pages.size(), 1U);
    ASSERT_EQ(pages[0]->count, 6U);
    for (std::uint32_t i = 0; i < 6; ++i)
      EXPECT_TRUE(std::ranges::search(pages[0]->record(i), trace).empty()) << bytes << ", record " << i;
  }
}

}  // namespace
}  // namespace sluice::record::test
