// See binary_copy.h. The format is that of PostgreSQL's chapter on COPY, "Binary Format".
#include "control/replay/binary_copy.h"

#include <utility>

#include "segment/item_mark.h"

namespace sluice::control {
namespace {

constexpr std::size_t kRecordedSignatureBytes = BinaryCopy::kSignature.size() + kTextEnd.size();
constexpr std::size_t kZerosOfHeader = 9;  // the end of the signature, no flags, nothing that extends the header
constexpr std::string_view kNotRead = "binary COPY data that was not read value by value is not replayed";
constexpr std::string_view kTrailer("\xff\xff", 2);
constexpr std::string_view kNull("\xff\xff\xff\xff", 4);

void put(std::string& out, std::uint32_t number, unsigned bytes) {
  while (bytes-- > 0) out += static_cast<char>(number >> 8 * bytes);
}

}  // namespace

Result<void> BinaryCopy::add(std::string_view recorded, std::string& out) {
  left_ += recorded;
  std::string_view rest = left_;
  if (!is_begun_ && rest.size() < kRecordedSignatureBytes) return {};
  if (!is_begun_) {
    if (!rest.starts_with(kSignature) || !rest.substr(kSignature.size()).starts_with(kTextEnd))
      return fail(ErrorCode::bad_argument, std::string(kNotRead));
    begin(out);
    rest.remove_prefix(kRecordedSignatureBytes);
  }
  auto more = take_item(rest, out);
  while (more && *more) more = take_item(rest, out);
  left_.erase(0, left_.size() - rest.size());
  return more ? Result<void>() : std::unexpected(more.error());
}

// False: no whole item has come.
Result<bool> BinaryCopy::take_item(std::string_view& rest, std::string& out) {
  if (rest.size() + row_.size() > kMostRowBytes)
    return fail(ErrorCode::bad_argument, "a row of binary COPY data above 16 MiB is not replayed yet");
  const auto mark = read_mark(rest);
  if (!mark && rest.size() < kMostMarkBytes) return false;
  if (!mark || !is_of_copy(mark->item)) return fail(ErrorCode::bad_argument, std::string(kNotRead));
  const std::size_t bytes = mark->bytes + (mark->item == Item::value ? mark->length : 0);
  if (rest.size() < bytes) return false;
  take({.item = mark->item, .length = mark->length, .bytes = rest.substr(mark->bytes, bytes - mark->bytes)}, out);
  rest.remove_prefix(bytes);
  return true;
}

void BinaryCopy::begin(std::string& out) {
  is_begun_ = true;
  out.append(kSignature).append(kZerosOfHeader, '\0');
}

void BinaryCopy::take(const RecordedItem& item, std::string& out) {
  if (item.item == Item::row) {
    put(out, item.length, 2);
    out += std::exchange(row_, {});
  } else if (item.item == Item::null) {
    row_ += kNull;
  } else {
    put(row_, item.length, 4);
    row_ += item.bytes;
  }
}

Result<void> BinaryCopy::finish(std::string& out) {
  if (auto added = add({}, out); !added) return added;
  if (!is_begun_ || !left_.empty() || !row_.empty())
    return fail(ErrorCode::bad_argument, "the COPY data ends in the middle of a row");
  out += kTrailer;
  return {};
}

}  // namespace sluice::control
