// See tell.h.
#include "control/cli/tell.h"

#include <iostream>

#include "control/cli/print.h"

namespace sluice::cli {

Exit tell(const Shared& options, const Answer& answer, Printer print) {
  if (options.json)
    std::cout << answer.json.dump(2, ' ', false, Json::error_handler_t::replace) << "\n";
  else if (answer.exit == Exit::ok)
    std::cout << print(answer.json);
  else
    std::cerr << error_text(answer.json);
  return answer.exit;
}

Exit complain(const Shared& options, Exit exit, const std::string& message) {
  return tell(options, {exit, {{"error", "bad_argument"}, {"message", message}}}, nullptr);
}

}  // namespace sluice::cli
