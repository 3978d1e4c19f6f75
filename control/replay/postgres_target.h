// Where a session of PostgreSQL is replayed to, as a person writes it: postgres://USER@HOST:PORT/DATABASE, or
// HOST:PORT as of any server. A password is no part of it: what stands there stands in process lists.
#pragma once

#include <string>
#include <string_view>

#include "common/error.h"

namespace sluice::control {

struct PostgresTarget {
  std::string host_and_port;
  std::string host;
  std::string user;      // empty: who called
  std::string database;  // empty: of the user's name
  // As libpq has them; empty: its own choice.
  std::string sslmode;
  std::string options;
};

bool is_postgres_url(std::string_view text);
// bad_argument where it is none, or has a password. The error holds nothing of the text.
Result<PostgresTarget> parse_postgres_target(const std::string& text);

}  // namespace sluice::control
