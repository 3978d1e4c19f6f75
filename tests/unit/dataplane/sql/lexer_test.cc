#include "dataplane/sql/lexer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/random.h"
#include "tests/unit/dataplane/sql/reference.h"
#include "tests/unit/dataplane/sql/statements.h"

namespace sluice::sql {
namespace {

std::vector<std::string> texts_of(std::string_view text, LexerOptions options = {}) {
  Lexer lexer(as_bytes(text), options);
  std::vector<std::string> texts;
  while (lexer.next() == ErrorCode::ok && lexer.token().kind != TokenKind::end)
    texts.emplace_back(lexer.text_of(lexer.token()));
  return texts;
}

ErrorCode refusal_of(std::string_view text) {
  Lexer lexer(as_bytes(text), {});
  ErrorCode code = ErrorCode::ok;
  do code = lexer.next();
  while (code == ErrorCode::ok && lexer.token().kind != TokenKind::end);
  EXPECT_EQ(lexer.next(), code) << "a refusal stays";
  return code;
}

void expect_as_reference(const std::string& text) {
  const auto reference = test::reference_pieces(text);
  const auto ours = test::our_pieces(text);
  ASSERT_EQ(ours.has_value(), reference.has_value()) << text;
  if (!ours) return;
  ASSERT_EQ(test::difference(text, *ours, *reference), std::nullopt) << text;
}

TEST(SqlLexer, SaysWhatTheReferenceSays) {
  for (const char* text : test::kStatements) expect_as_reference(text);
  for (const char* text : test::kMalformed) expect_as_reference(text);
}

// Statements cut and joined at random: every state of the lexer meets every next character.
TEST(SqlLexer, SaysWhatTheReferenceSaysOfMixedTexts) {
  Random random(1);
  for (int round = 0; round < 20'000; ++round) {
    std::string text;
    for (int part = 0; part < 3; ++part) {
      const std::string_view from = test::kStatements[random.below(std::size(test::kStatements))];
      if (from.empty()) continue;
      const std::size_t begin = random.below(from.size());
      text += from.substr(begin, 1 + random.below(24));
    }
    // Escapes are not decoded here: what is wrong in them only the reference knows.
    if (text.find('\\') != std::string::npos) continue;
    expect_as_reference(text);
  }
}

TEST(SqlLexer, OperatorsEndWhereCommentsBegin) {
  EXPECT_THAT(texts_of("a+-- b\n-c"), testing::ElementsAre("a", "+", "-", "c"));
  EXPECT_THAT(texts_of("a<-1 @-1 *-1"), testing::ElementsAre("a", "<", "-", "1", "@-", "1", "*", "-", "1"));
  EXPECT_THAT(texts_of("+/* x */*"), testing::ElementsAre("+", "*"));
}

TEST(SqlLexer, StringsGoOnBehindANewline) {
  EXPECT_THAT(texts_of("'a'\n'b' 'c'"), testing::ElementsAre("'a'\n'b'", "'c'"));
  EXPECT_THAT(texts_of("'a' -- b'\n -- c\n 'd' -- e"), testing::ElementsAre("'a' -- b'\n -- c\n 'd'"));
  EXPECT_THAT(texts_of("'a' /* b */\n 'c'"), testing::ElementsAre("'a'", "'c'"));
  EXPECT_THAT(texts_of("E'a\\''\n'\\'b'"), testing::ElementsAre("E'a\\''\n'\\'b'"));
}

TEST(SqlLexer, ABackslashCountsWhereTheServerSaysSo) {
  EXPECT_THAT(texts_of("'a\\' b '"), testing::ElementsAre("'a\\'", "b"));
  EXPECT_THAT(texts_of("'a\\' b '", {.standard_strings = false}), testing::ElementsAre("'a\\' b '"));
}

TEST(SqlLexer, RefusesWithAReason) {
  EXPECT_EQ(refusal_of("select 'x"), ErrorCode::sql_unterminated);
  EXPECT_EQ(refusal_of("select /* x"), ErrorCode::sql_unterminated);
  EXPECT_EQ(refusal_of("select $x$ $"), ErrorCode::sql_unterminated);
  EXPECT_EQ(refusal_of("select 12ab"), ErrorCode::sql_bad_number);
  EXPECT_EQ(refusal_of("select \"\""), ErrorCode::sql_empty_identifier);
  EXPECT_EQ(refusal_of(std::string_view("select \0 1", 10)), ErrorCode::sql_bad_byte);
  EXPECT_EQ(refusal_of(std::string_view("select '\0'", 10)), ErrorCode::sql_bad_byte);
  EXPECT_EQ(refusal_of(std::string_view("select -- \0", 11)), ErrorCode::sql_bad_byte);
  EXPECT_EQ(refusal_of(std::string_view("select E'\\\0'", 11)), ErrorCode::sql_bad_byte);
  EXPECT_EQ(refusal_of(std::string_view("select $$\0$$", 12)), ErrorCode::sql_bad_byte);
}

// No text costs more than its length: each is a thousand times the same, and is read in one go.
TEST(SqlLexer, LongHostileTextsEnd) {
  for (const std::string_view part : {"$a", "/*", "'a'\n", "--", "$a$", "+-", "'", "\"", "U&", "1.", "e'\\"}) {
    std::string text;
    for (int i = 0; i < 100'000; ++i) text += part;
    Lexer lexer(as_bytes(text), {});
    std::size_t tokens = 0;
    while (lexer.next() == ErrorCode::ok && lexer.token().kind != TokenKind::end) ++tokens;
    EXPECT_LE(tokens, text.size());
  }
}

}  // namespace
}  // namespace sluice::sql
