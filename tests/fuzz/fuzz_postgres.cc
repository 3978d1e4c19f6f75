// PostgreSQL's protocol under any bytes: the first three choose direction, beginning, limits and cuts, the rest is the
// stream. What must hold: every byte has one label, fields have the length that they said, and no cut changes what is
// said.
#include <cstddef>
#include <cstdint>
#include <vector>

#include "common/assert.h"
#include "common/random.h"
#include "tests/unit/dataplane/protocol/postgres/trace.h"

namespace {

constexpr std::size_t kChoices = 3;

bool bit(std::uint8_t byte, unsigned which) {
  return ((byte >> which) & 1U) != 0;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sluice;
  using namespace sluice::postgres;
  if (size < kChoices) return 0;
  Stream stream;
  stream.direction = bit(data[0], 0) ? Direction::response : Direction::request;
  stream.has_types = bit(data[0], 1);
  if (stream.direction == Direction::response && bit(data[0], 2)) stream.answer = bit(data[0], 3) ? 'S' : 'G';
  if (data[1] != 0) stream.limits = {.startup_bytes = 9 + data[1] * 4U, .columns = data[1] % 8U};
  stream.bytes.assign(reinterpret_cast<const char*>(data) + kChoices, size - kChoices);

  std::vector<std::size_t> cuts;
  Random random(data[2]);
  const std::uint64_t stride = 1 + random.below(32);  // 1: every byte a run of its own
  for (std::size_t at = random.below(stride); at < stream.bytes.size(); at += 1 + random.below(stride))
    cuts.push_back(at);
  SLUICE_ASSERT(trace(stream, cuts) == trace(stream));
  return 0;
}
