// See fields.h.
#include "control/cli/fields.h"

#include "control/cli/text.h"

namespace sluice::cli {

std::string text_of(const Json& json, const char* key) {
  const auto found = json.find(key);
  return found != json.end() && found->is_string() ? printable(found->get<std::string>()) : std::string();
}

std::uint64_t number_of(const Json& json, const char* key) {
  const auto found = json.find(key);
  return found != json.end() && found->is_number() ? found->get<std::uint64_t>() : 0;
}

bool is_true(const Json& json, const char* key) {
  const auto found = json.find(key);
  return found != json.end() && found->is_boolean() && found->get<bool>();
}

Json part(const Json& json, const char* key) {
  const auto found = json.find(key);
  return found != json.end() ? *found : Json();
}

std::string bytes_of(const Json& bytes) {
  if (!bytes.is_object()) return {};
  return bytes.contains("text") ? text_of(bytes, "text") : "(binary, base64) " + text_of(bytes, "base64");
}

std::string raw_bytes_of(const Json& bytes) {
  if (!bytes.is_object()) return {};
  if (bytes.contains("text") && bytes["text"].is_string()) return bytes["text"].get<std::string>();
  constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  std::uint32_t group = 0;
  unsigned bits = 0;
  for (const char c : bytes.value("base64", std::string())) {
    const std::size_t digit = kDigits.find(c);
    if (digit == std::string_view::npos) break;
    group = group << 6 | static_cast<std::uint32_t>(digit);
    bits += 6;
    if (bits < 8) continue;
    bits -= 8;
    out += static_cast<char>(group >> bits & 0xff);
  }
  return out;
}

std::string principal_of(const Json& json) {
  const std::string name = text_of(json, "principal");
  if (name.empty()) return "-";
  return is_true(json, "principal_verified") ? name : name + " (unverified)";
}

std::string said(const Json& what) {
  std::string out = text_of(what, "by");
  if (is_true(what, "override")) out += ", OVERRIDE";
  if (const std::string reason = text_of(what, "reason"); !reason.empty()) out += ": " + reason;
  return out;
}

}  // namespace sluice::cli
