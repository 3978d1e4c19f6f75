// The tree says where everything stands, and hostile YAML ends quickly and in words.
#include "rules/yaml_tree.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sluice::rules {
namespace {

using ::testing::HasSubstr;

std::string problems_of(std::string_view yaml) {
  const auto root = parse_yaml(yaml, "y");
  return root ? "" : to_error(root.error()).detail;
}

TEST(YamlTree, knows_places_kinds_and_keys) {
  const auto root = parse_yaml("a: 1\nb:\n  - x\n  - 'y z'\nc: {d: ~}\n", "y");
  ASSERT_TRUE(root);
  ASSERT_EQ(root->children.size(), 3U);
  EXPECT_EQ(root->children[0].key, "a");
  EXPECT_EQ(root->children[0].text, "1");
  EXPECT_EQ(root->children[0].position, (Position{1, 4}));
  const YamlNode& list = root->children[1];
  EXPECT_EQ(list.kind, YamlNode::Kind::sequence);
  EXPECT_EQ(list.key_position, (Position{2, 1}));
  EXPECT_EQ(list.children[1].text, "y z");
  EXPECT_EQ(list.children[1].position, (Position{4, 5}));
  EXPECT_EQ(root->children[2].children[0].kind, YamlNode::Kind::null);
  EXPECT_EQ(root->children[2].children[0].position, (Position{5, 5}));
}

TEST(YamlTree, knows_where_a_character_stands_when_the_source_shows_it) {
  const auto good = parse_yaml(
      "a: [plain, 'single', \"double\"]\n"
      "b: ['it''s', \"t\\tab\"]\n"
      "c: |\n  block\nd: folded\n  line\n",
      "y");
  ASSERT_TRUE(good);
  const auto& shown = good->children[0].children;
  EXPECT_EQ(shown[0].position_of(1), (Position{1, 5}));
  EXPECT_EQ(shown[1].position_of(3), (Position{1, 15}));
  EXPECT_EQ(shown[2].position_of(1), (Position{1, 23}));
  EXPECT_EQ(shown[1].position_of(0), shown[1].position);
  for (const YamlNode* other :
       {&good->children[1].children[0], &good->children[1].children[1], &good->children[2], &good->children[3]})
    EXPECT_EQ(other->position_of(3), other->position) << other->text;
}

TEST(YamlTree, a_key_given_twice_is_a_problem) {
  EXPECT_EQ(problems_of("a: 1\nb: 2\na: 3\n"), "y:3:1: key \"a\" is given twice; it already stands in line 1");
}

TEST(YamlTree, aliases_anchors_and_tags_are_refused) {
  EXPECT_THAT(problems_of("a: &x [1]\nb: *x\n"), HasSubstr("y:1:4: anchors and aliases"));
  EXPECT_THAT(problems_of("a: *x\n"), HasSubstr("y:1:4"));
  EXPECT_THAT(problems_of("a: !!binary aGk=\n"), HasSubstr("is not read; leave it out"));
  EXPECT_THAT(problems_of("a: !x [1]\n"), HasSubstr("tag"));
}

TEST(YamlTree, malformed_yaml_names_its_place) {
  EXPECT_THAT(problems_of("a: [1, 2\nb: 3\n"), HasSubstr("y:2:2: "));
  for (const std::string open :
       {"a: 'open", "a: 'open\n", "a: \"open\n\n", "a: 'open\nb: 1\n", "a: 'open\n# b\n", "a: [\"open]\n"})
    EXPECT_THAT(problems_of(open), HasSubstr("malformed")) << open;
  EXPECT_THAT(problems_of("a: 1\n b: 2\n"), HasSubstr("y:2:3: "));
  EXPECT_THAT(problems_of(""), HasSubstr("the file is empty"));
  EXPECT_THAT(problems_of("# only a comment\n"), HasSubstr("the file is empty"));
  EXPECT_THAT(problems_of("a: 1\n---\nb: 2\n"), HasSubstr("a second document"));
  EXPECT_THAT(problems_of("[a]: 1\n"), HasSubstr("where a key is expected"));
}

TEST(YamlTree, only_clean_utf8_is_read) {
  EXPECT_EQ(problems_of("a: \"größe €\"\n"), "");
  EXPECT_THAT(problems_of("a: 1\nb: \xff\xfe\n"), HasSubstr("y:2:4: bytes that are no UTF-8"));
  for (const std::string bad :
       {"\xc0\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xe2\x82", "\xf8\x88\x80\x80\x80", "\x80"})
    EXPECT_THAT(problems_of("a: " + bad), HasSubstr("no UTF-8"));
  EXPECT_THAT(problems_of(std::string("a: 1\n\0b: 2\n", 11)), HasSubstr("y:2:1: a control character"));
  EXPECT_THAT(problems_of("a: \x04\n"), HasSubstr("a control character"));
  EXPECT_THAT(problems_of("\xef\xbb\xbf"
                          "a: 1\n"),
              HasSubstr("byte order mark"));
}

TEST(YamlTree, depth_is_bounded) {
  const auto nested = [](std::size_t depth) {
    return "a: " + std::string(depth - 1, '[') + std::string(depth - 1, ']');
  };
  EXPECT_EQ(problems_of(nested(kMaxYamlDepth)), "");
  EXPECT_THAT(problems_of(nested(kMaxYamlDepth + 1)), HasSubstr("nested more than 16 levels"));
}

TEST(YamlTree, the_number_of_values_is_bounded) {
  std::string many = "a: [";
  for (std::size_t i = 0; i < kMaxYamlValues; ++i) many += "1,";
  EXPECT_THAT(problems_of(many + "]"), HasSubstr("more than 100000 values"));
}

TEST(YamlTree, size_is_bounded) {
  const std::string fits = "a: " + std::string(kMaxYamlBytes - 3, 'x');
  EXPECT_EQ(problems_of(fits), "");
  EXPECT_THAT(problems_of(fits + "x"), HasSubstr("larger than 1048576 bytes"));
}

// Long sources made of one character or pair: each must come to an end in words.
TEST(YamlTree, monotonous_sources_end) {
  for (const std::string unit :
       {"[",   "{",   "- ",  "? ", ": ", "a: ", "&a ", "*a ", "!a ", "!",    "'",     "\"",    "#",  "%", "---\n",
        "|\n", "[a,", "{a:", "\t", "\n", " ",   "a",   ",",   "]",   "- - ", "a:\n ", "? a\n", "\\", "`"}) {
    std::string source;
    while (source.size() + unit.size() <= kMaxYamlBytes / 4) source += unit;
    const auto root = parse_yaml(source, "y");
    if (!root) {
      EXPECT_FALSE(root.error().empty());
    }
  }
}

}  // namespace
}  // namespace sluice::rules
