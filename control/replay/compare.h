// How a replayed response differs from the recorded one. What the record masks matches what stands there in
// the replay; nothing of the replay is shown that was not redacted.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/bytes.h"
#include "control/replay/http_head.h"
#include "control/replay/redactor.h"

namespace sluice::control {

// Headers that differ between any two runs, or that say again what the body's comparison says.
const std::vector<std::string>& ignored_headers();

struct HeaderDifference {
  std::string name;
  std::string recorded;  // "" where it is missing
  std::string replayed;
};

// `raw` is the replayed head as it came, `shown` the same one redacted.
std::vector<HeaderDifference> compare_headers(const HttpHead& recorded, const HttpHead& raw, const HttpHead& shown,
                                              bool is_masked);

// True when `recorded`, where '*' may stand for a letter or digit that was masked, is `replayed`.
bool matches_masked(std::string_view recorded, std::string_view replayed, bool is_masked);

struct BodyDifference {
  bool differs = false;
  std::uint64_t recorded_bytes = 0;
  std::uint64_t replayed_bytes = 0;
  std::uint64_t first_difference = 0;
  std::string recorded_excerpt;  // around the first difference; empty when it lies too far in
  std::string replayed_excerpt;
};

// Takes both bodies in pieces of any size, in any interleaving; keeps only their beginnings and what waits for
// its counterpart.
class BodyComparison {
 public:
  explicit BodyComparison(bool is_masked) : is_masked_(is_masked) {}
  void add_recorded(Bytes bytes);
  void add_replayed(Bytes bytes);
  [[nodiscard]] std::uint64_t recorded_bytes() const { return recorded_.bytes; }
  [[nodiscard]] std::uint64_t replayed_bytes() const { return replayed_.bytes; }
  // Both bodies are whole.
  [[nodiscard]] BodyDifference finish(const Redactor& redactor);

 private:
  struct Side {
    std::string beginning;  // at most kKeepBytes
    std::string waiting;
    std::uint64_t bytes = 0;
    void add(Bytes more, bool wait);
  };
  void compare_waiting();

  bool is_masked_;
  bool differs_ = false;
  std::uint64_t compared_ = 0;  // both alike up to here
  Side recorded_;
  Side replayed_;
};

}  // namespace sluice::control
