#include "dataplane/protocol/postgres/values.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <string_view>

#include "dataplane/protocol/postgres/types.h"
#include "dataplane/protocol/postgres/value_texts.h"

namespace sluice::postgres {
namespace {

void append_hex(Bytes bytes, BoundedText& out) {
  constexpr std::string_view kHex = "0123456789abcdef";
  for (const std::uint8_t byte : bytes) {
    const char two[] = {kHex[byte >> 4U], kHex[byte & 15U]};
    out.append({two, sizeof two});
  }
}

}  // namespace

ErrorCode plain_text(Bytes value, BoundedText& out) {
  out.append(as_text(value));
  return ErrorCode::ok;
}

ErrorCode jsonb_text(Bytes value, BoundedText& out) {
  constexpr std::uint8_t kVersion = 1;
  if (value.empty() || value[0] != kVersion) return ErrorCode::postgres_bad_value;
  return plain_text(value.subspan(1), out);
}

ErrorCode bytea_text(Bytes value, BoundedText& out) {
  if (value.size() > out.room() / 2) {
    out.overflow();
    return ErrorCode::ok;
  }
  out.append("\\x");
  append_hex(value, out);
  return ErrorCode::ok;
}

ErrorCode uuid_text(Bytes value, BoundedText& out) {
  if (value.size() != 16) return ErrorCode::postgres_bad_value;
  constexpr std::array<std::size_t, 5> kGroups = {4, 2, 2, 2, 6};
  for (const std::size_t group : kGroups) {
    if (value.size() < 16) out.push_back('-');
    append_hex(value.first(group), out);
    value = value.subspan(group);
  }
  return ErrorCode::ok;
}

ErrorCode macaddr_text(Bytes value, BoundedText& out) {
  if (value.size() != 6) return ErrorCode::postgres_bad_value;
  for (std::size_t i = 0; i < value.size(); ++i) {
    if (i > 0) out.push_back(':');
    append_hex(value.subspan(i, 1), out);
  }
  return ErrorCode::ok;
}

// Family, bits of the network, whether it is a cidr, length, address.
ErrorCode inet_text(Bytes value, BoundedText& out) {
  constexpr std::size_t kHead = 4;
  constexpr std::uint8_t kIpv4 = 2;
  constexpr std::uint8_t kIpv6 = 3;
  if (value.size() < kHead) return ErrorCode::postgres_bad_value;
  const bool is_v4 = value[0] == kIpv4;
  const std::size_t size = is_v4 ? 4 : 16;
  const std::uint8_t bits = value[1];
  const bool is_cidr = value[2] != 0;
  const bool is_sound =
      (is_v4 || value[0] == kIpv6) && value[3] == size && value.size() == kHead + size && bits <= 8 * size;
  if (!is_sound) return ErrorCode::postgres_bad_value;
  std::array<char, INET6_ADDRSTRLEN> text{};
  inet_ntop(is_v4 ? AF_INET : AF_INET6, value.data() + kHead, text.data(), text.size());
  out.append(text.data());
  if (!is_cidr && bits == 8 * size) return ErrorCode::ok;
  out.push_back('/');
  out.append(std::to_string(bits));
  return ErrorCode::ok;
}

namespace {

bool is_space(char c) {
  return c == ' ' || (c >= '\t' && c <= '\r');
}

// What array_out quotes: what an array's syntax could take for something else.
bool needs_quotes(std::string_view text) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; };
  constexpr std::string_view kNullWord = "null";
  if (text.empty() || std::ranges::equal(text, kNullWord, {}, lower)) return true;
  return std::ranges::any_of(text, [](char c) { return is_space(c) || std::string_view("{},\"\\").contains(c); });
}

void append_element(std::string_view text, BoundedText& out) {
  if (!needs_quotes(text)) {
    out.append(text);
    return;
  }
  out.push_back('"');
  for (const char c : text) {
    if (c == '"' || c == '\\') out.push_back('\\');
    out.push_back(c);
  }
  out.push_back('"');
}

struct Dimension {
  std::uint32_t size = 0;
  std::int32_t first = 1;  // index of the first element
};

// An array in the binary format: how many dimensions, whether there are NULLs, the type, size and first index of each
// dimension, then the elements with their lengths.
class Array {
 public:
  explicit Array(Bytes value) : rest_(value) {}

  ErrorCode append(const Type& type, BoundedText& out) {
    constexpr std::uint32_t kMostDimensions = 6;
    constexpr std::size_t kHead = 12;
    if (rest_.size() < kHead) return ErrorCode::postgres_bad_value;
    const std::uint32_t dimensions = take32();
    take32();  // whether there are NULLs shows
    if (take32() != type.oid || dimensions > kMostDimensions) return ErrorCode::postgres_bad_value;
    if (rest_.size() < std::size_t{8} * dimensions) return ErrorCode::postgres_bad_value;
    std::uint64_t count = dimensions == 0 ? 0 : 1;
    bool counts_from_one = true;
    for (std::uint32_t i = 0; i < dimensions; ++i) {
      dimensions_.at(i) = {.size = take32(), .first = static_cast<std::int32_t>(take32())};
      count *= dimensions_.at(i).size;
      counts_from_one &= dimensions_.at(i).first == 1;
      if (count > rest_.size() / 4) return ErrorCode::postgres_bad_value;  // each has its length at least
    }
    used_ = dimensions;
    if (count == 0) {
      out.append("{}");
      return rest_.empty() ? ErrorCode::ok : ErrorCode::postgres_bad_value;
    }
    if (!counts_from_one) append_bounds(out);
    const ErrorCode error = append_dimension(0, type, out);
    return error == ErrorCode::ok && !out.is_full() && !rest_.empty() ? ErrorCode::postgres_bad_value : error;
  }

 private:
  std::uint32_t take32() {
    const std::uint32_t number = load_be32(rest_.data());
    rest_ = rest_.subspan(4);
    return number;
  }

  void append_bounds(BoundedText& out) {
    for (std::uint32_t i = 0; i < used_; ++i) {
      const std::int64_t first = dimensions_.at(i).first;
      out.append("[" + std::to_string(first) + ":" + std::to_string(first + dimensions_.at(i).size - 1) + "]");
    }
    out.push_back('=');
  }

  ErrorCode append_dimension(std::uint32_t dimension, const Type& type, BoundedText& out) {
    out.push_back('{');
    for (std::uint32_t i = 0; i < dimensions_.at(dimension).size && !out.is_full(); ++i) {
      if (i > 0) out.push_back(',');
      const ErrorCode error =
          dimension + 1 < used_ ? append_dimension(dimension + 1, type, out) : append_next_element(type, out);
      if (error != ErrorCode::ok) return error;
    }
    out.push_back('}');
    return ErrorCode::ok;
  }

  ErrorCode append_next_element(const Type& type, BoundedText& out) {
    constexpr std::uint32_t kNullLength = 0xffffffff;
    if (rest_.size() < 4) return ErrorCode::postgres_bad_value;
    const std::uint32_t length = take32();
    if (length == kNullLength) {
      out.append("NULL");
      return ErrorCode::ok;
    }
    if (length > rest_.size()) return ErrorCode::postgres_bad_value;
    text_.clear();
    BoundedText element(text_, out.room());
    const ErrorCode error = type.text(rest_.first(length), element);
    rest_ = rest_.subspan(length);
    if (element.is_full()) out.overflow();
    if (error == ErrorCode::ok) append_element(text_, out);
    return error;
  }

  Bytes rest_;
  std::array<Dimension, 6> dimensions_{};
  std::uint32_t used_ = 0;
  std::string text_;
};

}  // namespace

bool is_known_type(std::uint32_t type) {
  const Type* known = type_of(type) != nullptr ? type_of(type) : type_of_array(type);
  return known != nullptr && known->text != nullptr;
}

ErrorCode append_text(std::uint32_t type, Bytes value, std::size_t most, std::string& out) {
  const std::size_t begin = out.size();
  BoundedText text(out, most);
  ErrorCode error = ErrorCode::postgres_unknown_type;
  if (const Type* single = type_of(type); single != nullptr && single->text != nullptr) {
    error = single->text(value, text);
  } else if (const Type* element = type_of_array(type); element != nullptr && element->text != nullptr) {
    error = Array(value).append(*element, text);
  }
  if (error == ErrorCode::ok && text.is_full()) error = ErrorCode::postgres_value_too_long;
  if (error != ErrorCode::ok) out.resize(begin);
  return error;
}

}  // namespace sluice::postgres
