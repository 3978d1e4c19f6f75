// Bytes of messages as the protocol has them, sound or not, for tests.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "common/bytes.h"

namespace sluice::postgres {

inline std::string be16(std::uint32_t number) {
  std::string out(2, '\0');
  store_be16(reinterpret_cast<std::uint8_t*>(out.data()), static_cast<std::uint16_t>(number));
  return out;
}
inline std::string be32(std::uint32_t number) {
  std::string out(4, '\0');
  store_be32(reinterpret_cast<std::uint8_t*>(out.data()), number);
  return out;
}
inline std::string be64(std::uint64_t number) {
  return be32(static_cast<std::uint32_t>(number >> 32U)) + be32(static_cast<std::uint32_t>(number));
}
inline std::string text(std::string_view characters) {
  return std::string(characters) + '\0';
}
inline std::string sized(std::string_view bytes) {
  return be32(static_cast<std::uint32_t>(bytes.size())) + std::string(bytes);
}
inline const std::string kNull = be32(0xffffffff);

inline std::string message(char type, std::string_view body = {}) {
  return type + be32(static_cast<std::uint32_t>(body.size() + 4)) + std::string(body);
}
// One without a type.
inline std::string packet(std::uint32_t code, std::string_view body = {}) {
  return be32(static_cast<std::uint32_t>(body.size() + 8)) + be32(code) + std::string(body);
}

inline const std::string kSslRequestPacket = packet(80877103);
inline const std::string kGssRequestPacket = packet(80877104);
inline std::string startup(std::string_view parameters = std::string_view("user\0ann\0database\0shop\0", 23)) {
  return packet(3U << 16U, std::string(parameters) + '\0');
}

inline std::string query(std::string_view sql) {
  return message('Q', text(sql));
}
inline std::string parse(std::string_view name, std::string_view sql, std::string_view types = {}) {
  return message('P', text(name) + text(sql) + be16(static_cast<std::uint32_t>(types.size() / 4)) + std::string(types));
}
// Without parameters, results as text.
inline std::string bind_of(std::string_view portal, std::string_view statement) {
  return message('B', text(portal) + text(statement) + be16(0) + be16(0) + be16(0));
}
inline std::string describe(char target, std::string_view name) {
  return message('D', target + text(name));
}
inline std::string close(char target, std::string_view name) {
  return message('C', target + text(name));
}
inline std::string execute(std::string_view portal, std::uint32_t rows = 0) {
  return message('E', text(portal) + be32(rows));
}
inline std::string sync() {
  return message('S');
}

inline std::string ready(char status = 'I') {
  return message('Z', std::string(1, status));
}
inline std::string complete(std::string_view tag) {
  return message('C', text(tag));
}
inline std::string failure(std::string_view code = "42601") {
  return message('E', "S" + text("ERROR") + "C" + text(code) + "M" + text("no") + '\0');
}
inline std::string column(std::string_view name, std::uint32_t type = 25, std::uint32_t table = 0,
                          std::uint32_t attribute = 0, std::uint32_t format = 0) {
  return text(name) + be32(table) + be16(attribute) + be32(type) + be16(0xffff) + be32(0xffffffff) + be16(format);
}
// Of columns as column() makes them.
inline std::string row_description(std::uint32_t count, std::string_view columns) {
  return message('T', be16(count) + std::string(columns));
}
inline std::string data_row(std::uint32_t count, std::string_view cells) {
  return message('D', be16(count) + std::string(cells));
}
inline std::string authentication(std::uint32_t number, std::string_view rest = {}) {
  return message('R', be32(number) + std::string(rest));
}
inline std::string backend_key() {
  return message('K', be32(4711) + "abcd");
}

}  // namespace sluice::postgres
