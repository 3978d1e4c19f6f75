// Tables generated from errors.def.
#include "common/error.h"

#include <algorithm>
#include <array>

namespace sluice {
namespace {

struct Row {
  ErrorCode code;
  std::string_view name;
  std::string_view text;
};

constexpr Row kRows[] = {
#define SLUICE_ERROR(name, number, text) {ErrorCode::name, #name, text},
#include "common/errors.def"
#undef SLUICE_ERROR
};

constexpr std::size_t kLargest = 1000;

constexpr auto kIndexOf = [] {
  std::array<std::uint16_t, kLargest> index{};
  for (std::size_t i = 0; i < std::size(kRows); ++i)
    index[static_cast<std::size_t>(kRows[i].code)] = static_cast<std::uint16_t>(i);
  return index;
}();

}  // namespace

std::size_t error_count() {
  return std::size(kRows);
}

std::size_t error_index(ErrorCode code) {
  const auto number = static_cast<std::size_t>(code);
  return number < kLargest ? kIndexOf[number] : 0;
}

ErrorCode error_at(std::size_t index) {
  return kRows[std::min(index, std::size(kRows) - 1)].code;
}

std::string_view error_name(ErrorCode code) {
  const Row& row = kRows[error_index(code)];
  return row.code == code ? row.name : "unknown";
}

std::string_view error_text(ErrorCode code) {
  const Row& row = kRows[error_index(code)];
  return row.code == code ? row.text : "unknown error";
}

std::string Error::message() const {
  std::string out(error_text(code));
  if (!detail.empty()) out.append(": ").append(detail);
  return out;
}

}  // namespace sluice
