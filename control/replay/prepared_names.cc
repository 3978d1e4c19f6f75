// See prepared_names.h.
#include "control/replay/prepared_names.h"

#include <libpq-fe.h>

#include <algorithm>
#include <set>
#include <utility>

namespace sluice::control {
namespace {

constexpr const char* kNamesThere = "select name from pg_catalog.pg_prepared_statements";

std::string quoted(const std::string& name) {
  std::string out = "\"";
  for (const char c : name) out.append(c == '"' ? 2 : 1, c);
  return out + "\"";
}

}  // namespace

const PreparedNames::Prepared* PreparedNames::find(const std::string& name) {
  const auto found = names_.find(name);
  if (found == names_.end() || !found->second.is_as_recorded) return nullptr;
  found->second.used = ++uses_;
  return &found->second;
}

// A server asked to drop what is not there fails the transaction, so it is asked what is there. A failed one says
// nothing.
Result<void> PreparedNames::look(PostgresPeer& peer) {
  if (are_certain_) return {};
  if (auto sent = peer.query(kNamesThere); !sent) return sent;
  std::set<std::string, std::less<>> there;
  for (;;) {
    const auto row = peer.next();
    if (!row) return std::unexpected(row.error());
    const ExecStatusType status = PQresultStatus(row->get());
    if (status == PGRES_TUPLES_OK) break;
    if (status != PGRES_SINGLE_TUPLE || PQnfields(row->get()) != 1) return {};
    const auto name = names_.find(PQgetvalue(row->get(), 0, 0));
    if (name != names_.end()) there.insert(name->first);
  }
  std::erase_if(names_, [&](const auto& one) { return !one.first.empty() && !there.contains(one.first); });
  are_certain_ = true;
  return {};
}

Result<void> PreparedNames::free(PostgresPeer& peer, const std::string& name) {
  if (!names_.contains(name)) return {};
  spoil(name);
  if (!name.empty()) {
    if (auto looked = look(peer); !looked) return looked;
    if (!are_certain_ || !names_.contains(name)) return {};
    if (auto sent = peer.query("deallocate " + quoted(name)); !sent) return sent;
    const auto result = peer.next();
    if (!result) return std::unexpected(result.error());
    if (PQresultStatus(result->get()) != PGRES_COMMAND_OK) return {};
  }
  names_.erase(name);
  return {};
}

Result<void> PreparedNames::make_room(PostgresPeer& peer, const std::string& name) {
  if (names_.size() < kMost || names_.contains(name)) return {};
  // The unnamed one, which comes first, takes no more than one place.
  const auto oldest = std::ranges::min_element(
      names_, {}, [](const auto& one) { return one.first.empty() ? ~std::uint64_t{0} : one.second.used; });
  if (auto freed = free(peer, std::string(oldest->first)); !freed) return freed;
  if (names_.size() < kMost) return {};
  return fail(ErrorCode::bad_argument, "more statements are prepared than a replay keeps");
}

void PreparedNames::put(const std::string& name, Prepared prepared) {
  prepared.used = ++uses_;
  names_[name] = std::move(prepared);
}

void PreparedNames::spoil(const std::string& name) {
  const auto found = names_.find(name);
  if (found != names_.end()) found->second.is_as_recorded = false;
}

void PreparedNames::follow_tag(std::string_view tag) {
  are_certain_ = are_certain_ && !tag.starts_with("DEALLOCATE") && tag != "DISCARD ALL";
}

}  // namespace sluice::control
