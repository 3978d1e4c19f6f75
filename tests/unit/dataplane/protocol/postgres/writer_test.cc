#include "dataplane/protocol/postgres/writer.h"

#include <gtest/gtest.h>

#include <map>
#include <string>

#include "tests/unit/dataplane/protocol/postgres/trace.h"
#include "tests/unit/dataplane/protocol/postgres/wire.h"

namespace sluice::postgres {
namespace {

constexpr std::size_t kRoom = 10'000;

// The fields of a report, as our own reader reads them; none when it is not sound.
std::map<char, std::string> fields(const std::string& bytes) {
  std::map<char, std::string> out;
  Reader reader(Direction::response);
  Bytes rest = as_bytes(bytes);
  for (Step step = reader.next(rest); step.kind != StepKind::message_end; step = reader.next(rest)) {
    if (step.kind == StepKind::error || (step.kind == StepKind::more && step.bytes == 0)) return {};
    if (step.kind == StepKind::field) out[static_cast<char>(reader.field().code)] += as_text(rest.first(step.bytes));
    rest = rest.subspan(step.bytes);
  }
  return rest.empty() ? out : std::map<char, std::string>{};
}

TEST(Writer, WritesAnErrorWithAllItsFields) {
  std::string out;
  ASSERT_TRUE(Writer(out, kRoom).error({.code = "42501", .message = "denied", .detail = "by a rule", .hint = "ask"}));
  EXPECT_EQ(out[0], 'E');
  EXPECT_EQ(fields(out),
            (std::map<char, std::string>{
                {'S', "ERROR"}, {'V', "ERROR"}, {'C', "42501"}, {'M', "denied"}, {'D', "by a rule"}, {'H', "ask"}}));
}

TEST(Writer, LeavesOutWhatIsEmptyButTheMessage) {
  std::string out;
  ASSERT_TRUE(Writer(out, kRoom).notice({.severity = "NOTICE", .code = "00000"}));
  EXPECT_EQ(out[0], 'N');
  EXPECT_EQ(fields(out), (std::map<char, std::string>{{'S', "NOTICE"}, {'V', "NOTICE"}, {'C', "00000"}, {'M', ""}}));
}

TEST(Writer, NoTextEndsItsField) {
  std::string out;
  ASSERT_TRUE(Writer(out, kRoom).error({.message = std::string_view("a\0Hb\0\0c", 7), .hint = "real"}));
  EXPECT_EQ(fields(out)['M'], "a Hb  c");
  EXPECT_EQ(fields(out)['H'], "real");
}

TEST(Writer, CutsTextsBetweenCharacters) {
  std::string out;
  const std::string text = std::string(kMostTextBytes - 1, 'x') + "\xc3\xa9" + "y";
  ASSERT_TRUE(Writer(out, kRoom).error({.message = text, .detail = std::string(kMostTextBytes, 'z')}));
  EXPECT_EQ(fields(out)['M'], std::string(kMostTextBytes - 1, 'x'));
  EXPECT_EQ(fields(out)['D'].size(), kMostTextBytes);
}

TEST(Writer, WritesTheOtherMessages) {
  std::string out;
  Writer writer(out, kRoom);
  EXPECT_TRUE(writer.refuse_encryption());
  EXPECT_TRUE(writer.ready('T'));
  EXPECT_TRUE(writer.sync());
  EXPECT_EQ(out, "N" + ready('T') + sync());
}

TEST(Writer, WritesWholeMessagesOrNothing) {
  std::string all;
  ASSERT_TRUE(Writer(all, kRoom).error({.message = "denied"}));
  for (std::size_t most = 0; most < all.size(); ++most) {
    std::string out;
    EXPECT_FALSE(Writer(out, most).error({.message = "denied"}));
    EXPECT_TRUE(out.empty());
  }
  std::string out;
  Writer writer(out, all.size() + 6);
  EXPECT_TRUE(writer.error({.message = "denied"}));
  EXPECT_TRUE(writer.ready('I'));
  EXPECT_FALSE(writer.refuse_encryption());
}

TEST(Writer, EveryErrorHasASqlstate) {
  for (std::size_t i = 0; i < error_count(); ++i) EXPECT_EQ(sqlstate_for(error_at(i)).size(), 5U);
  EXPECT_EQ(sqlstate_for(ErrorCode::rule_denied), "42501");
  EXPECT_EQ(sqlstate_for(ErrorCode::limit_exceeded), "53400");
  EXPECT_EQ(sqlstate_for(ErrorCode::postgres_bad_count), "08P01");
}

}  // namespace
}  // namespace sluice::postgres
