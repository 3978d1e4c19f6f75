#include "dataplane/protocol/http1/target.h"

#include <algorithm>

#include "common/hex.h"
#include "dataplane/protocol/http1/syntax.h"

namespace sluice::http1 {
namespace {

constexpr std::size_t kLongestPort = 5;

bool is_port(std::string_view text) {
  return text.size() <= kLongestPort && std::ranges::all_of(text, is_digit);
}

// Every '%' is followed by two hexadecimal digits.
bool is_reg_name(std::string_view text) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (!is_class(text[i], kHostChar)) return false;
    if (text[i] != '%') continue;
    if (text.size() - i < 3) return false;
    for (const char digit : text.substr(i + 1, 2))
      if (hex_value(static_cast<std::uint8_t>(digit)) < 0) return false;
  }
  return true;
}

// What may stand between the brackets of an IP literal; its exact form decides nothing here.
bool is_ip_literal(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) {
    return c == ':' || c == '.' || hex_value(static_cast<std::uint8_t>(c)) >= 0;
  });
}

// Where the authority of an http or https URI begins, npos when it is none.
std::size_t authority_begin(std::string_view target) {
  for (const std::string_view scheme : {std::string_view("http://"), std::string_view("https://")})
    if (target.size() > scheme.size() && equals_lower(target.substr(0, scheme.size()), scheme)) return scheme.size();
  return std::string_view::npos;
}

}  // namespace

bool is_authority(std::string_view text) {
  std::size_t host_end = 0;
  if (text.starts_with('[')) {
    const std::size_t bracket = text.find(']');
    if (bracket == std::string_view::npos || !is_ip_literal(text.substr(1, bracket - 1))) return false;
    host_end = bracket + 1;
  } else {
    host_end = std::min(text.find(':'), text.size());
    if (!is_reg_name(text.substr(0, host_end))) return false;
  }
  const std::string_view rest = text.substr(host_end);
  return rest.empty() || (host_end > 0 && rest.starts_with(':') && is_port(rest.substr(1)));
}

std::string_view absolute_authority(std::string_view target) {
  const std::size_t begin = authority_begin(target);
  if (begin == std::string_view::npos) return {};
  target.remove_prefix(begin);
  return target.substr(0, target.find_first_of("/?"));
}

bool is_request_target(std::string_view method, std::string_view target) {
  if (method == "CONNECT") {
    const std::size_t colon = target.rfind(':');
    return colon != std::string_view::npos && is_digit(target.back()) && is_authority(target);  // with a port
  }
  if (target.starts_with('/')) return true;
  if (target == "*") return method == "OPTIONS";
  const std::string_view authority = absolute_authority(target);
  return !authority.empty() && is_authority(authority);
}

}  // namespace sluice::http1
