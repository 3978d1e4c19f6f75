#include "common/mailbox.h"

#include <gtest/gtest.h>

#include <memory>
#include <thread>
#include <utility>

namespace sluice {
namespace {

TEST(Mailbox, WhatIsTakenComesBackOnceWithWhatWasThere) {
  Mailbox<int> box;
  int has = 1;
  int first = 2;
  int second = 3;
  const auto swap = [&](int& value) { std::swap(has, value); };
  EXPECT_FALSE(box.take(swap));
  EXPECT_FALSE(box.has_offer());
  EXPECT_TRUE(box.offer(&first));
  EXPECT_TRUE(box.has_offer());
  EXPECT_FALSE(box.offer(&second)) << "the last one waits";
  EXPECT_EQ(box.taken(), nullptr);
  EXPECT_TRUE(box.take(swap));
  EXPECT_FALSE(box.take(swap));
  EXPECT_EQ(has, 2);
  EXPECT_EQ(first, 1);
  EXPECT_EQ(box.taken(), &first);
  EXPECT_EQ(box.taken(), nullptr);
  EXPECT_TRUE(box.offer(&second));
}

// Each value is whole when it is taken, and again when it is back: the sanitizers see to that.
TEST(Mailbox, ValuesGoBothWaysBetweenThreads) {
  constexpr int kValues = 1000;
  Mailbox<std::unique_ptr<int>> box;
  std::thread taker([&] {
    auto has = std::make_unique<int>(0);
    while (*has < kValues)
      if (!box.take([&](std::unique_ptr<int>& value) { std::swap(has, value); })) std::this_thread::yield();
  });
  for (int i = 1; i <= kValues; ++i) {
    auto value = std::make_unique<int>(i);
    ASSERT_TRUE(box.offer(&value));
    while (box.taken() != &value) std::this_thread::yield();
    EXPECT_EQ(*value, i - 1);
  }
  taker.join();
}

}  // namespace
}  // namespace sluice
