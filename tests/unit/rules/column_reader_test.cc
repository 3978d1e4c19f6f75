// Which columns a rule names, from YAML to patterns, and which names they match.
#include "rules/column_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "rules/yaml_tree.h"

namespace sluice::rules {
namespace {

using testing::HasSubstr;

struct Read {
  std::vector<ColumnPattern> columns;
  std::string problems;
};

std::string texts_of(const Problems& problems) {
  return problems.empty() ? "" : to_error(problems).message();
}

Read read(const std::string& yaml) {
  const auto root = parse_yaml("columns: " + yaml, "p.yaml");
  if (!root) return {{}, texts_of(root.error())};
  Report report("p.yaml");
  Read result{.columns = read_columns(root->children.at(0), report), .problems = {}};
  result.problems = texts_of(report.take());
  return result;
}

TEST(ColumnReader, ReadsWhatIsWritten) {
  const auto [columns, problems] =
      read("[Card, '*_ssn', {name: pay, type: numeric}, {table: 16402, attribute: 3}, {type: 16500}]");
  EXPECT_EQ(problems, "");
  ASSERT_EQ(columns.size(), 5U);
  EXPECT_EQ(columns[0].name, "card");
  EXPECT_EQ(columns[1].name, "*_ssn");
  EXPECT_EQ(columns[2].type, 1700U);
  EXPECT_EQ(columns[3].table, 16402U);
  EXPECT_EQ(columns[3].attribute, 3U);
  EXPECT_EQ(columns[4].type, 16500U);
  EXPECT_EQ(read("card").columns.size(), 1U);
  EXPECT_EQ(read("{name: card}").columns.size(), 1U);
}

TEST(ColumnReader, SaysWhatIsWrong) {
  EXPECT_THAT(read("[users.card]").problems, HasSubstr("a table is known by its OID only"));
  EXPECT_THAT(read("['']").problems, HasSubstr("is no name of a column"));
  EXPECT_THAT(read("[gehält]").problems, HasSubstr("is not ASCII"));
  EXPECT_THAT(read("[{attribute: 3}]").problems, HasSubstr("says nothing without its table"));
  EXPECT_THAT(read("[{type: int9}]").problems, HasSubstr("did you mean"));
  EXPECT_THAT(read("[{nmae: card}]").problems, HasSubstr("unknown key \"nmae\""));
  EXPECT_THAT(read("[]").problems, HasSubstr("columns is empty"));
}

TEST(ColumnPattern, MatchesNames) {
  const struct {
    std::string_view pattern, name;
    bool matches;
  } rows[] = {{"card", "card", true},
              {"card", "CARD", true},
              {"card", "cards", false},
              {"card", "car", false},
              {"*card", "my_card", true},
              {"card*", "card", true},
              {"*", "", true},
              {"", "", true},
              {"?", "", false},
              {"c?rd", "cord", true},
              {"*a*b*", "xaxxbx", true},
              {"*a*b", "abab", true},
              {"*a*b", "abba", false},
              {"**", "x", true},
              {"*_ssn", "us_ssn_", false}};
  for (const auto& row : rows)
    EXPECT_EQ(matches_name(row.pattern, row.name), row.matches) << row.pattern << " " << row.name;
}

}  // namespace
}  // namespace sluice::rules
