#include "tests/unit/dataplane/inspect/corpus.h"

#include <array>
#include <string_view>

#include "common/random.h"

namespace sluice::inspect {
namespace {

constexpr std::array<std::string_view, 16> kWords = {"order",   "amount", "shipped", "customer", "note", "warehouse",
                                                     "express", "return", "invoice", "paid",     "open", "blue",
                                                     "cotton",  "large",  "north",   "the"};
constexpr std::array<std::string_view, 8> kMatches = {"4111 1111 1111 1111", "jane.doe+x@mail.example.com",
                                                      "078-05-1120",         "AKIA0123456789ABCDEF",
                                                      "10.77.0.254",         "5500005555555559",
                                                      "bob@example.org",     "3782-822463-10005"};
constexpr std::array<std::string_view, 26> kPieces = {
    "1",
    " ",
    "-",
    "4111 1111 1111 1111",
    "4111111111111111",
    "2025",
    "@",
    ".",
    "a",
    "Bc.de",
    "x_y%",
    "org",
    "co",
    "\"",
    ":",
    "078-05-1120",
    "-1120",
    "10.",
    "0",
    "77",
    "AKI",
    "AKIA01",
    "ASIA9Z8Y",
    "\n",
    "\\n",
    "\\",
};

template <std::size_t kCount>
std::string_view pick(Random& random, const std::array<std::string_view, kCount>& from) {
  return from[random.below(kCount)];
}

void append_member(Random& random, std::string& out) {
  out += '"';
  out += pick(random, kWords);
  out += "\":";
  switch (random.below(5)) {
    case 0:
      out += std::to_string(random.below(1'000'000'000));
      break;
    case 1:
      out += std::to_string(random.below(100'000)) + "." + std::to_string(random.below(100));
      break;
    case 2:
      out += "\"2026-0" + std::to_string(1 + random.below(9)) + "-1" + std::to_string(random.below(10)) + "T0" +
             std::to_string(random.below(10)) + ":15:42Z\"";
      break;
    default:
      out += '"';
      for (std::uint64_t words = 1 + random.below(8); words > 0; --words) {
        out += pick(random, kWords);
        if (words > 1) out += ' ';
      }
      out += '"';
  }
}

}  // namespace

std::string json_corpus(std::uint64_t seed, std::size_t bytes, std::size_t bytes_between) {
  Random random(seed);
  std::string out;
  out.reserve(bytes + 256);
  out += "[{";
  std::size_t next_match = bytes_between == 0 ? bytes + 1 : random.below(2 * bytes_between);
  while (out.size() < bytes) {
    if (out.size() >= next_match) {
      out += "\"value\":\"";
      out += pick(random, kMatches);
      out += '"';
      next_match += 1 + random.below(2 * bytes_between);
    } else {
      append_member(random, out);
    }
    out += random.chance(1, 8) ? "},{" : ",";
  }
  out.resize(bytes);
  return out;
}

std::string dense_corpus(std::uint64_t seed, std::size_t bytes) {
  Random random(seed);
  std::string out;
  while (out.size() < bytes) {
    switch (random.below(8)) {
      case 0:
        out += pick(random, kMatches);
        break;
      case 1:  // one byte of a match is another
        out += pick(random, kMatches);
        out[out.size() - 1 - random.below(8)] = static_cast<char>(random.chance(1, 2) ? '0' + random.below(10) : ' ');
        break;
      case 2:  // a match is cut off
        out += pick(random, kMatches).substr(0, random.below(12));
        break;
      case 3:  // the same again and again, so that many starts and ends compete
        for (std::uint64_t n = random.below(12); n > 0; --n) out += pick(random, kPieces).substr(0, 2);
        break;
      case 4:
        out += static_cast<char>(random.below(256));
        break;
      default:
        out += pick(random, kPieces);
    }
  }
  out.resize(bytes);
  return out;
}

std::string conditional_corpus(std::uint64_t seed, std::size_t bytes) {
  static constexpr std::array<std::string_view, 40> kConditional = {"api_key = \"",
                                                                    "secretkey:",
                                                                    "API-KEY='",
                                                                    "Zk3_9fQa1+Lw0-Xy",
                                                                    "Zk3_9fQa1+Lw0-Xy\"",
                                                                    "aaaaaaaabbbb",
                                                                    "abcdefghij;",
                                                                    "9fExample77Qz1",
                                                                    "\"",
                                                                    "\\n",
                                                                    "'",
                                                                    " ",
                                                                    "\n",
                                                                    "ssn",
                                                                    "SSN:",
                                                                    "social security",
                                                                    "social_security ",
                                                                    "SocialSecurity-",
                                                                    "tax no. ",
                                                                    "x_ssn",
                                                                    "\\nssn ",
                                                                    "assn ",
                                                                    "219-09-9999",
                                                                    "219099999",
                                                                    "078-05-1120",
                                                                    "000123456",
                                                                    "DE89370400440532013000",
                                                                    "DE89 3704 0044 0532 0130 00",
                                                                    "GB29 NWBK 6016 1331 9268 19",
                                                                    "20",
                                                                    "visa ",
                                                                    "Visa",
                                                                    "card ",
                                                                    "card: ",
                                                                    "card#4111 1111 1111 1111",
                                                                    "4111111111111111",
                                                                    "4111-1111-1111-1112",
                                                                    "2025",
                                                                    ",",
                                                                    "."};
  Random random(seed);
  std::string out;
  while (out.size() < bytes) {
    out += pick(random, kConditional);
    if (random.chance(1, 3)) out += ' ';
    if (random.chance(1, 12)) out[random.below(out.size())] = static_cast<char>(random.below(256));
  }
  out.resize(bytes);
  return out;
}

}  // namespace sluice::inspect
