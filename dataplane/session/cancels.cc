// See cancels.h.
#include "dataplane/session/cancels.h"

#include <algorithm>

namespace sluice::session {

Cancels::Key Cancels::key_of(const HashKey& seed, const IpAddress& server, std::uint16_t port, std::uint32_t process,
                             Bytes secret) {
  SipState state(seed);
  for (const std::uint64_t word : {server.high, server.low, std::uint64_t{port} << 32U | process}) state.absorb(word);
  state.absorb(siphash(seed, secret));
  return std::max<Key>(state.finish(), 1);
}

void Cancels::ask(Key key) {
  const auto found = waiting_.find(key);
  if (found == waiting_.end() || found->second->is_asked_) return;
  found->second->is_asked_ = true;
  if (found->second->session_ != nullptr) to_wake_.push_back(found->second->session_);
}

void CancelWait::begin(Cancels& cancels, Cancels::Key key, Session* session) {
  end();
  if (key == 0 || !cancels.waiting_.emplace(key, this).second) return;
  cancels_ = &cancels;
  key_ = key;
  session_ = session;
}

void CancelWait::end() {
  is_asked_ = false;
  if (cancels_ == nullptr) return;
  cancels_->waiting_.erase(key_);
  std::erase(cancels_->to_wake_, session_);
  cancels_ = nullptr;
}

}  // namespace sluice::session
