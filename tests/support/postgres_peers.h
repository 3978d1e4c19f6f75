// Two PostgreSQL peers for a relay: their messages, and what a recorded body says.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>

#include "segment/item_mark.h"
#include "tests/support/relay_harness.h"
#include "tests/unit/dataplane/protocol/postgres/wire.h"

namespace sluice::session {

using namespace postgres;  // the bytes of messages

inline const std::string kCard = "4111111111111111";
inline const std::string kStarred = "************1111";

inline std::string policy(std::string_view mode = "enforce", std::string_view more = "") {
  std::string text = test::masking_policy(more, mode);
  for (std::size_t at = 0; (at = text.find("protocol: http", at)) != std::string::npos;)
    text.replace(at, 14, "protocol: postgres");
  return text;
}

inline std::string ok() {
  return message('R', be32(0)) + message('K', be32(7) + be32(8)) + ready();
}

inline std::string row(std::initializer_list<std::string> cells) {
  std::string body = be16(static_cast<std::uint32_t>(cells.size()));
  for (const std::string& cell : cells) body += cell == kNull ? kNull : sized(cell);
  return message('D', body);
}

inline std::string rows_of(std::initializer_list<std::string> columns) {
  std::string body = be16(static_cast<std::uint32_t>(columns.size()));
  for (const std::string& name : columns) body += column(name);
  return message('T', body);
}

inline std::string bind(std::string_view portal, std::string_view statement,
                        std::initializer_list<std::string> values) {
  std::string body = text(portal) + text(statement) + be16(0) + be16(static_cast<std::uint32_t>(values.size()));
  for (const std::string& value : values) body += value == kNull ? kNull : sized(value);
  return message('B', body + be16(0));
}

// What the client gets in place of the server's error.
inline std::string refusal(std::string_view why, std::string_view code = "42501") {
  return message('E', "S" + text("ERROR") + "V" + text("ERROR") + "C" + text(code) + "M" +
                          text("refused by the gateway: " + std::string(why)) + '\0');
}

// The values of a recorded body, marks as people would write them: "|" before a value, ";" behind a text.
inline std::string told(std::string_view body) {
  std::string out;
  while (!body.empty()) {
    const auto mark = read_mark(body);
    if (!mark) {
      out += body.front();
      body.remove_prefix(1);
      continue;
    }
    body.remove_prefix(mark->bytes);
    if (mark->item == Item::row) out += "|row(" + std::to_string(mark->length) + ")";
    if (mark->item == Item::null) out += "|NULL";
    if (mark->item == Item::left_out) out += "|left_out(" + std::to_string(mark->length) + ")";
    if (mark->item == Item::list) out += "|list(" + std::to_string(mark->length) + ")";
    if (mark->item == Item::text) out += ";";
    if (mark->item != Item::value && mark->item != Item::decoded) continue;
    out += "|" + std::string(body.substr(0, mark->length));
    body.remove_prefix(mark->length);
  }
  return out;
}

struct Connected : PostgresHarness {
  explicit Connected(const std::string& text = policy(), std::size_t most = 0, sql::ParserPool* parsers = nullptr)
      : PostgresHarness(text, parsers), cut(most) {
    says(startup());
    answers(ok());
    to_server.clear();
    to_client.clear();
  }
  void says(const std::string& bytes) { client(bytes, cut); }
  void answers(const std::string& bytes) { server(bytes, cut); }
  std::size_t cut;
};

}  // namespace sluice::session
