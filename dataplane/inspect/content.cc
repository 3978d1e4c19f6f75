#include "dataplane/inspect/content.h"

#include <algorithm>

#include "common/assert.h"

namespace sluice::inspect {
namespace {

// A copy this small costs less than one more piece in hs_scan_vector.
constexpr std::size_t kSmallPieceBytes = 512;
constexpr std::size_t kPieces = 1024;
constexpr std::size_t kGatheredBytes = 128 * 1024;

}  // namespace

Content::Content() : gathered_(kGatheredBytes), copy_(kViewBytes) {
  pieces_.reserve(kPieces);
  lengths_.reserve(kPieces);
  begins_.reserve(kPieces);
}

void Content::clear() {
  pieces_.clear();
  lengths_.clear();
  begins_.clear();
  gathered_bytes_ = 0;
  gathering_ = false;
  length_ = 0;
}

std::size_t Content::append(Bytes piece) {
  std::size_t count = std::min(piece.size(), kSectionBytes - length_);
  const bool small = piece.size() < kSmallPieceBytes;
  if (small) count = std::min(count, kGatheredBytes - gathered_bytes_);
  if (count == 0) return 0;
  if (small && gathering_) {
    lengths_.back() += static_cast<unsigned>(count);
  } else {
    if (pieces_.size() == kPieces) return 0;
    const std::uint8_t* data = small ? gathered_.data() + gathered_bytes_ : piece.data();
    pieces_.push_back(reinterpret_cast<const char*>(data));
    lengths_.push_back(static_cast<unsigned>(count));
    begins_.push_back(length_);
  }
  if (small) {
    std::memcpy(gathered_.data() + gathered_bytes_, piece.data(), count);
    gathered_bytes_ += count;
  }
  gathering_ = small;
  length_ += static_cast<std::uint32_t>(count);
  return count;
}

std::size_t Content::copy(std::uint32_t from, MutableBytes to) const {
  if (from >= length_) return 0;
  const std::size_t wanted = std::min<std::size_t>(to.size(), length_ - from);
  std::size_t at =
      static_cast<std::size_t>(std::upper_bound(begins_.begin(), begins_.end(), from) - begins_.begin()) - 1;
  std::uint32_t skip = from - begins_[at];
  for (std::size_t copied = 0; copied < wanted; ++at, skip = 0) {
    const std::size_t here = std::min<std::size_t>(lengths_[at] - skip, wanted - copied);
    std::memcpy(to.data() + copied, pieces_[at] + skip, here);
    copied += here;
  }
  return wanted;
}

Bytes Content::view_of_pieces(std::uint32_t from, std::uint32_t to) {
  SLUICE_ASSERT(from <= to && to <= length_ && to - from <= kViewBytes);
  if (from == to) return {};
  const Bytes run = run_from(from);
  if (to - from <= run.size()) return run.first(to - from);
  copy(from, MutableBytes(copy_).first(to - from));
  return {copy_.data(), to - from};
}

}  // namespace sluice::inspect
