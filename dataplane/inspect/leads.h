// Of a rule that is looked for by literals which may stand far behind the start of a match: where a match may begin
// that shows its literal only in bytes to come. What stands in a match before its literal is often less than what a
// match holds: no name in an address holds an @. So few starts at the end of what has come are tried.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "dataplane/inspect/content.h"
#include "rules/anchor.h"
#include "rules/byte_span.h"

namespace sluice::inspect {

class Leads {
 public:
  explicit Leads(const std::vector<rules::Literal>& literals);
  // It is worth it: as many bytes may stand before one of them.
  static bool are_long(const std::vector<rules::Literal>& literals);

  // Every match that begins before this, at `first` or later, has its literal in the content, with what every match has
  // behind it.
  [[nodiscard]] std::uint32_t first_open(Content& content, std::uint32_t first) const;

 private:
  // Literals that the same may stand before.
  struct Lead {
    Lead(const rules::ByteSet& before, std::uint32_t most_before) : set(before), most(most_before), bytes(before) {}
    rules::ByteSet set;
    std::uint32_t most;                                 // bytes before a literal
    rules::ByteSpan bytes;                              // of `set`
    std::array<bool, 256> begins{};                     // a literal
    std::vector<std::vector<rules::ByteSet>> literals;  // with what is behind them
    std::uint32_t longest = 0;                          // of these
  };
  static bool is_begun(const Lead& lead, Bytes text);

  std::vector<Lead> leads_;
};

}  // namespace sluice::inspect
