// Gathers what a footer says while blocks are written or walked, and makes the bytes that seal a segment.
#pragma once

#include <cstdint>
#include <unordered_map>
#include <vector>

#include "segment/aligned_buffer.h"
#include "segment/layout.h"

namespace sluice::segment {

class FooterIndex {
 public:
  FooterIndex() = default;
  FooterIndex(const FooterIndex&) = delete;
  FooterIndex& operator=(const FooterIndex&) = delete;

  void add_block(const BlockRow& row);
  // A record of `session` in block number `block`.
  void add_record(SessionId session, WallNs wall, std::uint64_t block);

  [[nodiscard]] std::size_t sessions() const { return sessions_.size(); }
  [[nodiscard]] std::size_t blocks() const { return blocks_.size(); }
  [[nodiscard]] Footer footer() const;

 private:
  std::vector<BlockRow> blocks_;
  std::unordered_map<SessionId, SessionRow> sessions_;
  SessionRow* last_ = nullptr;  // records of a session come in runs; rows of the map do not move
};

// Footer block and trailer, for the place `offset` in the file.
AlignedBuffer seal_bytes(const Footer& footer, std::uint64_t segment_id, std::uint64_t offset);

}  // namespace sluice::segment
