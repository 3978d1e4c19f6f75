// Streams that hold what the protocol has and what is wrong with it, for tests that cut them.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/unit/dataplane/protocol/postgres/trace.h"
#include "tests/unit/dataplane/protocol/postgres/wire.h"

namespace sluice::postgres {

inline std::vector<Stream> startup_streams() {
  const std::vector<std::string> texts = {
      // sound
      startup(),
      kSslRequestPacket + kGssRequestPacket + startup() + message('p', text("secret")) + query("select 1"),
      packet((3U << 16U) | 2, text("user") + text("ann") + text("_pq_.x") + text("") + '\0'),
      startup("") + message('X'),
      packet(80877102, be32(4711) + "abcd"),
      packet(80877102, be32(4711) + std::string(256, 'k')),
      // wrong
      packet(80877102, be32(4711) + "abc"),
      packet(80877102, be32(4711) + std::string(257, 'k')),
      packet(80877102, be16(1)),
      packet(80877102, be32(4711) + "abcd") + startup(),
      packet(80877103, "x"),
      packet(2U << 16U, text("user")),
      packet(0x04d20000, ""),
      be32(7) + be32(3U << 16U),
      be32(10'001) + be32(3U << 16U),
      "GET / HTTP/1.1\r\n\r\n",
      "\x16\x03\x01\x02 TLS",
      packet(3U << 16U),
      packet(3U << 16U, text("user")),
      packet(3U << 16U, text("user") + text("ann")),
      packet(3U << 16U, text("user") + "ann"),
      packet(3U << 16U, text("user") + text("ann") + text("") + "more"),
      packet(3U << 16U, std::string_view("\0\0", 2)),
      // half a packet
      startup().substr(0, 3),
      startup().substr(0, 20),
      kSslRequestPacket.substr(0, 6),
      "",
  };
  std::vector<Stream> streams;
  for (const std::string& bytes : texts) streams.push_back({.has_types = false, .bytes = bytes});
  return streams;
}

inline std::vector<Stream> request_streams() {
  const std::string names = text("portal") + text("statement");
  const std::string values = sized("7") + kNull + sized("") + sized(std::string("a\0b", 3));
  const std::vector<std::string> texts = {
      // sound
      query("select 1; select 2"),
      query("") + query(std::string(300, 'x')),
      parse("", "select $1", be32(23) + be32(0)) + parse("s", ""),
      message('B', names + be16(0) + be16(4) + values + be16(0)),
      message('B', names + be16(1) + be16(1) + be16(4) + values + be16(1) + be16(1)),
      message('B',
              names + be16(2) + be16(0) + be16(1) + be16(2) + sized("1") + sized("22") + be16(2) + be16(0) + be16(1)),
      bind_of("", "") + describe('P', "") + execute("", 100) + describe('S', "s") + close('S', "s") + close('P', "p") +
          sync(),
      message('H') + sync() + message('X'),
      message('F', be32(1598) + be16(1) + be16(1) + be16(2) + sized("1234") + kNull + be16(1)),
      message('d', "1\ttwo\n") + message('d') + message('c') + message('f', text("gave up")),
      message('p') + message('p', text("SCRAM-SHA-256") + sized("n,,n=,r=x")),
      // wrong heads
      "Z" + be32(4),
      std::string(1, '\0') + be32(4),
      "Q" + be32(3),
      "Q" + be32(0x80000000),
      sync() + "S" + be32(5) + "x",
      "P" + be32(4),
      // wrong texts
      message('Q', "select 1"),
      message('Q'),
      message('Q', text("select 1") + "x"),
      message('P', text("s") + "select"),
      message('D', "S"),
      message('D', "X" + text("s")),
      message('E', text("p") + "123"),
      message('E', text("p") + be32(1) + "x"),
      // wrong counts and lengths
      message('P', text("") + text("") + be16(1)),
      message('P', text("") + text("") + be16(0xffff) + be32(1)),
      message('P', text("") + text("") + "x"),
      message('B', names + be16(2) + be16(0) + be16(0) + be16(1) + sized("x") + be16(0)),
      message('B', names + be16(1) + be16(2) + be16(1) + sized("x") + be16(0)),
      message('B', names + be16(0) + be16(1) + be32(5) + "x" + be16(0)),
      message('B', names + be16(0) + be16(1) + be32(0xfffffffe) + be16(0)),
      message('B', names + be16(0) + be16(1) + be32(0x7fffffff) + be16(0)),
      message('B', names + be16(0) + be16(1) + sized("x") + be16(1)),
      message('B', names + be16(0) + be16(1) + sized("x") + be16(1) + be16(7)),
      message('B', names + be16(0) + be16(1) + sized("x")),
      message('B', names + be16(0) + be16(0) + be16(0) + "x"),
      message('F', be32(1598) + be16(0) + be16(1) + sized("x")),
      message('F', be32(1598) + be16(0) + be16(0) + be16(2)),
      // cut short
      query("select 1").substr(0, 3),
      query("select 1").substr(0, 9),
      message('d', "1\ttwo\n").substr(0, 8),
  };
  std::vector<Stream> streams;
  for (const std::string& bytes : texts) streams.push_back({.bytes = bytes});
  return streams;
}

inline std::vector<Stream> response_streams() {
  const std::string mechanisms = text("SCRAM-SHA-256-PLUS") + text("SCRAM-SHA-256") + '\0';
  const std::vector<std::string> texts = {
      // sound
      authentication(0) + authentication(3) + authentication(5, "salt") + authentication(7) + authentication(8, "gss") +
          authentication(10, mechanisms) + authentication(11, "r=x,s=y,i=1") + authentication(12, "v=z") +
          authentication(99, "new"),
      message('v', be32(0) + be32(2) + text("_pq_.a") + text("_pq_.b")) + message('v', be32(2) + be32(0)),
      backend_key() + message('K', be32(1) + std::string(256, 'k')) +
          message('S', text("server_version") + text("15.14")) + ready('I') + ready('T') + ready('E'),
      row_description(2, column("id", 23, 16384, 1) + column("name", 25, 16384, 2, 1)) +
          data_row(2, sized("1") + kNull) + data_row(2, sized("") + sized("two")) + complete("SELECT 2"),
      row_description(0, "") + data_row(0, "") + message('I') + message('n') + message('s'),
      message('1') + message('2') + message('3') + message('t', be16(2) + be32(23) + be32(25)) + message('t', be16(0)),
      failure() + message('N', "S" + text("NOTICE") + "M" + text("") + '\0') + message('E', std::string(1, '\0')),
      message('G', std::string(1, '\0') + be16(2) + be16(0) + be16(0)) + message('H', "\1" + be16(1) + be16(1)) +
          message('W', std::string(1, '\0') + be16(0)) + message('d', "row\n") + message('c'),
      message('V', sized("result")) + message('V', kNull) + message('A', be32(9) + text("orders") + text("new")),
      // wrong heads
      "Q" + be32(4),
      "D" + be32(0),
      "D" + be32(0xffffffff),
      "HTTP/1.1 400 Bad Request\r\n\r\n",
      // wrong content
      ready('X'),
      message('Z'),
      message('Z', "II"),
      message('R'),
      message('R', be16(0)),
      authentication(0, "x"),
      authentication(10, text("SCRAM-SHA-256")),
      authentication(10, "SCRAM"),
      authentication(10, mechanisms + "x"),
      message('K', be32(1) + "abc"),
      message('K', be32(1) + std::string(257, 'k')),
      message('S', text("only a name")),
      message('v', be32(0) + be32(3) + text("a")),
      message('v', be32(0) + be32(0xffffffff)),
      row_description(2, column("id")),
      row_description(0xffff, column("id")),
      row_description(1, column("id").substr(0, 15)),
      row_description(1, std::string(30, 'n')),
      row_description(1, column("id", 25, 0, 0, 2)),
      row_description(1, column("id") + "x"),
      data_row(3, sized("1") + sized("2")),
      data_row(1, be32(2) + "1"),
      data_row(1, be32(0x80000000)),
      data_row(1, sized("1") + "x"),
      data_row(0, kNull),
      message('E', "S" + text("ERROR")),
      message('E', "S" + text("ERROR") + "C"),
      message('E', "SERROR"),
      message('E'),
      message('G', "\2" + be16(0)),
      message('G', std::string(1, '\0') + be16(2) + be16(0)),
      message('H', std::string(1, '\0') + be16(1) + be16(3)),
      message('t', be16(2) + be32(1)),
      message('V', be32(1)),
      message('n', "x"),
      // cut short
      data_row(2, sized("1") + kNull).substr(0, 12),
      "T",
  };
  std::vector<Stream> streams;
  for (const std::string& bytes : texts) streams.push_back({.direction = Direction::response, .bytes = bytes});
  for (const std::string& bytes : {"N" + authentication(0), "S" + authentication(0), "G" + authentication(0), failure(),
                                   std::string("R"), std::string()})
    for (const char answer : {'S', 'G'})
      streams.push_back({.direction = Direction::response, .answer = answer, .bytes = bytes});
  streams.push_back({.direction = Direction::response,
                     .limits = {.columns = 1},
                     .bytes = row_description(2, column("id") + column("name"))});
  return streams;
}

inline std::vector<Stream> all_streams() {
  std::vector<Stream> streams = startup_streams();
  for (Stream& stream : request_streams()) streams.push_back(std::move(stream));
  for (Stream& stream : response_streams()) streams.push_back(std::move(stream));
  return streams;
}

}  // namespace sluice::postgres
