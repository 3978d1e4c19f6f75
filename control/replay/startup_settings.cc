// See startup_settings.h. PostgreSQL's manual, "Message Formats" (StartupMessage) and "Connection Control Functions"
// (options).
#include "control/replay/startup_settings.h"

#include <algorithm>
#include <array>
#include <utility>

namespace sluice::control {
namespace {

constexpr std::array<std::string_view, 4> kWho = {"user", "database", "replication", "password"};

bool is_space(char c) {
  return c == ' ' || (c >= '\t' && c <= '\r');
}

// Words with spaces between them; behind a backslash anything is part of one.
std::vector<std::string> words_of(std::string_view options) {
  std::vector<std::string> words;
  bool is_inside = false;
  for (std::size_t i = 0; i < options.size(); ++i) {
    if (is_space(options[i])) {
      is_inside = false;
      continue;
    }
    if (!std::exchange(is_inside, true)) words.emplace_back();
    if (options[i] == '\\' && i + 1 < options.size()) ++i;
    words.back() += options[i];
  }
  return words;
}

void add(std::vector<StartupSetting>& settings, StartupSetting one) {
  const bool is_protocols = one.name.starts_with("_pq_.");
  if (!is_protocols && std::ranges::count(kWho, one.name) == 0) settings.push_back(std::move(one));
}

// "-c NAME=VALUE" or "--NAME=VALUE"; the switches of the server's program that have a letter of their own are rare, and
// are told as a setting that no server has.
void add_options(std::vector<StartupSetting>& settings, std::string_view options) {
  const std::vector<std::string> words = words_of(options);
  for (std::size_t i = 0; i < words.size(); ++i) {
    std::string one = words[i];
    const bool is_apart = one == "-c" && i + 1 < words.size();
    if (is_apart) one = words[++i];
    const bool is_setting = is_apart || one.starts_with("-c") || one.starts_with("--");
    if (!is_apart && is_setting) one.erase(0, 2);
    const std::size_t equals = std::min(one.find('='), one.size());
    std::string name = one.substr(0, equals);
    if (is_setting) std::ranges::replace(name, '-', '_');
    add(settings, {.name = std::move(name), .value = equals < one.size() ? one.substr(equals + 1) : ""});
  }
}

}  // namespace

Result<std::vector<StartupSetting>> startup_settings(const PostgresHead& head, std::string_view body) {
  std::vector<StartupSetting> settings;
  RecordedItems items(body);
  for (const std::string& name : head.names) {
    if (!items.is(Item::text)) return fail(ErrorCode::bad_argument, "its settings are not all on the record");
    const std::string_view value = items.at()->bytes;
    if (name == "options")
      add_options(settings, value);
    else
      add(settings, {.name = name, .value = std::string(value)});
    items.pass();
  }
  if (items.at() != nullptr) return fail(ErrorCode::bad_argument, "its settings are not all on the record");
  return settings;
}

std::string startup_options(const std::vector<StartupSetting>& settings) {
  std::string out;
  for (const StartupSetting& one : settings) {
    out += out.empty() ? "-c " : " -c ";
    for (const char c : one.name + "=" + one.value) {
      if (c == '\\' || is_space(c)) out += '\\';
      out += c;
    }
  }
  return out;
}

}  // namespace sluice::control
