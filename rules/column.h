// Which columns of a result a rule names, by what a server says of them before their cells.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace sluice::rules {

inline constexpr std::size_t kMaxColumns = 64;          // patterns of a rule
inline constexpr std::size_t kMaxColumnNameBytes = 63;  // as PostgreSQL keeps names

// All that is given must hold of a column.
struct ColumnPattern {
  std::string name;             // in lower case; `*` stands for any characters and `?` for one; empty: any name
  std::uint32_t table = 0;      // OID; 0: any
  std::uint16_t attribute = 0;  // its number there; 0: any
  std::uint32_t type = 0;       // OID; 0: any
};

// `name` as it stands in the result, letters of either case being the same.
bool matches_name(std::string_view pattern, std::string_view name);

}  // namespace sluice::rules
