// Which sessions a caller has or had of late, for who reads an alert.
#pragma once

#include <string>
#include <vector>

#include "common/time.h"
#include "common/unit.h"
#include "control/alerts/snapshot.h"
#include "control/archive/index.h"
#include "control/channel/server.h"

namespace sluice::control {

// Those that live, as the data plane says, and then those that the archive knows of the last ten minutes, the newest
// first; at most `most`. What cannot be asked is left out.
std::vector<SessionId> latest_sessions(ChannelServer& channel, Index& index, const AlertKey& caller, WallNs now,
                                       std::size_t most);

}  // namespace sluice::control
