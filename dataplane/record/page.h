// Pages: fixed memory in which a worker builds records and which the writer empties. Records grow
// downwards from the end of a page (as FlatBuffers builds them), an index of their offsets grows upwards from its
// start. A page belongs to one side at a time; the rings pass it on. Never in a core file.
#pragma once

#include <cstdint>
#include <vector>

#include "common/assert.h"
#include "common/bytes.h"
#include "common/time.h"

namespace sluice::record {

// Anonymous memory, touched at once, excluded from core files; aligned to 4096. data() is null when there is not so
// much.
class PrivateMemory {
 public:
  explicit PrivateMemory(std::size_t bytes);
  ~PrivateMemory();
  PrivateMemory(const PrivateMemory&) = delete;
  PrivateMemory& operator=(const PrivateMemory&) = delete;

  [[nodiscard]] std::uint8_t* data() const { return data_; }
  [[nodiscard]] std::size_t size() const { return size_; }

 private:
  std::uint8_t* data_ = nullptr;
  std::size_t size_ = 0;
};

struct Page {
  std::uint8_t* data = nullptr;
  std::uint32_t bytes = 0;
  std::uint32_t low = 0;  // records fill [low, bytes)
  std::uint32_t count = 0;
  WallNs first_wall = 0;            // of its first record, to tell its age
  std::uint64_t last_sequence = 0;  // of its last

  void clear() {
    low = bytes;
    count = 0;
  }
  // What a record, its index entry counted, can take.
  [[nodiscard]] std::size_t room() const {
    const std::size_t index = (count + 1) * sizeof(std::uint32_t);
    return low > index ? (low - index) & ~std::size_t{7} : 0;
  }
  // Takes in the record that was built at [begin, low).
  void add(std::uint32_t begin) {
    SLUICE_ASSERT(begin <= low && begin >= (count + 1) * sizeof(std::uint32_t));
    std::memcpy(data + count * sizeof begin, &begin, sizeof begin);
    ++count;
    low = begin;
  }
  [[nodiscard]] Bytes record(std::uint32_t index) const {
    SLUICE_ASSERT(index < count);
    const std::uint32_t end = index == 0 ? bytes : begin_of(index - 1);
    const std::uint32_t begin = begin_of(index);
    return {data + begin, end - begin};
  }

 private:
  [[nodiscard]] std::uint32_t begin_of(std::uint32_t index) const {
    std::uint32_t begin = 0;
    std::memcpy(&begin, data + index * sizeof begin, sizeof begin);
    return begin;
  }
};

class PagePool {
 public:
  PagePool(std::size_t pages, std::size_t page_bytes);
  [[nodiscard]] std::vector<Page>& pages() { return pages_; }
  [[nodiscard]] std::size_t page_bytes() const { return page_bytes_; }
  [[nodiscard]] bool good() const { return memory_.data() != nullptr; }

 private:
  std::size_t page_bytes_;
  PrivateMemory memory_;
  std::vector<Page> pages_;
};

}  // namespace sluice::record
