#include "common/framed_socket.h"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include <cstring>

#include "common/sealed_memory.h"

namespace sluice {
namespace {

std::vector<std::uint8_t> message_of(std::size_t payload_bytes, std::uint8_t fill = 7) {
  std::vector<std::uint8_t> message(4 + payload_bytes, fill);
  const auto length = static_cast<std::uint32_t>(payload_bytes);
  std::memcpy(message.data(), &length, sizeof length);
  return message;
}

struct Pair {
  Pair() {
    int fds[2];
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds), 0);
    a.emplace(Fd(fds[0]));
    b.emplace(Fd(fds[1]));
  }
  std::optional<FramedSocket> a, b;
};

TEST(FramedSocket, EveryCutGivesTheSameMessages) {
  std::vector<std::uint8_t> stream;
  for (std::size_t size : {0U, 1U, 13U, 5U}) {
    const auto message = message_of(size, static_cast<std::uint8_t>(size));
    stream.insert(stream.end(), message.begin(), message.end());
  }
  for (std::size_t cut = 0; cut <= stream.size(); ++cut) {
    Pair pair;
    std::vector<std::vector<std::uint8_t>> got;
    for (Bytes part : {Bytes(stream).first(cut), Bytes(stream).subspan(cut)}) {
      ASSERT_EQ(::send(pair.a->fd(), part.data(), part.size(), 0), static_cast<ssize_t>(part.size()));
      ASSERT_TRUE(pair.b->receive());
      for (;;) {
        auto message = pair.b->next();
        ASSERT_TRUE(message);
        if (!*message) break;
        got.push_back(**message);
      }
    }
    ASSERT_EQ(got.size(), 4U) << cut;
    EXPECT_EQ(got[2], message_of(13, 13)) << cut;
  }
}

TEST(FramedSocket, AMessageBeyondTheBoundEndsTheConnection) {
  Pair pair;
  const std::uint8_t prefix[] = {0xfd, 0xff, 0x0f, 0x00};  // with its prefix one byte more than 1 MiB
  ASSERT_EQ(::send(pair.a->fd(), prefix, sizeof prefix, 0), 4);
  ASSERT_TRUE(pair.b->receive());
  const auto message = pair.b->next();
  ASSERT_FALSE(message);
  EXPECT_EQ(message.error().code, ErrorCode::channel_bad_message);
}

TEST(FramedSocket, NothingBlocksAndTheQueueIsBounded) {
  Pair pair;
  const auto message = message_of(64 * 1024);
  std::size_t queued = 0;
  while (pair.a->queue(message)) {
    ++queued;
    ASSERT_TRUE(pair.a->flush());  // nobody reads: the socket's buffer fills, then the queue
    ASSERT_LT(queued, 1000U);
  }
  EXPECT_LE(pair.a->queued_bytes(), kMaxQueuedBytes);
  std::size_t got = 0;
  while (got < queued) {
    ASSERT_TRUE(pair.b->receive());
    for (auto next = pair.b->next(); *next; next = pair.b->next()) {
      EXPECT_EQ(**next, message);
      ++got;
    }
    ASSERT_TRUE(pair.a->flush());
  }
  EXPECT_EQ(pair.a->queued_bytes(), 0U);
}

TEST(FramedSocket, ADescriptorArrivesWithItsMessage) {
  Pair pair;
  const auto content = as_bytes("policy");
  auto memory = make_sealed_memory("test", content);
  ASSERT_TRUE(memory);
  ASSERT_TRUE(pair.a->queue(message_of(3)));
  ASSERT_TRUE(pair.a->queue(message_of(5), std::move(*memory)));
  ASSERT_TRUE(pair.a->flush());
  std::size_t messages = 0;
  while (messages < 2) {
    ASSERT_TRUE(pair.b->receive());
    while (*pair.b->next()) ++messages;
  }
  const auto fd = pair.b->take_fd();
  ASSERT_TRUE(fd);
  EXPECT_FALSE(pair.b->take_fd());
  const auto mapped = SealedMemory::map(*fd, content.size());
  ASSERT_TRUE(mapped);
  EXPECT_EQ(as_text(mapped->bytes()), "policy");
  EXPECT_FALSE(SealedMemory::map(*fd, content.size() + 1));
}

TEST(FramedSocket, TheEndOfThePeerIsTold) {
  Pair pair;
  pair.a.reset();
  const auto received = pair.b->receive();
  ASSERT_FALSE(received);
  EXPECT_EQ(received.error().code, ErrorCode::channel_closed);
  ASSERT_TRUE(pair.b->queue(message_of(1)));
  EXPECT_FALSE(pair.b->flush());  // an error, not SIGPIPE
}

TEST(SealedMemory, WhatMayStillBeWrittenIsRefused) {
  const Fd open(::memfd_create("open", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  ASSERT_EQ(::write(open.get(), "abc", 3), 3);
  const auto mapped = SealedMemory::map(open, 3);
  ASSERT_FALSE(mapped);
  EXPECT_EQ(mapped.error().code, ErrorCode::channel_bad_message);
}

}  // namespace
}  // namespace sluice
