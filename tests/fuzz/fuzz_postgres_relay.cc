// Both sides of a PostgreSQL session under any bytes, as recordings have them (recording.h), through a relay that
// masks, denies and records. What must hold: nothing asserts, every unit has one end in each direction, every buffer
// comes back; and while the session runs, no cut changes what the peers get or what is on the record.
#include <algorithm>
#include <string>
#include <string_view>

#include "common/assert.h"
#include "dataplane/session/postgres_relay.h"
#include "tests/fuzz/eal.h"
#include "tests/support/memory_recorder.h"
#include "tests/support/test_policy.h"

namespace {

using namespace sluice;
using session::Fate;
using session::PostgresRelay;

// A small window, so that it is left; three bits of an input choose the mode, and whether answers have few rows or
// statements a score.
std::string policy_text(bool enforces, const std::string& limits = "") {
  std::string text =
      test::masking_policy("    window: 1KiB\n    after_window: stream" + limits, enforces ? "enforce" : "observe");
  for (std::size_t at = 0; (at = text.find("protocol: http", at)) != std::string::npos;)
    text.replace(at, 14, "protocol: postgres");
  return text;
}

std::string scored_text() {
  return "services:\n  - {name: web, address: 10.0.0.2:80, protocol: postgres, mode: enforce, rules: [local/*], "
         "window: "
         "1KiB, after_window: stream,\n     risk: {lines: [{above: 20, then: observe}, {above: 40, then: deny}],"
         " behaviour: {errors: {above: 3, percent: 1, score: 25}, bytes_out: {above: 1KiB, score: 5}}}}\n"
         "rules:\n  - {name: select, match: 'select', where: [request], score: 25}\n"
         "  - {name: drop, match: 'drop', where: [request], score: 20}\n";
}

struct Policies {
  inspect::Scratch scratch;
  session::PolicyRef observe = test::make_policy(policy_text(false), scratch, 1);
  session::PolicyRef enforce = test::make_policy(policy_text(true), scratch, 2);
  session::PolicyRef limit =
      test::make_policy(policy_text(true, "\n    limits: [{of: rows, most: 3, then: deny}]"), scratch, 3);
  session::PolicyRef score = test::make_policy(scored_text(), scratch, 4);

  [[nodiscard]] const session::PolicyRef& chosen(std::uint8_t bits) const {
    if ((bits & 2U) != 0) return observe;
    if ((bits & 8U) != 0) return score;
    return (bits & 4U) != 0 ? limit : enforce;
  }
};

class Play {
 public:
  Play(Policies& policies, std::uint8_t bits) {
    context_.scratch = &policies.scratch;
    context_.policy = policies.chosen(bits);
    const enforce::Service* service = context_.policy->snapshot->find_service(test::kServerAddress, test::kServerPort);
    relay_ = std::make_unique<PostgresRelay>(context_.policy, *service, SessionId{7}, test::kClientAddress,
                                             test::kServerAddress, HashKey{1, 2});
  }
  void run(std::string_view recording, std::size_t cut) {
    constexpr std::size_t kHead = 3;
    while (recording.size() >= kHead && relay_->fate() == Fate::run) {
      const Direction direction = (recording[0] & 1) != 0 ? Direction::response : Direction::request;
      const std::size_t length = load_be16(as_bytes(recording).data() + 1);
      std::string_view said = recording.substr(kHead, length);
      recording.remove_prefix(std::min(recording.size(), kHead + length));
      for (; !said.empty(); said.remove_prefix(std::min(cut, said.size()))) feed(direction, said.substr(0, cut));
    }
    fate_ = relay_->fate();
    relay_->close(context_, ErrorCode::ok);
    for (const auto& unit : recorder_.units) SLUICE_ASSERT(unit.ends == 1);
  }
  [[nodiscard]] bool ran() const { return fate_ == Fate::run; }
  std::string told() { return to_server_ + "\n--\n" + to_client_ + "\n--\n" + recorder_.everything(); }

 private:
  void feed(Direction direction, std::string_view bytes) {
    buffer::Chain chain;
    SLUICE_ASSERT(chain.append_copy(fuzz::pools(), as_bytes(bytes)));
    relay_->feed(context_, direction, std::move(chain));
    for (const Direction to : {Direction::request, Direction::response}) {
      buffer::Chain out;
      relay_->take(to, out);
      std::string text(out.length_bytes(), '\0');
      out.copy_out(0, text.size(), reinterpret_cast<std::uint8_t*>(text.data()));
      (to == Direction::request ? to_server_ : to_client_) += text;
    }
  }

  test::MemoryRecorder recorder_;
  ErrorCounters errors_;
  TraceRing trace_;
  session::Context context_{.pools = fuzz::pools(),
                            .recorder = recorder_,
                            .errors = errors_,
                            .trace = trace_,
                            .policy = nullptr,
                            .pieces = session::Pieces(),
                            .work = {}};
  std::unique_ptr<PostgresRelay> relay_;
  std::string to_server_;
  std::string to_client_;
  Fate fate_ = Fate::run;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0 || size > 16384) return 0;
  (void)fuzz::pools();
  static auto& policies = *new Policies;
  const std::string_view recording(reinterpret_cast<const char*>(data), size);
  {
    Play whole(policies, data[0]);
    whole.run(recording, size);
    Play cut(policies, data[0]);
    cut.run(recording, 1 + size % 13);
    if (whole.ran() && cut.ran()) SLUICE_ASSERT(whole.told() == cut.told());
  }
  SLUICE_ASSERT(fuzz::pools().in_use() == 0);
  return 0;
}
