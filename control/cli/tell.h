// How every command ends: the answer as text or JSON, and what the process exits with.
#pragma once

#include <string>

#include "control/cli/client.h"

namespace sluice::cli {

struct Shared {
  std::string socket_path = "/run/sluice/api.sock";
  bool json = false;
};

using Printer = std::string (*)(const Json&);

Exit tell(const Shared& options, const Answer& answer, Printer print);
Exit complain(const Shared& options, Exit exit, const std::string& message);

}  // namespace sluice::cli
