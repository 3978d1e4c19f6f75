// A trace as it lies in a file (docs/formats/trace.md): read, picked from, told.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "common/error.h"
#include "common/trace_record.h"
#include "control/cli/client.h"

namespace sluice::cli {

struct TraceEntry {
  TraceRecord record;
  WallNs wall_ns = 0;
  std::uint32_t worker = 0;
  std::uint64_t number = 0;  // of that worker's records
};

struct TraceFile {
  std::vector<TraceEntry> entries;  // by time
  std::uint64_t overwritten = 0;
  WallNs newest_ns = 0;  // when it was taken, or what died did last
};

// bad_argument for what is no trace; every byte may be wrong.
Result<TraceFile> read_trace(std::string_view bytes);

struct TraceFilter {
  SessionId session = 0;           // 0: any
  std::set<TraceKind> kinds = {};  // empty: any
  WallNs since_ns = 0;             // not older; 0: any
  std::size_t newest = 0;          // so many of those that match; 0: all
};
// "drop,timer"
Result<std::set<TraceKind>> parse_kinds(const std::string& text);
std::vector<TraceEntry> pick(const TraceFile& file, const TraceFilter& filter);

std::string trace_line(const TraceEntry& entry);
Json trace_json(const TraceEntry& entry);

}  // namespace sluice::cli
