// YAML as a small tree in which every value knows where it stands. The source is not trusted: its size,
// depth and number of values are bounded, and anchors, aliases, tags and second documents are refused,
// so that a short text can not become a large tree.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include "rules/problem.h"

namespace sluice::rules {

inline constexpr std::size_t kMaxYamlBytes = 1024 * 1024;
inline constexpr std::size_t kMaxYamlDepth = 16;
inline constexpr std::size_t kMaxYamlValues = 100'000;

struct YamlNode {
  enum class Kind : std::uint8_t { null, scalar, sequence, map };

  Kind kind = Kind::null;
  std::string text;  // scalar
  Position position;
  // Where the text of a scalar begins, behind its quote; 0 when the source does not show it as it is (escapes, blocks).
  std::uint32_t text_column = 0;
  std::vector<YamlNode> children;  // of a sequence or a map
  // In a map each child carries its key.
  std::string key;
  Position key_position;

  // Of a character of the text, or of the value where that is not known. 1-based, 0 is the value itself.
  [[nodiscard]] Position position_of(std::size_t character) const {
    if (text_column == 0 || character == 0) return position;
    return {position.line, text_column + static_cast<std::uint32_t>(character) - 1};
  }
};

// One document. Fails with everything that is wrong as far as it could be read.
std::expected<YamlNode, Problems> parse_yaml(std::string_view source, std::string_view file_name);

}  // namespace sluice::rules
