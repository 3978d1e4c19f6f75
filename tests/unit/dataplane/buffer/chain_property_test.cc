// Random walks over several chains, each step compared with std::string. Shared bytes, cut bytes and
// spliced bytes must read the same whatever happened to the chains that they came from, and every
// buffer is back at the end. Pools are small, so that steps also fail for lack of buffers: a step
// that says false must have changed nothing. Replay: the seed is in the failure message.
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "common/random.h"
#include "dataplane/buffer/chain.h"

namespace sluice::buffer {
namespace {

constexpr std::size_t kChains = 4;
constexpr std::uint64_t kSeeds = 400;
constexpr int kSteps = 300;

struct Modelled {
  Chain chain;
  std::string text;
};

class Walk {
 public:
  Walk(Pools& pools, std::uint64_t seed) : pools_(pools), random_(seed) {}

  void step() {
    Modelled& a = chains_[random_.below(kChains)];
    Modelled& b = chains_[random_.below(kChains)];
    switch (random_.below(9)) {
      case 0:
        return receive(a);
      case 1:
        return take_front(a, b);
      case 2:
        return drop_front(a);
      case 3:
        return drop_back(a);
      case 4:
        return share(a, b);
      case 5:
        return splice(a);
      case 6:
        return append(a, b);
      case 7:
        return append_copy(a);
      case 8:
        return clear(a);
    }
  }
  int failures() const { return failures_; }

  void check() {
    for (const Modelled& m : chains_) {
      ASSERT_EQ(m.chain.length_bytes(), m.text.size());
      std::string seen;
      m.chain.for_each(0, m.text.size(), [&seen](Bytes run) {
        EXPECT_FALSE(run.empty());
        seen += as_text(run);
      });
      ASSERT_EQ(seen, m.text);
      std::uint32_t segments = 0;
      const rte_mbuf* last = nullptr;
      for (const rte_mbuf* s = m.chain.first(); s != nullptr; s = s->next) {
        ++segments;
        EXPECT_GT(s->data_len, 0);
        last = s;
      }
      ASSERT_EQ(m.chain.segments(), segments);
      ASSERT_EQ(last == nullptr, m.text.empty());
    }
  }

 private:
  std::size_t upto(std::size_t most) { return random_.below(most + 1); }
  std::string fresh_text(std::size_t most) {
    std::string text(upto(most), '\0');
    for (char& c : text) c = static_cast<char>('a' + random_.below(26));
    return text;
  }
  void done(bool worked, Modelled& m, std::string expected) {
    if (worked) {
      m.text = std::move(expected);
    } else {
      ++failures_;
    }
  }

  void receive(Modelled& m) {
    if (m.text.size() > 4000) return clear(m);
    rte_mbuf* packet = nullptr;
    std::string text;
    for (std::uint64_t segments = 1 + random_.below(4); segments > 0; --segments) {
      rte_mbuf* s = rte_pktmbuf_alloc(pools_.frames());
      if (s == nullptr) break;
      const std::string piece = fresh_text(40);
      std::memcpy(rte_pktmbuf_append(s, static_cast<std::uint16_t>(piece.size())), piece.data(), piece.size());
      text += piece;
      if (packet == nullptr) {
        packet = s;
      } else {
        ASSERT_EQ(rte_pktmbuf_chain(packet, s), 0);
      }
    }
    if (packet == nullptr) return;
    m.chain.append(Chain(packet));
    m.text += text;
  }
  void take_front(Modelled& from, Modelled& to) {
    if (&from == &to) return;
    const std::size_t count = upto(from.text.size());
    if (!from.chain.take_front(pools_, count, to.chain)) {
      ++failures_;
      return;
    }
    to.text += from.text.substr(0, count);
    from.text.erase(0, count);
  }
  void drop_front(Modelled& m) {
    const std::size_t count = upto(m.text.size());
    m.chain.drop_front(count);
    m.text.erase(0, count);
  }
  void drop_back(Modelled& m) {
    const std::size_t count = upto(m.text.size());
    m.chain.drop_back(count);
    m.text.resize(m.text.size() - count);
  }
  void share(Modelled& from, Modelled& to) {
    if (&from == &to || to.text.size() > 4000) return;
    const std::size_t offset = upto(from.text.size());
    const std::size_t count = upto(from.text.size() - offset);
    done(from.chain.share(pools_, offset, count, to.chain), to, to.text + from.text.substr(offset, count));
  }
  void splice(Modelled& m) {
    const std::size_t offset = upto(m.text.size());
    const std::size_t remove = upto(std::min<std::size_t>(m.text.size() - offset, 30));
    const std::string insert = fresh_text(random_.chance(1, 10) ? 3000 : 20);
    std::string expected = m.text;
    expected.replace(offset, remove, insert);
    done(m.chain.splice(pools_, offset, remove, as_bytes(insert)), m, expected);
  }
  void append(Modelled& to, Modelled& from) {
    if (&from == &to) return;
    to.chain.append(std::move(from.chain));
    to.text += from.text;
    from.text.clear();
  }
  void append_copy(Modelled& m) {
    if (m.text.size() > 4000) return;
    const std::string bytes = fresh_text(random_.chance(1, 10) ? 5000 : 50);
    done(m.chain.append_copy(pools_, as_bytes(bytes)), m, m.text + bytes);
  }
  void clear(Modelled& m) {
    m.chain.clear();
    m.text.clear();
  }

  Pools& pools_;
  Random random_;
  Modelled chains_[kChains];
  int failures_ = 0;
};

TEST(ChainProperty, EqualsTheModelAndGivesEveryBufferBack) {
  auto pools = Pools::create("chain_property", {.frames = 48, .jumbos = 2, .views = 48});
  ASSERT_TRUE(pools) << pools.error().message();
  int failures = 0;
  for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    {
      Walk walk(*pools, seed);
      for (int i = 0; i < kSteps; ++i) {
        walk.step();
        walk.check();
        if (::testing::Test::HasFailure()) return;
      }
      failures += walk.failures();
    }
    ASSERT_EQ(pools->in_use(), 0u);
  }
  EXPECT_GT(failures, 0) << "the pools were never short, so the false paths were not walked";
}

// Overwriting is the one step that shared bytes see, so it walks alone, on chains that share nothing.
TEST(ChainProperty, OverwriteEqualsTheModel) {
  auto pools = Pools::create("chain_overwrite", {.frames = 64, .jumbos = 2, .views = 64});
  ASSERT_TRUE(pools) << pools.error().message();
  Random random(7);
  for (int round = 0; round < 500; ++round) {
    Chain chain;
    std::string text;
    for (int piece = 0; piece < 6; ++piece) {
      const std::string bytes(random.below(20), static_cast<char>('a' + piece));
      Chain one;
      ASSERT_TRUE(one.append_copy(*pools, as_bytes(bytes)));
      chain.append(std::move(one));
      text += bytes;
    }
    const std::size_t offset = random.below(text.size() + 1);
    const std::string mask(random.below(text.size() - offset + 1), '*');
    chain.overwrite(offset, as_bytes(mask));
    text.replace(offset, mask.size(), mask);
    std::string seen(chain.length_bytes(), '\0');
    chain.copy_out(0, seen.size(), reinterpret_cast<std::uint8_t*>(seen.data()));
    ASSERT_EQ(seen, text);
  }
  EXPECT_EQ(pools->in_use(), 0u);
}

}  // namespace
}  // namespace sluice::buffer
