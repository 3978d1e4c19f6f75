// See frequency.h.
#include "rules/frequency.h"

#include <algorithm>
#include <array>
#include <string_view>

namespace sluice::rules {
namespace {

constexpr auto kFrequencies = [] {
  std::array<double, 256> table{};
  table.fill(0.0002);
  for (unsigned c = 0x21; c < 0x7f; ++c) table[c] = 0.002;
  const auto give = [&table](std::string_view bytes, double share) {
    for (const char c : bytes) table[static_cast<unsigned char>(c)] = share;
  };
  give("etaoinsr", 0.045);
  give("hldcumfpg", 0.02);
  give("wybvk", 0.01);
  give("ETAOINSRHLDCUMFPGWYBVK", 0.004);
  give("0123456789", 0.02);
  give(" ", 0.1);
  give("\",:", 0.05);
  give("{}[]().-_/=\n", 0.008);
  give("@%", 0.0004);
  return table;
}();

}  // namespace

double frequency(const ByteSet& set) {
  double sum = 0;
  for (unsigned byte = 0; byte < 256; ++byte)
    if (set[byte]) sum += kFrequencies[byte];
  return std::min(sum, 1.0);
}

}  // namespace sluice::rules
