#include "segment/item_mark.h"

#include <gtest/gtest.h>

#include <string>

namespace sluice {
namespace {

std::string mark_of(Item item, std::uint32_t length) {
  std::string out(kMostMarkBytes, '\0');
  out.resize(write_mark(item, length, reinterpret_cast<std::uint8_t*>(out.data())));
  return out;
}

TEST(ItemMark, IsReadAsItWasWritten) {
  for (const Item item : {Item::row, Item::value, Item::null, Item::text, Item::list, Item::decoded, Item::left_out})
    for (const std::uint32_t length :
         {0U, 1U, 15U, 16U, 255U, 256U, 1664U, 65'535U, 1U << 24, 0x7fff'ffffU, 0xffff'ffffU}) {
      const std::string mark = mark_of(item, length);
      EXPECT_EQ(mark.size(), mark_bytes(length));
      const auto read = read_mark(mark + "4111");
      ASSERT_TRUE(read.has_value()) << length;
      EXPECT_EQ(read->item, item);
      EXPECT_EQ(read->length, length);
      EXPECT_EQ(read->bytes, mark.size());
      for (std::size_t bytes = 0; bytes < mark.size(); ++bytes) EXPECT_FALSE(read_mark(mark.substr(0, bytes)));
    }
}

TEST(ItemMark, HasNoByteThatAMaskCovers) {
  for (const std::uint32_t length : {0U, 49U, 0x31313131U, 0x7fff'ffffU})
    for (const char byte : mark_of(Item::value, length)) EXPECT_LT(static_cast<unsigned char>(byte), 0x20);
}

TEST(ItemMark, OtherTextIsNone) {
  for (const std::string text : {"", "\n", "abc", "\nab", "\n\x01 ", "\n\x07\x01"})
    EXPECT_FALSE(read_mark(text)) << text;
}

}  // namespace
}  // namespace sluice
