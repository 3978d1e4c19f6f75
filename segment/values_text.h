// A body that is many values (segment/item_mark.h), for people: a row a line, its values side by side.
#pragma once

#include <string>
#include <string_view>

namespace sluice {

std::string values_text(std::string_view body);

}  // namespace sluice
