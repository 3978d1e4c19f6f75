// n bytes of which c(i) are alike have log2(n) - sum of c(i) log2(c(i)) / n bits a byte. Both sides are taken n times,
// so that one byte more changes one term and nothing is divided.
#include "dataplane/inspect/entropy.h"

#include <array>
#include <bit>

#include "rules/bounds.h"

namespace sluice::inspect {
namespace {

constexpr unsigned kFractionBits = 24;
// Each of at most 257 terms is off by half of the last bit at most: an entropy that is the minimum counts.
constexpr std::uint64_t kRounding = 257;

__extension__ using Wide = unsigned __int128;

// log2 of `value`, at least 1, with 40 bits behind the point: squaring shows one bit after the other.
std::uint64_t log2_of(std::uint64_t value) {
  const auto whole = static_cast<unsigned>(std::bit_width(value)) - 1;
  std::uint64_t rest = value << (62 - whole);  // from 1 to 2, with 62 bits behind the point
  std::uint64_t result = whole;
  for (int bit = 0; bit < 40; ++bit) {
    const Wide square = Wide{rest} * rest >> 62;
    const bool two = square >> 63 != 0;
    rest = static_cast<std::uint64_t>(two ? square >> 1 : square);
    result = result << 1 | (two ? 1 : 0);
  }
  return result;
}

// [c] is c log2(c).
using Table = std::array<std::uint64_t, rules::kMaxMatchBytes + 1>;

Table make_table() {
  Table table{};
  for (std::uint64_t c = 1; c < table.size(); ++c)
    table[c] = (c * log2_of(c) + (std::uint64_t{1} << (39 - kFractionBits))) >> (40 - kFractionBits);
  return table;
}

const Table kTable = make_table();

}  // namespace

void keep_random(Bytes text, std::uint32_t start, std::uint32_t min_millibits, std::vector<std::uint32_t>& ends) {
  std::array<std::uint16_t, 256> counts{};
  std::uint64_t alike = 0;
  std::uint32_t at = start;
  std::erase_if(ends, [&](std::uint32_t end) {
    for (; at < end; ++at) {
      const std::uint16_t count = counts[text[at]]++;
      alike += kTable[count + 1U] - kTable[count];
    }
    const std::uint64_t bytes = end - start;
    return (kTable[bytes] + kRounding - alike) * 1000 < (bytes * min_millibits) << kFractionBits;
  });
}

}  // namespace sluice::inspect
