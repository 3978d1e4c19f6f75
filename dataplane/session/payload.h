// Which payload a request's body is a piece of, and where in it: what a policy's `across` says of a request's head.
#pragma once

#include <expected>
#include <optional>
#include <string>
#include <string_view>

#include "common/error.h"
#include "common/ip_address.h"
#include "dataplane/enforce/snapshot.h"
#include "dataplane/protocol/http1/head.h"
#include "dataplane/session/pieces.h"

namespace sluice::session {

struct PieceOf {
  PayloadKey payload;
  std::optional<std::uint64_t> offset;
};

struct Caller {
  std::string_view principal;  // empty: the address stands for it
  IpAddress address;
};

// Nothing when the request has no body, asks to leave HTTP, or lacks something that ties. piece_ambiguous when it has
// that twice, and nobody can say which the server takes.
std::expected<std::optional<PieceOf>, ErrorCode> piece_of(const enforce::Across& across, std::string_view service,
                                                          const Caller& caller, const http1::Head& head,
                                                          const Pieces& pieces, ErrorCounters& errors);

// The path of a request's target with its escapes read; the same for every form of the target.
std::string path_of(const http1::Head& head);

// "4096" or, as Content-Range has it, "bytes 4096-8191/20000".
std::optional<std::uint64_t> parse_offset(std::string_view text);

}  // namespace sluice::session
