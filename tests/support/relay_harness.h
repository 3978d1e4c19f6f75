// Drives a relay the way a session does, with strings for streams.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>
#include <type_traits>
#include <vector>

#include "dataplane/session/http_relay.h"
#include "dataplane/session/postgres_relay.h"
#include "tests/support/memory_recorder.h"
#include "tests/support/occurrences.h"
#include "tests/support/test_policy.h"

namespace sluice::session {

inline buffer::Pools& test_pools() {
  static buffer::Pools pools = *buffer::Pools::create("relay", {.frames = 4096, .jumbos = 64, .views = 8192});
  return pools;
}

template <class AnyRelay>
class RelayHarnessOf {
 public:
  // Without `parsers` nobody knows what a statement means.
  explicit RelayHarnessOf(const std::string& policy, sql::ParserPool* parsers = nullptr) : parsers_(parsers) {
    use(policy);
  }

  void use(const std::string& yaml) {
    context.policy = test::make_policy(yaml, scratch, ++version_);
    context.scratch = &scratch;
    if (relays_.empty()) session(kFirstSession);
  }
  // Goes on with this session of the same worker, and opens it when it is new.
  void session(SessionId id, std::uint32_t client = test::kClientAddress) {
    const enforce::Service* service = context.policy->snapshot->find_service(test::kServerAddress, test::kServerPort);
    session_ = id;
    auto& relay = relays_[id];
    if (!relay) relay = make(*service, id, client);
    relay_ = relay.get();
  }
  // Feeds in pieces of at most `cut` bytes; 0: all at once.
  void feed(Direction direction, std::string_view bytes, std::size_t cut = 0) {
    if (cut == 0) cut = bytes.size();
    while (!bytes.empty()) {
      const std::string_view piece = bytes.substr(0, cut);
      bytes.remove_prefix(piece.size());
      buffer::Chain chain;
      ASSERT_TRUE(chain.append_copy(context.pools, as_bytes(piece)));
      relay_->feed(context, direction, std::move(chain));
      take();
    }
  }
  // At once, in segments of so many bytes; of 512 and more, each stays one.
  void feed_segments(Direction direction, std::string_view bytes, std::size_t segment_bytes) {
    buffer::Chain chain;
    for (; !bytes.empty(); bytes.remove_prefix(std::min(segment_bytes, bytes.size()))) {
      buffer::Chain segment;
      ASSERT_TRUE(segment.append_copy(context.pools, as_bytes(bytes.substr(0, segment_bytes))));
      chain.append(std::move(segment));
    }
    relay_->feed(context, direction, std::move(chain));
    take();
  }
  void client(std::string_view bytes, std::size_t cut = 0) { feed(Direction::request, bytes, cut); }
  void server(std::string_view bytes, std::size_t cut = 0) { feed(Direction::response, bytes, cut); }
  void client_finishes() { finish(Direction::request); }
  void server_finishes() { finish(Direction::response); }

  test::RecordedUnit& request(std::uint32_t unit) { return recorder.unit(session_, unit, Direction::request); }
  test::RecordedUnit& response(std::uint32_t unit) { return recorder.unit(session_, unit, Direction::response); }
  AnyRelay& relay() { return *relay_; }
  // How often the server saw it.
  [[nodiscard]] std::size_t at_server(std::string_view what) const { return test::occurrences(to_server, what); }

  // What waited goes on, as far as it can.
  void resume() {
    relay_->resume(context);
    take();
  }

 private:
  sql::ParserPool* parsers_;

 public:
  std::string to_server;
  std::string to_client;
  test::MemoryRecorder recorder;
  ErrorCounters errors;
  inspect::Scratch scratch;
  TraceRing trace;
  Context context{.pools = test_pools(),
                  .recorder = recorder,
                  .errors = errors,
                  .trace = trace,
                  .policy = nullptr,
                  .pieces = Pieces(),
                  .work = {},
                  .statements = Statements({.parsers = parsers_})};

 private:
  std::unique_ptr<AnyRelay> make(const enforce::Service& service, SessionId id, std::uint32_t client) {
    if constexpr (std::is_same_v<AnyRelay, PostgresRelay>)
      return std::make_unique<AnyRelay>(context.policy, service, id, client, test::kServerAddress, HashKey{1, 2});
    else
      return std::make_unique<AnyRelay>(context.policy, service, id, client, test::kServerAddress);
  }
  void finish(Direction direction) {
    relay_->finish(context, direction);
    take();
  }

 protected:
  void take() {
    for (const Direction direction : {Direction::request, Direction::response}) {
      buffer::Chain out;
      relay_->take(direction, out);
      std::string text(out.length_bytes(), '\0');
      out.copy_out(0, text.size(), reinterpret_cast<std::uint8_t*>(text.data()));
      (direction == Direction::request ? to_server : to_client) += text;
    }
  }

 private:
  std::uint64_t version_ = 0;
  static constexpr SessionId kFirstSession = 7;
  SessionId session_ = kFirstSession;
  std::map<SessionId, std::unique_ptr<AnyRelay>> relays_;
  AnyRelay* relay_ = nullptr;
};

using RelayHarness = RelayHarnessOf<HttpRelay>;
using PostgresHarness = RelayHarnessOf<PostgresRelay>;

}  // namespace sluice::session
