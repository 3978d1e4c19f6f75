// A queue whose front goes in numbers: as a vector of which the first few are gone. Empty, it has allocated nothing, as
// most do that a session has; what one long message needed does not stay with it.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace sluice::session {

template <class T>
class RunQueue {
 public:
  [[nodiscard]] std::size_t size() const { return items_.size() - gone_; }
  [[nodiscard]] bool empty() const { return size() == 0; }
  [[nodiscard]] T& front() { return items_[gone_]; }
  [[nodiscard]] const T& front() const { return items_[gone_]; }
  [[nodiscard]] T& back() { return items_.back(); }
  [[nodiscard]] const T& back() const { return items_.back(); }
  [[nodiscard]] std::span<const T> all() const { return std::span(items_).subspan(gone_); }
  // What is gone makes room first, when it is half.
  void push_back(const T& item) {
    if (items_.size() == items_.capacity() && gone_ > items_.size() / 2) {
      items_.erase(items_.begin(), items_.begin() + static_cast<std::ptrdiff_t>(gone_));
      gone_ = 0;
    }
    items_.push_back(item);
  }
  void drop_front(std::size_t count) {
    gone_ += count;
    if (gone_ == items_.size()) clear();
  }
  // Puts others in the place of the front.
  void replace_front(std::span<const T> others) {
    const auto front = items_.begin() + static_cast<std::ptrdiff_t>(gone_);
    items_.insert(items_.erase(front), others.begin(), others.end());
  }
  void clear() {
    if (items_.capacity() > kKept) items_ = {};
    items_.clear();
    gone_ = 0;
  }

 private:
  static constexpr std::size_t kKept = 32;

  std::vector<T> items_;
  std::size_t gone_ = 0;
};

}  // namespace sluice::session
