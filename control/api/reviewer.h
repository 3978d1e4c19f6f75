// Who a user of this machine is: their name and groups, as the machine's databases say now.
#pragma once

#include <sys/types.h>

#include "control/approvals/hold.h"

namespace sluice::control {

// A user that the machine does not know is "uid N", in no group.
Reviewer reviewer_of(uid_t uid);

}  // namespace sluice::control
