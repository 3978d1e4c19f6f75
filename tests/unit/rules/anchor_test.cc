// Which anchor an expression gets, and that every match holds it.
#include "rules/anchor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sluice::rules {
namespace {

using ::testing::ElementsAre;

Anchor anchor_of(std::string_view text, bool caseless = false) {
  const auto expression = parse_expression(text, caseless);
  EXPECT_TRUE(expression) << text;
  const auto automaton = Automaton::build(*expression);
  EXPECT_TRUE(automaton) << text;
  return choose_anchor(*expression, *automaton);
}

// "literal/i[min-max] ..." in order, or the kind.
std::string described(const Anchor& anchor) {
  if (anchor.kind == AnchorKind::pattern) return "pattern";
  if (anchor.kind == AnchorKind::shape) return "shape";
  std::string out;
  for (const Literal& literal : anchor.literals) {
    out += (out.empty() ? "" : " ") + literal.bytes + (literal.caseless ? "/i" : "") + "[" +
           std::to_string(literal.min_reach) + "-" + std::to_string(literal.max_reach) + "]";
  }
  return out;
}

TEST(Anchor, is_the_literal_that_a_match_holds) {
  EXPECT_EQ(described(anchor_of("glpat-[A-Za-z0-9_-]{20,64}")), "glpat-[6-6]");
  EXPECT_EQ(described(anchor_of("\\bbearer [a-z]{8,20}", true)), "bearer /i[7-7]");
  EXPECT_EQ(described(anchor_of("[0-9a-z]{1,9}#secret#[a-z]{3}")), "#secret#[9-17]");
  EXPECT_EQ(described(anchor_of("x(?:=|%3D){1,3}qj")), "qj[4-12]");
}

TEST(Anchor, is_one_literal_for_each_way_to_match) {
  EXPECT_EQ(described(anchor_of("(?:AKIA|ASIA)[A-Z]{16}")), "AKIA[4-4] ASIA[4-4]");
  EXPECT_EQ(described(anchor_of("xo[xj][ab]-[0-9]{10}")), "xoja-[5-5] xojb-[5-5] xoxa-[5-5] xoxb-[5-5]");
  EXPECT_EQ(described(anchor_of("KEY1[0-9]{9}|[a-z]{2}QZQZ")), "KEY1[4-4] QZQZ[6-6]");
}

TEST(Anchor, is_a_shape_where_no_literal_is_rare) {
  EXPECT_EQ(described(anchor_of("\\b[2-6][0-9]{3}(?:[ -]?[0-9]){9,15}\\b")), "shape");
  EXPECT_EQ(described(anchor_of("[0-9]{3}-[0-9]{2}-[0-9]{4}")), "shape");
}

TEST(Anchor, is_the_pattern_where_nothing_is_rare) {
  EXPECT_EQ(described(anchor_of("[a-z]{2,9}")), "pattern");
  EXPECT_EQ(described(anchor_of("e|[0-9]{20}")), "pattern");
}

TEST(Anchor, a_literal_that_may_be_left_out_is_none) {
  EXPECT_EQ(described(anchor_of("[0-9]{3}(?:SECRET)?[0-9]{3}[a-z]{6}")), "shape");
  EXPECT_EQ(described(anchor_of("(?:SECRET){0,2}[a-z]{3}")), "pattern");
}

std::string shown(const ByteSet& set) {
  std::string out;
  for (unsigned byte = 0x20; byte < 0x7f; ++byte)
    if (set[byte]) out += static_cast<char>(byte);
  return set.all() ? "all" : out;
}

// "before literal after", of the first literal.
std::string surroundings(std::string_view text, bool caseless = false) {
  const Anchor anchor = anchor_of(text, caseless);
  if (anchor.literals.empty()) return "none";
  const Literal& literal = anchor.literals.front();
  return shown(literal.before) + " " + literal.bytes + " " + (literal.after.empty() ? "all" : shown(literal.after[0]));
}

TEST(Anchor, literals_say_what_stands_around_them_in_every_match) {
  EXPECT_EQ(surroundings("[a-p]{1,9}@[m-z0]{1,5}"), "abcdefghijklmnop @ 0mnopqrstuvwxyz");
  EXPECT_EQ(surroundings("[k-t]{1,9}-?@"), "-klmnopqrst @ all");
  EXPECT_EQ(surroundings("[a-c]{0,9}@x"), "all @x all");
  EXPECT_EQ(surroundings("QZQ[0-9]{3}"), "all QZQ 0123456789");
  EXPECT_EQ(surroundings("\\bQZQ\\b(?:-|[0-2])"), "all QZQ -012");
  EXPECT_EQ(surroundings("(?:[ab]|[cd])QZQ(?:x?|y)[0-2]{9}"), "abcd QZQ 012xy");
  EXPECT_EQ(surroundings("[0-9]{3}(?:QZQ[k-t]){1,3}"), "0123456789klmnopqrst QZQ klmnopqrst");
  EXPECT_EQ(surroundings("[0-9]{3}(?:[a-e]?QZQ){1,3}"), "0123456789Qabcde QZQ all");
  EXPECT_EQ(surroundings("[0-9]{3}(?:[a-e]QZQ|x)[a-e]"), "none");
}

// What the bytes behind the first literal can be, one after the other.
std::string behind(std::string_view text) {
  const Anchor anchor = anchor_of(text);
  if (anchor.literals.empty()) return "none";
  std::string out;
  for (const ByteSet& set : anchor.literals.front().after) out += (out.empty() ? "" : " ") + shown(set);
  return out;
}

TEST(Anchor, literals_say_what_bytes_every_match_has_behind_them) {
  const std::string d = "0123456789";
  const std::string k = "klmnopqrst";
  EXPECT_EQ(behind("QZQ[0-9]{9}"), d + " " + d + " " + d + " " + d + " " + d + " " + d + " " + d);
  EXPECT_EQ(behind("QZQ[0-9]{2,9}"), d + " " + d);
  EXPECT_EQ(behind("QZQ[0-9]{1,9}-[k-t]"), d + " -" + d + " -" + d + k);
  EXPECT_EQ(behind("QZQ(?:[0-9]{1,3}\\.){1,5}[k-t]{2}"), d + " ." + d + " ." + d + k + " ." + d + k);
  EXPECT_EQ(behind("QZQ(?:[0-9]x|[k-t]{3})"), d + k + " " + k + "x");
  EXPECT_EQ(behind("QZQ(?:[0-9]?-){2}"), "-" + d + " -" + d);
  EXPECT_EQ(behind("QZQ(?:[^a]|a)[0-9](?:[^a]|a)"), "all " + d);
  EXPECT_EQ(behind("QZQ(?:[0-9]|$)"), "");
  EXPECT_EQ(behind("[0-9]{3}(?:QZQ[k-t]){1,3}[0-9]{4}"), k + " " + d + "Q " + d + "Z " + d + "Q " + d + k);
  EXPECT_EQ(behind("[0-9]{3}(?:QZQ[k-t])[0-9]{2}"), k + " " + d + " " + d);
}

TEST(Anchor, shapes_say_what_never_stands_before_them) {
  const auto before = [](std::string_view text) {
    return shown(before_of(*Automaton::build(*parse_expression(text, false))));
  };
  EXPECT_EQ(before("[0-9]{4}"), "all");
  EXPECT_EQ(before("\\b[0-9]{4}"), " !\"#$%&'()*+,-./:;<=>?@[\\]^`bfnrt{|}~");
  EXPECT_EQ(before("\\B[0-9]{4}"), "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz");
}

TEST(Anchor, shapes_say_what_each_of_the_first_bytes_can_be) {
  const auto expression = parse_expression("a[bc](?:d|ef)g", false);
  const auto shape = shape_of(*Automaton::build(*expression));
  ASSERT_EQ(shape.size(), 4U);
  EXPECT_EQ(shape[0], single_byte('a'));
  EXPECT_EQ(shape[1], single_byte('b') | single_byte('c'));
  EXPECT_EQ(shape[2], single_byte('d') | single_byte('e'));
  EXPECT_EQ(shape[3], single_byte('f') | single_byte('g'));
}

}  // namespace
}  // namespace sluice::rules
