// See sample.h. No chance is in it: the same rule has the same samples each time.
#include "rules/import/sample.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace sluice::rules::import {
namespace {

using Kind = Regex::Kind;

// Secrets as long as that look like some, where their length is free.
constexpr std::uint32_t kUsualLength = 40;

class Maker {
 public:
  explicit Maker(std::uint64_t seed) : state_(seed * 0x9e3779b97f4a7c15U + 1) {}

  Sample make(const Regex& regex) {
    add(regex);
    if (sample_.end == 0) sample_.end = sample_.text.size();
    return std::move(sample_);
  }

 private:
  std::uint64_t below(std::uint64_t bound) {
    state_ = state_ * 6364136223846793005U + 1442695040888963407U;
    return (state_ >> 33) % bound;
  }

  void add(const Regex& regex) {
    switch (regex.kind) {
      case Kind::bytes:
        sample_.text += pick(regex.set);
        return;
      case Kind::choice:
        return add(regex.parts[below(regex.parts.size())]);
      case Kind::repeat: {
        const std::uint32_t room = std::min(regex.max - regex.min, kUsualLength);
        // Among free repetitions the short ones are the plain ones; within the secret length makes entropy.
        const std::uint64_t more = inside_ ? room - below(room / 2 + 1) : (below(3) == 0 ? below(room + 1) : 0);
        for (std::uint64_t i = 0; i < regex.min + more && sample_.text.size() < kMaxRegexBytes; ++i)
          add(regex.parts.front());
        return;
      }
      case Kind::group:
        sample_.begin = sample_.text.size();
        inside_ = true;
        add(regex.parts.front());
        inside_ = false;
        sample_.end = sample_.text.size();
        return;
      case Kind::sequence:
        for (const Regex& part : regex.parts) add(part);
        return;
      default:
        return;
    }
  }

  char pick(const ByteSet& set) {
    // Letters and digits first, then what else can be read.
    const std::array<ByteSet, 3> wishes = {word_bytes() & ~single_byte('_'), byte_range(' ', '~'), ByteSet().set()};
    for (const ByteSet& wish : wishes) {
      const ByteSet from = set & wish;
      if (from.none()) continue;
      std::uint64_t nth = below(from.count());
      for (unsigned byte = 0; byte < 256; ++byte)
        if (from[byte] && nth-- == 0) return static_cast<char>(byte);
    }
    return ' ';
  }

  std::uint64_t state_;
  bool inside_ = false;
  Sample sample_;
};

}  // namespace

Sample make_sample(const Expressed& expressed, std::uint64_t seed) {
  return Maker(seed).make(expressed.tree);
}

double entropy_of(std::string_view text) {
  std::array<std::size_t, 256> counts{};
  for (const char c : text) ++counts[static_cast<std::uint8_t>(c)];
  double bits = 0;
  for (const std::size_t count : counts) {
    if (count == 0) continue;
    const double share = static_cast<double>(count) / static_cast<double>(text.size());
    bits -= share * std::log2(share);
  }
  return bits;
}

}  // namespace sluice::rules::import
