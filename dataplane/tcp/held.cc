// Copying wasteful payloads into tail room, and keeping the count of pinned memory right.
#include "dataplane/tcp/held.h"

#include <rte_mbuf.h>

namespace sluice::tcp {

void Held::append_compact(buffer::Pools& pools, buffer::Chain&& chain, std::size_t pinned_bytes) {
  if (!is_wasteful(chain.length_bytes(), pinned_bytes)) return append(std::move(chain), pinned_bytes);
  const std::uint32_t segments_before = bytes_.segments();
  bool copied = true;
  std::size_t done = 0;
  chain.for_each(0, chain.length_bytes(), [&](Bytes run) {
    copied = copied && bytes_.append_copy(pools, run);
    if (copied) done += run.size();
  });
  const std::size_t room_bytes = sizeof(rte_mbuf) + rte_pktmbuf_data_room_size(pools.frames());
  pinned_bytes_ += (bytes_.segments() - segments_before) * room_bytes;
  if (copied) return chain.clear();
  chain.drop_front(done);
  append(std::move(chain), pinned_bytes);
}

bool Held::read(buffer::Pools& pools, std::size_t count, buffer::Chain& out) {
  if (!bytes_.take_front(pools, count, out)) return false;
  pinned_bytes_ = bytes_.empty() ? 0 : bytes_.pinned_bytes();
  return true;
}

}  // namespace sluice::tcp
