// PostgreSQL for benchmarks: what opens a session, a query, and results made from a seed.
//
// A row is seven columns as text, 124 bytes on the wire on average: id (seven digits), customer (five), name, contact,
// total with two decimals, state, and a timestamp with microseconds. The contact is an e-mail address in one of
// `rows_between` rows, and a telephone extension in words of the same length in the others. In binary id and customer
// are int4, total is a numeric and the timestamp one; the others are text.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace sluice::bench {

inline constexpr std::uint64_t kRowsSeed = 20773;
inline constexpr std::uint16_t kPostgresPort = 5432;

// The client's first packet, and the server's answer to it.
std::string postgres_startup();
std::string postgres_greeting();
std::string rows_query();

struct RowsAnswer {
  std::string wire;           // RowDescription, DataRow messages, CommandComplete, ReadyForQuery
  std::size_t row_bytes = 0;  // of the DataRow messages
  std::string content;        // the same as it is scanned and recorded: values behind marks
};

// `count` different answers of `rows` rows.
std::vector<RowsAnswer> rows_answers(std::size_t count, std::size_t rows, std::size_t rows_between, bool is_binary);

}  // namespace sluice::bench
