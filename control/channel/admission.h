// Who may be the data plane: judged on the peer's user and on its hello, before anything else is listened to.
#pragma once

#include <optional>

#include "common/error.h"
#include "common/unix_socket.h"
#include "control/channel/messages.h"

namespace sluice::control {

// ok, or the reason that the caller is told. `connected` is the data plane that is there already.
Error judge_hello(const DataPlane& hello, const std::optional<DataPlane>& connected);
Error judge_peer(const Peer& peer);

}  // namespace sluice::control
