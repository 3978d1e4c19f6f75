// What was found in a statement, or in the values bound to it, is worth, for the messages that run it: they say only
// its name. Each part once, and as many as kMost; what is beyond those is one more, so that the sum is right.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::session {

class CarriedParts {
 public:
  static constexpr std::size_t kMost = 15;
  struct Part {
    std::string name;
    std::uint32_t points = 0;
  };

  void add(std::string_view name, std::uint32_t points) {
    if (parts_.size() < kMost)
      parts_.push_back({std::string(name), points});
    else if (parts_.size() == kMost)
      parts_.push_back({"others", points});
    else
      parts_.back().points += points;
  }
  [[nodiscard]] const std::vector<Part>& parts() const { return parts_; }
  [[nodiscard]] std::uint64_t total() const {
    std::uint64_t sum = 0;
    for (const Part& part : parts_) sum += part.points;
    return sum;
  }
  [[nodiscard]] bool has(std::string_view name) const {
    return std::ranges::find(parts_, name, &Part::name) != parts_.end();
  }

 private:
  std::vector<Part> parts_;
};
using CarriedScore = std::shared_ptr<const CarriedParts>;  // null: of nothing

}  // namespace sluice::session
