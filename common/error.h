// Errors as values. Every code is declared once in errors.def with its number and its text;
// the name doubles as the counter's name. Data-path code returns bare ErrorCode (no allocation);
// everything else returns Result<T>, whose Error may say more.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <utility>

namespace sluice {

enum class ErrorCode : std::uint16_t {
#define SLUICE_ERROR(name, number, text) name = (number),
#include "common/errors.def"
#undef SLUICE_ERROR
};

// The counter and record word, e.g. "http_bare_cr"; "unknown" for a number that is not declared.
std::string_view error_name(ErrorCode code);
// One sentence for people.
std::string_view error_text(ErrorCode code);
// Codes are dense when counted: 0 .. error_count()-1, in the order of errors.def.
std::size_t error_count();
std::size_t error_index(ErrorCode code);
ErrorCode error_at(std::size_t index);

struct Error {
  ErrorCode code = ErrorCode::ok;
  std::string detail;  // what, where, and what would be right; never a secret

  // "text: detail", or the text alone.
  [[nodiscard]] std::string message() const;
};

template <class T>
using Result = std::expected<T, Error>;

inline std::unexpected<Error> fail(ErrorCode code, std::string detail = {}) {
  return std::unexpected<Error>(Error{code, std::move(detail)});
}

}  // namespace sluice
