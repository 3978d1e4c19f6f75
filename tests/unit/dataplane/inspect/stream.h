// Drives the scanner as a session does: keeps what is held, shows it again with what came since, and
// checks on every call what the scanner promises about `hold` and the matches.
#pragma once

#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "dataplane/inspect/scanner.h"

namespace sluice::inspect {

class Stream {
 public:
  Stream(const RuleSet& rules, Scratch& scratch) : rules_(rules), scratch_(scratch) {}

  // One call with these bytes as new ones, in pieces of their own. False when the scan failed.
  bool feed(std::string_view bytes, bool last) { return feed(std::vector<std::string_view>{bytes}, last); }
  bool feed(const std::vector<std::string_view>& pieces, bool last);

  [[nodiscard]] const std::vector<Match>& matches() const { return matches_; }
  [[nodiscard]] std::size_t held_bytes() const;
  [[nodiscard]] ErrorCode code() const { return code_; }
  // Empty while every promise was kept; else the first that was not.
  [[nodiscard]] const std::string& broken() const { return broken_; }

 private:
  void check(std::uint64_t old_hold, std::size_t known, std::uint64_t end, bool last);
  void release(std::uint64_t count);

  const RuleSet& rules_;
  Scratch& scratch_;
  ScanState state_;
  std::deque<std::string> held_;
  std::vector<Match> matches_;
  ErrorCode code_ = ErrorCode::ok;
  std::string broken_;
};

// The matches of `content` when it is cut before each of the ascending offsets `cuts`.
// Throws when the scan fails or a promise is broken.
std::vector<Match> scan_cut(const RuleSet& rules, Scratch& scratch, std::string_view content,
                            const std::vector<std::size_t>& cuts);

}  // namespace sluice::inspect
