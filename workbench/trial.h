// Rules as the data plane runs them: compiled to a bundle, loaded as a snapshot, over text that comes piece by piece.
// All of them look at the text, wherever they look in traffic.
#pragma once

#include <memory>
#include <vector>

#include "common/error.h"
#include "dataplane/enforce/snapshot.h"
#include "rules/rule.h"

namespace sluice::workbench {

class Trial {
 public:
  // Match::rule is the position in `rules`.
  static Result<Trial> of(const std::vector<rules::Rule>& rules);

  // A text of its own. False when the scanner could not decide it.
  bool scan(Bytes text, std::vector<Match>& matches);
  // The same in pieces of so many bytes, as segments bring it.
  bool scan(Bytes text, std::size_t piece_bytes, std::vector<Match>& matches);

  // One text in pieces of any size: `window` is the text from state.hold to the newest byte.
  ErrorCode feed(inspect::ScanState& state, Bytes window, bool last, std::vector<Match>& matches);

 private:
  std::unique_ptr<const enforce::Snapshot> snapshot_;
  std::unique_ptr<inspect::Scratch> scratch_;
};

}  // namespace sluice::workbench
