// Content made from a seed: the same bytes everywhere, for tests and benchmarks.
#pragma once

#include <cstdint>
#include <string>

namespace sluice::inspect {

// JSON as services answer it: ids, amounts, times and words, and about every `bytes_between` bytes
// something that a usual rule matches; 0: never.
std::string json_corpus(std::uint64_t seed, std::size_t bytes, std::size_t bytes_between);

// Short content that is hard on purpose: matches, near misses and pieces of them, glued together.
std::string dense_corpus(std::uint64_t seed, std::size_t bytes);

// The same for conditional_rules() (test_rules.h).
std::string conditional_corpus(std::uint64_t seed, std::size_t bytes);

}  // namespace sluice::inspect
