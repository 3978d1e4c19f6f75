// See plan.h.
#include "bench/load/plan.h"

#include <charconv>
#include <string>

namespace sluice::bench {
namespace {

constexpr std::size_t kMaxBodyBytes = std::size_t{64} << 20;

std::vector<double> weights(const std::vector<MixPart>& mix) {
  std::vector<double> out;
  for (const MixPart& part : mix) out.push_back(part.weight);
  return out;
}

// The number at the beginning of `text`, which is then what follows it. False when there is none.
bool take_number(std::string_view& text, std::size_t& value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc()) return false;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return true;
}

bool parse_part(std::string_view text, MixPart& part) {
  if (!take_number(text, part.bytes) || part.bytes > kMaxBodyBytes) return false;
  if (text.starts_with('k') || text.starts_with('m')) {
    part.bytes <<= text[0] == 'k' ? 10U : 20U;
    text.remove_prefix(1);
  }
  std::size_t weight = 1;
  if (text.starts_with(':')) {
    text.remove_prefix(1);
    if (!take_number(text, weight)) return false;
  }
  part.weight = static_cast<std::uint32_t>(weight);
  return text.empty() && part.bytes > 0 && part.bytes <= kMaxBodyBytes && weight > 0 && weight <= 1'000'000;
}

}  // namespace

Result<std::vector<MixPart>> parse_mix(std::string_view text) {
  std::vector<MixPart> mix;
  for (;;) {
    const std::size_t comma = text.find(',');
    const std::string_view one = text.substr(0, comma);
    MixPart part;
    if (!parse_part(one, part))
      return fail(ErrorCode::bad_argument,
                  "mix: '" + std::string(one) + "' is no size of 1 to 64m with a weight; for example 1k:80,64k:20");
    mix.push_back(part);
    if (comma == std::string_view::npos) return mix;
    text.remove_prefix(comma + 1);
  }
}

MixChoice::MixChoice(const std::vector<MixPart>& mix, std::uint64_t seed) : random_(seed) {
  const std::vector<double> all = weights(mix);
  choice_ = std::discrete_distribution<std::size_t>(all.begin(), all.end());
}

std::size_t MixChoice::next() {
  return choice_(random_);
}

Arrivals::Arrivals(double per_second, bool poisson, TimeNs start, std::uint64_t seed)
    : gap_ns_(double(kSecond) / per_second), poisson_(poisson), start_(start), next_(start), random_(seed) {}

void Arrivals::advance() {
  at_ns_ += poisson_ ? gap_ns_ * exponential_(random_) : gap_ns_;
  next_ = start_ + static_cast<TimeNs>(at_ns_);
}

}  // namespace sluice::bench
