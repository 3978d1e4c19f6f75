// The texts of single types: each takes a value in the binary format and appends what PostgreSQL prints. They are given
// values of any length, and look at none of a wrong one.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "common/bytes.h"
#include "common/error.h"

namespace sluice::postgres {

// A text with a bound: what does not fit is left out, and is_full() from then on.
class BoundedText {
 public:
  BoundedText(std::string& out, std::size_t most) : out_(out), begin_(out.size()), most_(most) {}

  void append(std::string_view text) {
    if (text.size() > room()) {
      full_ = true;
    } else {
      out_.append(text);
    }
  }
  void append(std::size_t count, char c) {
    if (count > room()) {
      full_ = true;
    } else {
      out_.append(count, c);
    }
  }
  void push_back(char c) { append(1, c); }
  // What comes next would not fit.
  void overflow() { full_ = true; }
  [[nodiscard]] std::size_t room() const { return full_ ? 0 : most_ - (out_.size() - begin_); }
  [[nodiscard]] bool is_full() const { return full_; }

 private:
  std::string& out_;
  std::size_t begin_;
  std::size_t most_;
  bool full_ = false;
};

using TextOf = ErrorCode (*)(Bytes value, BoundedText& out);

ErrorCode plain_text(Bytes value, BoundedText& out);
ErrorCode jsonb_text(Bytes value, BoundedText& out);
ErrorCode bytea_text(Bytes value, BoundedText& out);
ErrorCode uuid_text(Bytes value, BoundedText& out);
ErrorCode macaddr_text(Bytes value, BoundedText& out);
ErrorCode inet_text(Bytes value, BoundedText& out);

ErrorCode bool_text(Bytes value, BoundedText& out);
ErrorCode int2_text(Bytes value, BoundedText& out);
ErrorCode int4_text(Bytes value, BoundedText& out);
ErrorCode int8_text(Bytes value, BoundedText& out);
ErrorCode oid_text(Bytes value, BoundedText& out);
ErrorCode float4_text(Bytes value, BoundedText& out);
ErrorCode float8_text(Bytes value, BoundedText& out);
ErrorCode numeric_text(Bytes value, BoundedText& out);

ErrorCode date_text(Bytes value, BoundedText& out);
ErrorCode time_text(Bytes value, BoundedText& out);
ErrorCode timestamp_text(Bytes value, BoundedText& out);
ErrorCode timestamptz_text(Bytes value, BoundedText& out);

}  // namespace sluice::postgres
