// What a session's names stand for: prepared statements, or portals. A name has what the server is known to have under
// it, and the changes that were asked for and not answered yet, in their order: so what is asked next finds what it
// will find at the server, and a change that fails or is skipped leaves what was there before.
//
// Names come from peers: they are hashed with a key. At most `most` names are there at once.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "common/assert.h"
#include "common/siphash.h"
#include "dataplane/protocol/postgres/ring.h"

namespace sluice::postgres {

template <class Thing>
class Names {
 public:
  class Entry {
    friend class Names;
    const std::string* name_ = nullptr;
    std::shared_ptr<Thing> kept_;  // what the server has; none: nothing, as far as is known
    struct Asked {
      std::shared_ptr<Thing> thing;  // what it will have; none: it will be closed
      std::uint64_t question = 0;    // Question::id
    };
    Ring<Asked> asked_;
  };

  Names(std::uint32_t most, const HashKey& key) : most_(most), entries_(0, Hash{key}) {}

  // What a question that is asked now will find; none: nothing is known of it.
  [[nodiscard]] std::shared_ptr<Thing> newest(std::string_view name) {
    const auto found = entries_.find(name);
    if (found == entries_.end()) return nullptr;
    Entry& entry = found->second;
    return entry.asked_.empty() ? entry.kept_ : entry.asked_.back().thing;
  }
  // All that it may find. A change that was asked before the last Sync, question `sync`, may come to nothing; where one
  // does that was asked since, so does the question.
  template <class Visit>
  void for_each_possible(std::string_view name, std::uint64_t sync, const Visit& visit) {
    const auto found = entries_.find(name);
    if (found == entries_.end()) return;
    Entry& entry = found->second;
    for (std::size_t i = entry.asked_.size(); i-- > 0;) {
      if (entry.asked_[i].thing) visit(*entry.asked_[i].thing);
      if (entry.asked_[i].question > sync) return;
    }
    if (entry.kept_) visit(*entry.kept_);
  }

  // A change was asked for, by this question. nullptr: there is no room for the name.
  Entry* ask(std::string_view name, std::shared_ptr<Thing> thing, std::uint64_t question) {
    auto found = entries_.find(name);
    if (found == entries_.end()) {
      if (entries_.size() >= most_) return nullptr;
      found = entries_.emplace(std::string(name), Entry{}).first;
      found->second.name_ = &found->first;
    }
    found->second.asked_.push_back({std::move(thing), question});
    return &found->second;
  }
  // The same, of a name that goes: nothing is done for one that is not known.
  Entry* ask_close(std::string_view name, std::uint64_t question) {
    return entries_.find(name) == entries_.end() ? nullptr : ask(name, nullptr, question);
  }

  // What became of the oldest change that was asked for. The entry may be gone then.
  void settle(Entry& entry, bool done) {
    SLUICE_ASSERT(!entry.asked_.empty());
    if (done) entry.kept_ = std::move(entry.asked_.front().thing);
    entry.asked_.pop_front();
    drop_if_empty(entry);
  }
  // It failed, and what was there before is gone too.
  void settle_and_drop(Entry& entry) {
    entry.kept_ = nullptr;
    settle(entry, false);
  }

  // The server has none of those any more that it had.
  void drop_kept() {
    for (auto at = entries_.begin(); at != entries_.end();) {
      at->second.kept_ = nullptr;
      at = at->second.asked_.empty() ? entries_.erase(at) : std::next(at);
    }
  }
  template <class Visit>
  void for_each_kept(const Visit& visit) {
    for (auto& [name, entry] : entries_)
      if (entry.kept_) visit(std::string_view(name), *entry.kept_);
  }

  [[nodiscard]] std::size_t size() const { return entries_.size(); }

 private:
  struct Hash {
    using is_transparent = void;
    HashKey key;
    std::size_t operator()(std::string_view name) const { return siphash(key, as_bytes(name)); }
  };

  void drop_if_empty(Entry& entry) {
    if (entry.kept_ || !entry.asked_.empty()) return;
    entries_.erase(entries_.find(*entry.name_));
  }

  std::uint32_t most_;
  std::unordered_map<std::string, Entry, Hash, std::equal_to<>> entries_;
};

}  // namespace sluice::postgres
