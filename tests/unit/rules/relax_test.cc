// What is left out of a pattern, and that its ends are those of the expression and perhaps more.
#include "rules/relax.h"

#include <gtest/gtest.h>

namespace sluice::rules {
namespace {

struct Pair {
  std::string_view expression;
  std::string_view pattern;
};

TEST(Relax, leaves_out_what_looks_around_and_how_often_the_first_item_repeats) {
  const Pair pairs[] = {
      {R"(\b[a-z0-9]{1,64}@x\b)", R"([a-z0-9]{1}@x)"},
      {R"(\b\Ba{2,5}b)", "a{2}b"},
      {R"(\b\Bab{1,3})", "ab{1,3}"},
      {R"((?:\bab|\bc{1,3}d){1,4}e)", R"((?:ab|c{1}d){1}e)"},
      {R"(\b(?:ab|c{1,3}d)e)", "(?:ab|c{1}d)e"},
      {R"((\ba{1,2}b){2,4}e)", R"((a{1,2}b){2}e)"},  // the second copy is no beginning
      {R"(\bab|\bc{3,9}d|e)", R"(ab|c{3}d|e)"},
      {R"(a?\bb{1,2})", "a?b{1,2}"},
      {R"(a{1,2}b(?:;|$))", "a{1}b(?:;|)"},
      {R"([]{]{1,2}\{{1,3})", R"([]{]{1}\{{1,3})"},
  };
  for (const Pair& pair : pairs) EXPECT_EQ(relaxed(pair.expression), pair.pattern);
}

TEST(Relax, leaves_the_rest_as_it_is) {
  for (const std::string_view same : {"ab{1,3}", "(?:ab){2}c", "a{3}b", "a?b{1,3}", "a{0,3}b{1,3}",
                                      "(?:a?b{1,3}){2,2}c", "[\\]\\[]{2}", "a{1,3}+", "(", ""})
    EXPECT_EQ(relaxed(same), same);
}

}  // namespace
}  // namespace sluice::rules
