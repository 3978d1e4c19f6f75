// What the whole-worker programs have in common: the shapes that are measured, and the rigs that run them.
// At MTU: segments of 1448 bytes, the NIC fills checksums. Superframes: up to 64 KB each, cut and coalesced by the NIC.
#pragma once

#include <benchmark/benchmark.h>

#include <array>
#include <functional>
#include <string>

#include "bench/support/program.h"
#include "bench/worker/rig.h"

namespace sluice::bench {

struct Shape {
  const char* size;
  RigConfig config;

  [[nodiscard]] std::string name() const {
    return std::string("worker/http1/") + size + (config.superframes ? "/superframe" : "");
  }
};

inline constexpr std::size_t kKib = 1024;
inline constexpr std::array<Shape, 6> kShapes = {{
    {"1k", {.sessions = 64, .superframes = false, .body_bytes = kKib}},
    {"1k", {.sessions = 64, .superframes = true, .body_bytes = kKib}},
    {"64k", {.sessions = 64, .superframes = false, .body_bytes = 64 * kKib}},
    {"64k", {.sessions = 64, .superframes = true, .body_bytes = 64 * kKib}},
    {"1m", {.sessions = 8, .superframes = false, .body_bytes = kKib * kKib}},
    {"1m", {.sessions = 8, .superframes = true, .body_bytes = kKib * kKib}},
}};

// Results of 1000 rows of 124 bytes, each with an e-mail address, or (10k) one in about 10,000 bytes; with numbers and
// times in binary they have 109.
struct RowsShape {
  const char* name;
  const char* versus;
  RigConfig config;
};

inline constexpr std::size_t kRows = 1000;
inline constexpr std::array<RowsShape, 5> kRowsShapes = {{
    {"worker/postgres/rows", "scanner/rows", {.sessions = 64, .rows = kRows, .rows_between = 1}},
    {"worker/postgres/rows/superframe",
     "scanner/rows",
     {.sessions = 64, .superframes = true, .rows = kRows, .rows_between = 1}},
    {"worker/postgres/rows/10k", "scanner/rows/10k", {.sessions = 64, .rows = kRows, .rows_between = 80}},
    {"worker/postgres/rows/10k/superframe",
     "scanner/rows/10k",
     {.sessions = 64, .superframes = true, .rows = kRows, .rows_between = 80}},
    {"worker/postgres/rows/10k/binary",
     "scanner/rows/10k/binary",
     {.sessions = 64, .rows = kRows, .rows_between = 80, .rows_are_binary = true}},
}};

// Each program has its own.
void register_figures();

double us_of(std::uint64_t cycles);
// Set up once: repetitions of a benchmark take turns on the same sessions. Throws what went wrong.
Rig& rig_of(const RigConfig& config);
void add_figure(const std::string& name, const std::function<void(benchmark::State&)>& run);

}  // namespace sluice::bench
