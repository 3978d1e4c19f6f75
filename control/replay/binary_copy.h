// The data of a binary COPY as the record has it, a signature as a text, then values behind their marks and rows behind
// theirs, made into what a server reads again. Streaming: it is given the recorded bytes in runs of any length and
// keeps one row, of at most kMostRowBytes.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "common/error.h"
#include "control/replay/recorded_items.h"

namespace sluice::control {

class BinaryCopy {
 public:
  static constexpr std::string_view kSignature{"PGCOPY\n\xff\r\n", 10};  // on the wire before a byte 0
  static constexpr std::size_t kMostRowBytes = std::size_t{16} << 20;

  // Adds to `out` what is known of the data then.
  Result<void> add(std::string_view recorded, std::string& out);
  // The same item by item: the signature, then each that is_of_copy().
  void begin(std::string& out);
  void take(const RecordedItem& item, std::string& out);
  static bool is_of_copy(Item item) { return item == Item::value || item == Item::null || item == Item::row; }
  // Behind the last. Data that ends inside a row is none that a server takes.
  Result<void> finish(std::string& out);

 private:
  Result<bool> take_item(std::string_view& rest, std::string& out);

  bool is_begun_ = false;
  std::string left_;  // recorded, and not looked at
  std::string row_;   // its values
};

}  // namespace sluice::control
