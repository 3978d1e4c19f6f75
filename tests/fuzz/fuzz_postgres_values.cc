// Binary values under any bytes: the first is the place of a type among those that are tried, the second the room. What
// must hold: no value has more text than its room, and what is refused leaves nothing.
#include <cstddef>
#include <cstdint>
#include <string>

#include "common/assert.h"
#include "dataplane/protocol/postgres/values.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sluice;
  constexpr std::uint32_t kTypes[] = {16,   17,   20,   21,   23,   25,   26,   650,  700,  701,  829,  869,  1082,
                                      1083, 1114, 1184, 1700, 2950, 3802, 1001, 1007, 1009, 1022, 1041, 1185, 1231};
  if (size < 2) return 0;
  const std::uint32_t type = kTypes[data[0] % std::size(kTypes)];
  const std::size_t most = data[1] == 0 ? 100'000 : data[1];
  SLUICE_ASSERT(postgres::is_known_type(type));
  std::string out = "before";
  const ErrorCode error = postgres::append_text(type, {data + 2, size - 2}, most, out);
  SLUICE_ASSERT(out.size() <= 6 + most && (error == ErrorCode::ok || out == "before"));
  return 0;
}
