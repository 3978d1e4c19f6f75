// Only starts from which every byte to the end can stand before a literal, or before one that has begun, are left to
// bytes to come; and no start is left out of which the match shows its literal in them.
#include "dataplane/inspect/leads.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/random.h"
#include "rules/automaton.h"
#include "rules/expression.h"

namespace sluice::inspect {
namespace {

struct Rule {
  explicit Rule(std::string_view text)
      : expression(*rules::parse_expression(text, false)),
        automaton(*rules::Automaton::build(expression)),
        literals(rules::choose_anchor(expression, automaton).literals),
        leads(literals) {}
  [[nodiscard]] std::uint32_t first_open(std::string_view text, std::uint32_t first = 0) const {
    const auto content = std::make_unique<Content>();
    content->append(as_bytes(text));
    return leads.first_open(*content, first);
  }
  rules::Expression expression;
  rules::Automaton automaton;
  std::vector<rules::Literal> literals;
  Leads leads;
};

constexpr std::string_view kAddress = "[a-z.]{1,20}(?:@|%40)[a-z]{1,9}\\.[a-z]{2}";

TEST(Leads, BeginWhereEveryByteMayStandBeforeALiteral) {
  const Rule rule(kAddress);
  ASSERT_EQ(rule.literals.size(), 2U);
  ASSERT_TRUE(Leads::are_long(rule.literals));
  EXPECT_EQ(rule.first_open("abc"), 0U);
  EXPECT_EQ(rule.first_open("ab c"), 3U);
  EXPECT_EQ(rule.first_open(std::string(100, 'a')), 80U);  // no further than they reach
  EXPECT_EQ(rule.first_open(std::string(100, 'a'), 90), 90U);
  EXPECT_EQ(rule.first_open("abc!"), 4U);
}

TEST(Leads, BeginBeforeALiteralThatHasBegun) {
  const Rule rule(kAddress);
  EXPECT_EQ(rule.first_open("ab c%"), 3U);
  EXPECT_EQ(rule.first_open("ab c%4"), 3U);
  EXPECT_EQ(rule.first_open("ab c%5"), 6U);
  EXPECT_EQ(rule.first_open("ab c@d"), 3U);  // what every match has behind it is to come
  EXPECT_EQ(rule.first_open("ab c@ "), 6U);
  EXPECT_EQ(rule.first_open("a@a.a@a."), 2U);
}

// A match whose literal, with what is behind it, is not all there when the content is cut begins at the first open
// start or behind it.
TEST(Leads, LeaveOutNoStart) {
  struct Case {
    std::string_view expression;
    std::vector<std::string_view> parts;  // of texts
  };
  for (const auto& [text, parts] :
       {Case{kAddress, {"a", "b.", "ab", "@", "%40", ".cd", "@ab.cd", "%", "-"}},
        Case{"k?[a-z]{2,30}(?:AK|xK[0-9])[a-z]{3}", {"a", "ab", "k", "AK", "xK7", "xK", "-"}},
        Case{"[a-z.]{1,60}ghp_[0-9]{3}", {"a", "b.", "ghp_", "ghp_1234", "gh", "77"}}}) {
    const Rule rule(text);
    ASSERT_FALSE(rule.literals.empty());
    std::vector<std::uint32_t> ends;
    ends.reserve(rule.automaton.max_width());
    std::size_t crossing = 0;
    for (std::uint64_t seed = 1; seed <= 300; ++seed) {
      Random random(seed);
      std::string content;
      while (content.size() < 60) content += parts[random.below(parts.size())];
      for (std::uint32_t cut = 1; cut < content.size(); ++cut) {
        const std::uint32_t open = rule.first_open(std::string_view(content).substr(0, cut));
        for (std::uint32_t start = 0; start < cut; ++start) {
          static_cast<void>(rule.automaton.ends_from(as_bytes(content), start, true, ends));
          if (ends.empty() || ends.back() <= cut) continue;
          ++crossing;
          if (start >= open) continue;
          // Its literal is there.
          bool there = false;
          for (const rules::Literal& literal : rule.literals)
            for (std::uint32_t at = start; at + literal.bytes.size() + literal.after.size() <= cut; ++at)
              there = there || content.compare(at, literal.bytes.size(), literal.bytes) == 0;
          ASSERT_TRUE(there) << text << " in " << content << " cut at " << cut << " start " << start;
        }
      }
    }
    EXPECT_GT(crossing, 1000U) << text;
  }
}

}  // namespace
}  // namespace sluice::inspect
