// Binary values and their texts, as a server printed them (values.txt).
#pragma once

#include <cstdint>
#include <fstream>
#include <map>
#include <string>
#include <vector>

#include "common/hex.h"

namespace sluice::postgres {

struct Sample {
  std::uint32_t type = 0;
  std::string binary;
  std::string text;
};

inline std::vector<Sample> samples() {
  std::vector<Sample> out;
  std::ifstream file(SLUICE_TEST_VALUES);
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with('#')) continue;
    const std::size_t first = line.find('|');
    const std::size_t second = line.find('|', first + 1);
    Sample sample{.type = static_cast<std::uint32_t>(std::stoul(line)), .binary = {}, .text = line.substr(second + 1)};
    for (std::size_t at = first + 1; at < second; at += 2)
      sample.binary.push_back(static_cast<char>(16 * hex_value(static_cast<std::uint8_t>(line[at])) +
                                                hex_value(static_cast<std::uint8_t>(line[at + 1]))));
    out.push_back(std::move(sample));
  }
  return out;
}

}  // namespace sluice::postgres
