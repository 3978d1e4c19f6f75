// What people are shown of statements and portals, for units that only name them: the text of a Parse, with the values
// of a Bind, as on the record. Those of the newest are kept, up to kMostBytes.
#pragma once

#include <cstddef>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace sluice::session {

class PreparedTexts {
 public:
  static constexpr std::size_t kMostBytes = std::size_t{32} * 1024;
  static constexpr std::size_t kMost = 64;

  // Nothing of what it is of is kept alive; null is of nothing.
  void keep(const std::shared_ptr<const void>& of, std::string text) {
    if (of == nullptr || text.empty() || text.size() > kMostBytes) return;
    bytes_ += text.size();
    texts_.push_back({of, std::move(text)});
    while (bytes_ > kMostBytes || texts_.size() > kMost) {
      bytes_ -= texts_.front().text.size();
      texts_.pop_front();
    }
  }
  // Empty where nothing is known of it.
  [[nodiscard]] std::string_view find(const std::shared_ptr<const void>& of) const {
    if (of == nullptr) return {};
    for (auto entry = texts_.rbegin(); entry != texts_.rend(); ++entry)
      if (!entry->of.owner_before(of) && !of.owner_before(entry->of)) return entry->text;
    return {};
  }

 private:
  struct Entry {
    std::weak_ptr<const void> of;
    std::string text;
  };
  std::deque<Entry> texts_;
  std::size_t bytes_ = 0;
};

}  // namespace sluice::session
