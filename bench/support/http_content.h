// HTTP messages for benchmarks: a browser's request, and answers of JSON from a seed.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace sluice::bench {

inline constexpr std::uint64_t kContentSeed = 20771;
inline constexpr std::size_t kBytesBetweenMatches = 10'000;

// 600 bytes, 14 fields.
std::string browser_request();
// Head of an answer with a body of `body_bytes`, as a service behind nginx sends it.
std::string response_head(std::size_t body_bytes);
// `count` different answers whose bodies have something to mask about every kBytesBetweenMatches bytes.
std::vector<std::string> responses(std::size_t count, std::size_t body_bytes);

}  // namespace sluice::bench
