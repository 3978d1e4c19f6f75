// One TCP connection to the server that a session is replayed to: bytes out, heads and decoded bodies in.
// Every wait has a time limit; what the server sends is bounded where it is kept.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/bytes.h"
#include "common/error.h"
#include "common/fd.h"
#include "common/ip_address.h"
#include "control/replay/http_head.h"

namespace sluice::control {

struct Target {
  IpAddress address;
  std::uint16_t port = 0;
};

// The addresses of "HOST:PORT" or "[IPv6 ADDRESS]:PORT"; bad_argument when it is neither.
Result<std::vector<Target>> resolve(const std::string& host_and_port);

class HttpPeer {
 public:
  static Result<HttpPeer> connect(const Target& target, int timeout_seconds);

  Result<void> send(std::string_view bytes);
  // The raw bytes of the next head, at most 64 KiB.
  Result<std::string> read_head();
  // The body that follows a head: read_body() gives its decoded bytes piece by piece, empty at its end.
  // A piece is good until the next call of any kind. Trailers are read and dropped.
  void begin_body(const BodyFraming& framing);
  Result<Bytes> read_body();

 private:
  explicit HttpPeer(Fd socket) : socket_(std::move(socket)) {}
  Result<bool> fill();  // false at the end of the stream
  Result<std::string> read_line();
  Result<void> next_chunk();
  Result<void> drop_trailers();
  Result<Bytes> take(std::uint64_t at_most);

  Fd socket_;
  std::string in_;
  std::size_t begin_ = 0;
  Framing framing_ = Framing::none;
  std::uint64_t left_ = 0;  // of the body, or of the chunk at hand
  bool in_chunks_ = false;  // the first chunk has begun
};

}  // namespace sluice::control
