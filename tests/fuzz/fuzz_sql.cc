// SQL under any bytes. What must hold: tokens come in order, and where PostgreSQL's own lexer takes the text, ours does
// so with the same tokens; what ours refuses, that one refuses too. A skeleton is a statement whose skeleton is itself.
#include <cstddef>
#include <cstdint>
#include <string>

#include "common/assert.h"
#include "dataplane/sql/shape.h"
#include "tests/unit/dataplane/sql/reference.h"

namespace sluice::sql {
namespace {

void check_shape(std::string_view text, bool is_read) {
  static Shaper shaper({.high = {1, 2}, .low = {3, 4}}, {.skeleton_bytes = 2048, .literals = 64});
  Shape shape;
  const ErrorCode code = shaper.shape(as_bytes(text), {}, shape);
  SLUICE_ASSERT(is_read ? code == ErrorCode::ok || code == ErrorCode::sql_too_long : code != ErrorCode::ok);
  if (code != ErrorCode::ok) return;
  std::uint32_t at = 0;
  for (const Token& token : shape.literals) {
    SLUICE_ASSERT(token.begin >= at && token.begin < token.end && token.end <= text.size());
    at = token.end;
  }
  const std::string skeleton(shape.skeleton);
  const ShapeId id = shape.id;
  SLUICE_ASSERT(shaper.shape(as_bytes(skeleton), {}, shape) == ErrorCode::ok);
  SLUICE_ASSERT(shape.skeleton == skeleton && shape.id == id);
}

}  // namespace
}  // namespace sluice::sql

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sluice;
  using namespace sluice::sql;
  const std::string text(reinterpret_cast<const char*>(data), size);
  const auto ours = test::our_pieces(text);
  check_shape(text, ours.has_value());
  if (text.contains('\0')) {
    SLUICE_ASSERT(!ours);
    return 0;
  }
  // Escapes are not decoded here, so where some are wrong only the reference knows.
  const auto reference = test::reference_pieces(text);
  SLUICE_ASSERT(!reference || ours);
  SLUICE_ASSERT(!ours || reference || text.contains('\\'));
  if (ours && reference) SLUICE_ASSERT(!test::difference(text, *ours, *reference));
  return 0;
}
