// Both sides of a PostgreSQL session under any bytes, as recordings have them (recording.h); the second bit of the
// first byte chooses small limits. What must hold: no cut changes what belongs to what.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "common/assert.h"
#include "tests/unit/dataplane/protocol/postgres/recording.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sluice::postgres;
  if (size == 0) return 0;
  const std::string_view recording(reinterpret_cast<const char*>(data), size);
  ConversationLimits limits;
  if ((data[0] & 2U) != 0) limits = {.questions = 8, .statements = 2, .portals = 2, .columns = 16, .name_bytes = 4};
  SLUICE_ASSERT(play(recording, limits, size) == play(recording, limits, 1 + size % 13));
  return 0;
}
