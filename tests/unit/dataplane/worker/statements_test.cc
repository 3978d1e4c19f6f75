// A statement that nobody has read yet: its session waits, the worker serves others, and wakes it when there are facts.
#include <map>
#include <string>

#include "dataplane/sql/parser_pool.h"
#include "tests/support/wait.h"
#include "tests/unit/dataplane/protocol/postgres/wire.h"
#include "tests/unit/dataplane/worker/harness.h"

namespace sluice::worker {
namespace {

using postgres::query;

constexpr std::uint8_t kDataFlags = wire::kAck | wire::kPsh;
constexpr std::string_view kPolicy = R"(services:
  - {name: shop, address: 10.0.0.2:80, protocol: postgres, mode: enforce, rules: [local/all]}
rules:
  - {name: all, sql: {kinds: delete, where: absent}, action: deny}
)";

class WorkerStatements : public WorkerTest {
 protected:
  WorkerStatements() {
    start({.sessions = 8, .half_open = 4, .limits = {}, .hash_key = {1, 2}, .statements = {.parsers = &parsers}});
    use(std::string(kPolicy));
  }
  ~WorkerStatements() override { worker.reset(); }

  // A session of a client's port, ready for statements.
  void open(std::uint16_t port) {
    connect(port);
    says(port, postgres::startup());
    const std::string answer = postgres::message('R', postgres::be32(0)) + postgres::ready();
    from(Side::server, {.flags = kDataFlags, .seq = 500, .ack = next_[port], .payload = answer, .client_port = port});
    client.out.clear();
    server.out.clear();
  }
  void says(std::uint16_t port, const std::string& bytes) {
    std::uint32_t& sequence = next_.try_emplace(port, 100).first->second;
    from(Side::client, {.flags = kDataFlags, .seq = sequence, .ack = 500, .payload = bytes, .client_port = port});
    sequence += static_cast<std::uint32_t>(bytes.size());
  }
  // What reached the server since it was asked last.
  std::string at_server() {
    std::string all;
    while (!server.out.empty()) {
      FrameBytes bytes;
      const wire::Frame frame = next(Side::server, &bytes);
      all.append(reinterpret_cast<const char*>(bytes.data()) + frame.payload_offset, frame.payload_bytes);
    }
    return all;
  }
  bool arrives(const std::string& what) {
    std::string all;
    return test::eventually([&] {
      burst();
      all += at_server();
      return all.find(what) != std::string::npos;
    });
  }

  sql::ParserPool parsers{{}};
  std::map<std::uint16_t, std::uint32_t> next_;
};

TEST_F(WorkerStatements, GoOnInTheBurstInWhichTheirFactsCome) {
  open(40000);
  says(40000, query("select a from b"));
  EXPECT_TRUE(worker->pending() || !server.out.empty()) << "the loop must not sleep before the answer";
  EXPECT_TRUE(arrives("select a from b"));
  EXPECT_FALSE(worker->pending());
  open(40001);
  says(40001, query("SELECT a FROM b"));
  EXPECT_NE(at_server().find("SELECT a FROM b"), std::string::npos) << "it waits for nobody";
}

TEST_F(WorkerStatements, AreForgottenWithTheirSession) {
  open(40000);
  says(40000, query("select a from c"));
  from(Side::client, {.flags = wire::kRst | wire::kAck, .seq = next_[40000], .ack = 500});
  EXPECT_TRUE(test::eventually([&] {
    burst();
    return !worker->pending();
  }));
  EXPECT_EQ(at_server().find("refused"), std::string::npos);
  open(40001);
  says(40001, query("select a from c") + query("delete from c"));
  EXPECT_TRUE(arrives("refused by policy"));
}

}  // namespace
}  // namespace sluice::worker
