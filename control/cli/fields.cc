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
