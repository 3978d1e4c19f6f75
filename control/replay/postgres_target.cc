// See postgres_target.h.
#include "control/replay/postgres_target.h"

#include <libpq-fe.h>

#include <map>
#include <memory>
#include <utility>

#include "common/ip_address.h"

namespace sluice::control {
namespace {

constexpr std::string_view kForm = "for example postgres://ann@10.0.0.7:5432/shop";

}  // namespace

bool is_postgres_url(std::string_view text) {
  return text.starts_with("postgres://") || text.starts_with("postgresql://");
}

Result<PostgresTarget> parse_postgres_target(const std::string& text) {
  PostgresTarget out;
  if (!is_postgres_url(text)) {
    // Whatever else it may be holds a password, perhaps: a URL without its scheme, or libpq's host=… password=….
    auto both = split_host_and_port(text);
    if (!both || text.find_first_of("@/= \t\r\n") != std::string::npos)
      return fail(ErrorCode::bad_argument,
                  "to is no HOST:PORT, for example 10.0.0.7:8080 or [2001:db8::7]:8080, and "
                  "no URL of a PostgreSQL server, " +
                      std::string(kForm));
    out.host_and_port = text;
    out.host = std::move(both->host);
    return out;
  }
  const std::unique_ptr<PQconninfoOption, void (*)(PQconninfoOption*)> parsed(PQconninfoParse(text.c_str(), nullptr),
                                                                              PQconninfoFree);
  if (parsed == nullptr)
    return fail(ErrorCode::bad_argument, "to is no URL that PostgreSQL knows; " + std::string(kForm));
  std::string port = "5432";
  const std::map<std::string_view, std::string*> known = {
      {"host", &out.host},       {"port", &port},           {"user", &out.user},
      {"dbname", &out.database}, {"sslmode", &out.sslmode}, {"options", &out.options},
  };
  for (const PQconninfoOption* option = parsed.get(); option->keyword != nullptr; ++option) {
    if (option->val == nullptr) continue;
    const std::string_view keyword = option->keyword;
    if (keyword == "password" || keyword == "sslpassword")
      return fail(ErrorCode::bad_argument,
                  "a password does not belong into the URL; it is taken from the file of sluice-control "
                  "--replay-passfile");
    const auto found = known.find(keyword);
    if (found == known.end())
      return fail(ErrorCode::bad_argument, std::string(keyword) +
                                               " is not taken from the URL; it takes user, host, port, "
                                               "database, sslmode and options");
    *found->second = option->val;
  }
  if (out.host.empty() || out.host.find_first_of(",/") != std::string::npos || port.find(',') != std::string::npos)
    return fail(ErrorCode::bad_argument, "the URL must name one host; " + std::string(kForm));
  const bool is_ipv6 = out.host.find(':') != std::string::npos;
  out.host_and_port = (is_ipv6 ? "[" + out.host + "]" : out.host) + ":" + port;
  return out;
}

}  // namespace sluice::control
