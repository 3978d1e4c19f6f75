// What one answer of PostgreSQL has returned so far, and the limits on what one may (`of: rows` and `of: result_bytes`
// with `most`). Rows are DataRow and CopyData messages, bytes those of whole such messages.
// Always: what was counted is within every limit but those that somebody passed by, by adding all the same.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>

#include "dataplane/enforce/limit.h"

namespace sluice::session {

class ResultCount {
 public:
  using Limits = std::span<const enforce::Limit>;

  // An answer begins. The limits outlive it.
  void begin(Limits of_principal, Limits of_service) {
    rows_ = bytes_ = 0;
    of_principal_ = of_principal;
    of_service_ = of_service;
    learn();
  }
  // So many more are within all limits that were not passed by: the way of nearly all rows.
  [[nodiscard]] bool fits(std::uint64_t rows, std::uint64_t bytes) const {
    return rows_ + rows <= most_rows_ && bytes_ + bytes <= most_bytes_;
  }
  [[nodiscard]] std::uint64_t rows_left() const { return most_rows_ - rows_; }
  // Otherwise: fn(limit) for each that they are the first to exceed.
  template <class Fn>
  void for_each_exceeded(std::uint64_t rows, std::uint64_t bytes, Fn&& fn) const {
    for (const Limits limits : {of_principal_, of_service_})
      for (const enforce::Limit& limit : limits)
        if (is_exceeded(limit, rows_ + rows, bytes_ + bytes) && !is_exceeded(limit, rows_, bytes_)) fn(limit);
  }
  void add(std::uint64_t rows, std::uint64_t bytes) {
    rows_ += rows;
    bytes_ += bytes;
    if (rows_ > most_rows_ || bytes_ > most_bytes_) learn();
  }

  [[nodiscard]] std::uint64_t rows() const { return rows_; }
  [[nodiscard]] std::uint64_t bytes() const { return bytes_; }

 private:
  [[nodiscard]] static bool is_exceeded(const enforce::Limit& limit, std::uint64_t rows, std::uint64_t bytes) {
    return limit.of_answer && (limit.of == enforce::LimitOf::rows ? rows : bytes) > limit.most;
  }
  // The lowest bounds of limits that are not exceeded.
  void learn();

  std::uint64_t rows_ = 0;
  std::uint64_t bytes_ = 0;
  std::uint64_t most_rows_ = ~std::uint64_t{0};
  std::uint64_t most_bytes_ = ~std::uint64_t{0};
  Limits of_principal_;
  Limits of_service_;
};

}  // namespace sluice::session
