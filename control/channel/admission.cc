// See admission.h.
#include "control/channel/admission.h"

#include <string>

namespace sluice::control {

Error judge_hello(const DataPlane& hello, const std::optional<DataPlane>& connected) {
  if (hello.channel_version != kChannelVersion)
    return {ErrorCode::channel_bad_version, "the data plane speaks version " + std::to_string(hello.channel_version) +
                                                ", this control " + std::to_string(kChannelVersion)};
  if (connected)
    return {ErrorCode::already_running,
            "a data plane is connected already, process " + std::to_string(connected->pid) + "; stop it first"};
  return {};
}

Error judge_peer(const Peer& peer) {
  if (is_trusted(peer)) return {};
  return {ErrorCode::conflict, "user " + std::to_string(peer.uid) + " is neither root nor control's own user"};
}

}  // namespace sluice::control
