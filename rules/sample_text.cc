// See sample_text.h.
#include "rules/sample_text.h"

#include <fmt/format.h>

#include <array>
#include <string_view>

#include "common/random.h"

namespace sluice::rules {
namespace {

constexpr std::array<std::string_view, 40> kWords = {
    "order",   "amount", "shipped",  "customer", "note",   "warehouse", "express", "return",  "invoice", "paid",
    "open",    "blue",   "cotton",   "large",    "north",  "the",       "of",      "and",     "request", "timeout",
    "session", "token",  "password", "user",     "basic",  "bearer",    "key",     "address", "total",   "currency",
    "Berlin",  "Dublin", "London",   "quantity", "Monday", "status",    "created", "updated", "is",      "for"};

std::string_view word(Random& random) {
  return kWords[random.below(kWords.size())];
}

std::string words(Random& random, std::uint64_t count) {
  std::string out(word(random));
  while (--count > 0) out.append(" ").append(word(random));
  return out;
}

std::string moment(Random& random) {
  return fmt::format("2026-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", 1 + random.below(12), 1 + random.below(28),
                     random.below(24), random.below(60), random.below(60), random.below(1000));
}

void add_json(Random& random, std::string& out) {
  out += fmt::format(R"({{"id":{},"{}":"{}","price":{}.{:02},"at":"{}","active":{},"ref":"{:016x}"}},)",
                     random.below(10'000'000), word(random), words(random, 1 + random.below(8)), random.below(1000),
                     random.below(100), moment(random), random.chance(1, 2) ? "true" : "false", random.next());
}

void add_sql(Random& random, std::string& out) {
  out +=
      fmt::format("SELECT {0}.id, {0}.{1} FROM {0} WHERE {0}.{2} = {3} AND {1} LIKE '%{4}%' ORDER BY {2} LIMIT 50;\n",
                  word(random), word(random), word(random), random.below(100'000), word(random));
}

void add_log(Random& random, std::string& out) {
  out += fmt::format("{} INFO [worker-{}] GET /api/v2/{}/{}?page={}&size=50 200 {} bytes {}.{} ms\n", moment(random),
                     random.below(16), word(random), random.below(1'000'000), random.below(40), random.below(65536),
                     random.below(90), random.below(1000));
}

void add_row(Random& random, std::string& out) {
  out += fmt::format("{},{},{}.{:02},{}+{}%2C{}\n", random.below(100'000), word(random), random.below(1000),
                     random.below(100), word(random), word(random), word(random));
}

std::string make() {
  Random random(1);
  std::string out;
  out.reserve(kSampleBytes + 512);
  while (out.size() < kSampleBytes) {
    switch (random.below(8)) {
      case 0:
        add_sql(random, out);
        break;
      case 1:
        add_log(random, out);
        break;
      case 2:
        add_row(random, out);
        break;
      case 3:
        out += words(random, 4 + random.below(16)) + ".\n";
        break;
      default:
        add_json(random, out);
    }
  }
  out.resize(kSampleBytes);
  return out;
}

}  // namespace

const std::string& sample_text() {
  static const std::string kText = make();
  return kText;
}

}  // namespace sluice::rules
