// HTTP/1 under any bytes: the first three choose direction, limits, policy and cuts, the rest is the stream.
// What must hold: every byte has one label, no cut changes what is said, and a head stays the same message
// when its edits are applied.
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "common/assert.h"
#include "common/random.h"
#include "dataplane/protocol/http1/rewrite.h"
#include "tests/unit/dataplane/protocol/http1/trace.h"

namespace sluice::http1 {
namespace {

constexpr std::size_t kChoices = 3;

bool bit(std::uint8_t byte, unsigned which) {
  return ((byte >> which) & 1U) != 0;
}

std::string applied(const Head& head, const std::vector<Edit>& edits) {
  const std::string_view text = as_text(head.bytes);
  std::string out;
  std::size_t at = 0;
  for (const Edit& edit : edits) {
    SLUICE_ASSERT(edit.offset >= at && edit.offset + std::size_t{edit.remove} <= text.size());
    out.append(text.substr(at, edit.offset - at)).append(edit.insert);
    at = edit.offset + edit.remove;
  }
  return out.append(text.substr(at));
}

void check_rewriting(const Head& head, const RewritePolicy& policy, std::string_view request_method) {
  std::vector<Edit> edits;
  const bool is_request = head.direction == Direction::request;
  const ErrorCode refused = is_request ? rewrite_request(head, policy, edits) : rewrite_response(head, policy, edits);
  if (refused != ErrorCode::ok) return;
  const std::string text = applied(head, edits);
  Head again;
  const Limits limits{.head_bytes = static_cast<std::uint32_t>(text.size()), .headers = 0xffff};
  const ErrorCode error = is_request ? parse_request_head(as_bytes(text), limits, again)
                                     : parse_response_head(as_bytes(text), limits, request_method, again);
  SLUICE_ASSERT(error == ErrorCode::ok && again.bytes.size() == text.size());
  SLUICE_ASSERT(again.framing == head.framing && again.content_length == head.content_length);
  SLUICE_ASSERT(again.method == head.method && again.target == head.target && again.status == head.status);
  SLUICE_ASSERT(again.keep_alive == head.keep_alive && again.upgrade == head.upgrade);
  if (policy.masks_response_body)
    SLUICE_ASSERT(again.find(is_request ? FieldId::range : FieldId::accept_ranges) == nullptr);
  std::vector<Edit> more_edits;
  SLUICE_ASSERT((is_request ? rewrite_request(again, policy, more_edits)
                            : rewrite_response(again, policy, more_edits)) == ErrorCode::ok);
  // A second time there is nothing left to remove.
  for (const Edit& edit : more_edits) SLUICE_ASSERT(edit.remove == edit.insert.size());
}

void check_ranges(const Head& head) {
  std::vector<Range> ranges;
  maskable_ranges(head, ranges);
  std::vector<Range> hidden;
  credential_ranges(head, hidden);
  for (const std::vector<Range>& list : {ranges, hidden}) {
    std::uint32_t at = 0;
    for (const Range& range : list) {
      SLUICE_ASSERT(range.begin >= at && range.begin < range.end && range.end <= head.bytes.size());
      at = range.end;
    }
  }
  SLUICE_ASSERT(basic_user(head).size() <= 128);
}

void check_heads(const Stream& stream, const RewritePolicy& policy) {
  Reader reader(stream.direction, stream.limits);
  reader.set_request_method(stream.request_method);
  Bytes rest = as_bytes(stream.bytes);
  for (Step step = reader.next(rest); step.kind != StepKind::error; step = reader.next(rest)) {
    if (step.kind == StepKind::more && step.bytes == 0) return;
    rest = rest.subspan(step.bytes);
    if (step.kind != StepKind::head) continue;
    check_rewriting(reader.head(), policy, stream.request_method);
    check_ranges(reader.head());
  }
}

}  // namespace
}  // namespace sluice::http1

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sluice;
  using namespace sluice::http1;
  if (size < kChoices) return 0;
  Stream stream;
  stream.direction = bit(data[0], 0) ? Direction::response : Direction::request;
  if (bit(data[0], 1)) stream.request_method = bit(data[0], 2) ? "HEAD" : "CONNECT";
  stream.opaque_after_upgrade = bit(data[0], 3);
  const RewritePolicy policy{.masks_response_body = bit(data[0], 4),
                             .masks_request_body = bit(data[0], 5),
                             .allow_upgrade = bit(data[0], 6),
                             .strip_expect = bit(data[0], 7)};
  if (data[1] != 0) stream.limits = {.head_bytes = data[1] * 2U, .headers = static_cast<std::uint16_t>(data[1] % 16)};
  stream.bytes.assign(reinterpret_cast<const char*>(data) + kChoices, size - kChoices);

  std::vector<std::size_t> cuts;
  Random random(data[2]);
  const std::uint64_t stride = 1 + random.below(32);  // 1: every byte a run of its own
  for (std::size_t at = random.below(stride); at < stream.bytes.size(); at += 1 + random.below(stride))
    cuts.push_back(at);
  SLUICE_ASSERT(trace(stream, cuts) == trace(stream));
  check_heads(stream, policy);
  return 0;
}
