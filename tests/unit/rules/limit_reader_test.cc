// Limits as an operator writes them, and what is said where they are written wrong.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/rules/samples.h"

namespace sluice::rules {
namespace {

using ::testing::HasSubstr;

std::string service_with(const std::string& limit) {
  return "services:\n  - {name: a, address: 10.0.0.1:80, protocol: http, mode: enforce,\n     limits: [" + limit +
         "]}\n";
}

std::string postgres_with(const std::string& limit) {
  return "services:\n  - {name: a, address: 10.0.0.1:80, protocol: postgres, mode: enforce,\n     limits: [" + limit +
         "]}\n";
}

Limit limit_of(const std::string& text, const std::string& yaml) {
  const auto policy = parse_policy(yaml, "p.yaml", PackSource());
  if (!policy) {
    ADD_FAILURE() << text << ": " << to_error(policy.error()).message();
    return {};
  }
  return policy->services.at(0).limits.at(0);
}

Limit limit_of(const std::string& text) {
  return limit_of(text, service_with(text));
}

constexpr std::uint64_t kSecondNs = 1'000'000'000;

TEST(LimitReader, RatesArePerSecondMinuteOrHour) {
  const Limit second = limit_of("{per: principal, rate: 200/s, burst: 400, then: deny}");
  EXPECT_EQ(second.units, 200U);
  EXPECT_EQ(second.period_ns, kSecondNs);
  EXPECT_EQ(second.burst, 400U);
  EXPECT_EQ(second.name, "requests-per-principal");
  const Limit minute = limit_of("{per: source, rate: 30/m, then: throttle, name: slow}");
  EXPECT_EQ(minute.period_ns, 60 * kSecondNs);
  EXPECT_EQ(minute.burst, 30U);
  EXPECT_EQ(minute.name, "slow");
  EXPECT_EQ(limit_of("{per: route, rate: 1/h, then: observe}").period_ns, 3600 * kSecondNs);
}

TEST(LimitReader, BytesHaveSizes) {
  const Limit limit = limit_of("{per: service, of: bytes, rate: 10MiB/s, burst: 512 KiB, then: throttle}");
  EXPECT_EQ(limit.units, 10U << 20U);
  EXPECT_EQ(limit.burst, 512U << 10U);
  EXPECT_EQ(limit.name, "bytes-per-service");
  EXPECT_EQ(limit_of("{per: service, of: bytes, rate: 1GiB/h, then: deny}").units, 1U << 30U);
}

TEST(LimitReader, ConcurrentHasAMost) {
  const Limit limit = limit_of("{per: rule, of: concurrent, most: 20, then: deny}");
  EXPECT_EQ(limit.units, 20U);
  EXPECT_EQ(limit.period_ns, 0U);
}

TEST(LimitReader, OneAnswerHasAMostForAll) {
  const auto read = [](const std::string& text) { return limit_of(text, postgres_with(text)); };
  const Limit rows = read("{of: rows, most: 10000, then: deny}");
  EXPECT_EQ(rows.units, 10'000U);
  EXPECT_EQ(rows.period_ns, 0U);
  EXPECT_EQ(rows.name, "rows");
  const Limit bytes = read("{of: result_bytes, most: 64MiB, then: observe, name: much}");
  EXPECT_EQ(bytes.units, 64U << 20U);
  EXPECT_EQ(bytes.name, "much");
  const Limit rate = read("{per: principal, of: rows, rate: 10000/m, then: throttle}");
  EXPECT_EQ(rate.units, 10'000U);
  EXPECT_EQ(rate.period_ns, 60 * kSecondNs);
  EXPECT_EQ(rate.name, "rows-per-principal");
}

TEST(LimitReader, SaysWhatIsWrongWithWhatOneAnswerMayHave) {
  const auto problem = [](const std::string& limit) { return problems_of(postgres_with(limit)); };
  EXPECT_EQ(
      problem("{of: rows, most: 5, then: hold}"),
      "p.yaml:3:41: \"hold\" on what one answer may have: the server has done its work by then; deny, or observe");
  EXPECT_THAT(problem("{of: result_bytes, most: 5MiB, then: throttle}"), HasSubstr("deny, or observe"));
  EXPECT_EQ(problem("{per: principal, of: rows, most: 5, then: deny}"),
            "p.yaml:3:21: what one answer may have is the same for all; remove per");
  EXPECT_EQ(problem("{of: result_bytes, then: deny}"), "p.yaml:3:15: a limit has no \"most\"; add `most: 64MiB`");
  EXPECT_EQ(problem("{of: result_bytes, most: 5, then: deny}"),
            "p.yaml:3:40: \"5\" is no number of bytes; a size as 64MiB");
  EXPECT_THAT(problem("{of: rows, most: 5MiB, then: deny}"), HasSubstr("a number as 10000"));
  EXPECT_THAT(problem("{of: rows, most: 5, rate: 3/s, then: deny}"), HasSubstr("most alone, or a rate without most"));
  EXPECT_THAT(problem("{of: rows, rate: 3/s, then: deny}"), HasSubstr("a limit has no \"per\""));
  EXPECT_THAT(problem("{per: rule, of: rows, rate: 3/s, then: deny}"), HasSubstr("rows are not counted per rule"));
  EXPECT_EQ(problems_of(service_with("{of: rows, most: 5, then: deny}")),
            "p.yaml:3:15: only answers of protocol postgres have rows; of: requests or bytes");
}

TEST(LimitReader, APrincipalHasItsOwn) {
  const auto policy =
      parse_policy(service_with("") +
                       "principals:\n  - {name: ci, from: 10.0.0.0/24, limits: [{rate: 5/s, then: deny}]}\n"
                       "  - {name: ci, from: 10.0.1.0/24}\n",
                   "p.yaml", PackSource());
  ASSERT_TRUE(policy);
  EXPECT_EQ(policy->principals.at(0).limits.at(0).name, "requests");
}

TEST(LimitReader, SaysWhatIsWrongWhereAndWhatWouldBeRight) {
  const auto problem = [](const std::string& limit) { return problems_of(service_with(limit)); };
  EXPECT_EQ(problem("{per: principal, rate: 200/s, then: held}"),
            "p.yaml:3:51: \"held\" is not known here; did you mean \"hold\"?");
  EXPECT_EQ(problem("{per: principal, rate: 200, then: deny}"),
            "p.yaml:3:38: \"200\" is no rate of requests; for example 200/s, or per minute (/m) or hour (/h)");
  EXPECT_EQ(problem("{per: service, of: bytes, rate: 200/s, then: deny}"),
            "p.yaml:3:47: \"200/s\" is no rate of bytes; for example 10MiB/s, or per minute (/m) or hour (/h)");
  for (const char* rate : {"0/s", "-1/s", "1.5/s", "200/d", "200 / s", "99999999999999/s", "/s", "200MiB/s"})
    EXPECT_THAT(problem(std::string("{per: service, rate: ") + rate + ", then: deny}"),
                HasSubstr("is no rate of requests"))
        << rate;
  EXPECT_EQ(problem("{rate: 2/s, then: deny}"), "p.yaml:3:15: a limit has no \"per\"; add `per: principal`");
  EXPECT_EQ(problem("{per: service, rate: 2/s}"), "p.yaml:3:15: a limit has no \"then\"; add `then: deny`");
  EXPECT_EQ(problem("{per: service, then: deny}"), "p.yaml:3:15: a limit has no \"rate\"; add `rate: 200/s`");
  EXPECT_THAT(problem("{per: service, of: concurrent, rate: 2/s, then: deny}"), HasSubstr("add `most: 20`"));
  EXPECT_THAT(problem("{per: service, rate: 2/s, most: 3, then: deny}"), HasSubstr("of: concurrent"));
  EXPECT_THAT(problem("{per: user, rate: 2/s, then: deny}"), HasSubstr("\"user\" is not known here"));
  EXPECT_THAT(problem("{per: route, of: bytes, rate: 2KiB/s, then: deny}"),
              HasSubstr("bytes are not counted per route"));
  EXPECT_THAT(problem("{per: service, rate: 1/h, burst: 9000, then: deny}"), HasSubstr("more than a year"));
  EXPECT_THAT(problem("{per: service, rate: 2/s, then: deny}, {per: service, rate: 9/m, then: deny}"),
              HasSubstr("limit \"requests-per-service\" is given twice"));
}

TEST(LimitReader, OfATcpServiceNothingIsLimited) {
  EXPECT_THAT(problems_of("services: [{name: a, address: 10.0.0.1:80, protocol: tcp, mode: enforce, limits: []}]"),
              HasSubstr("\"limits\" on a service of protocol tcp"));
}

TEST(LimitReader, OneNameHasItsLimitsInOnePlace) {
  EXPECT_THAT(problems_of(service_with("") + "principals:\n"
                                             "  - {name: ci, from: 10.0.0.0/24, limits: [{rate: 5/s, then: deny}]}\n"
                                             "  - {name: ci, from: 10.0.1.0/24, limits: [{rate: 5/s, then: deny}]}\n"),
              HasSubstr("p.yaml:6:"));
}

}  // namespace
}  // namespace sluice::rules
