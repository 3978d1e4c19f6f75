// Holds and orders as text for people.
#pragma once

#include <string>

#include "control/cli/client.h"

namespace sluice::cli {

std::string holds_text(const Json& list);
std::string hold_text(const Json& hold);
std::string decision_text(const Json& answer);
std::string claim_text(const Json& hold);
std::string change_text(const Json& change);  // a line
std::string orders_text(const Json& list);
std::string order_text(const Json& order);
std::string order_about(const Json& order);  // "principal ci, service orders"

}  // namespace sluice::cli
