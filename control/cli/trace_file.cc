// See trace_file.h.
#include "control/cli/trace_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <ctime>
#include <iterator>
#include <map>
#include <tuple>

#include "common/session_id.h"

namespace sluice::cli {
namespace {

constexpr std::array kLegNames = {"client", "server"};
constexpr std::array kTimerNames = {"ack_or_retry", "retransmit", "persist", "time_wait"};
constexpr std::array kLegStateNames = {"open", "time_wait", "closed"};
constexpr std::array kHandlingNames = {"terminated", "spliced", "forwarded"};
constexpr std::array kPhaseNames = {"handshake", "established", "lingering", "done"};

// What a newer data plane says, or a spoiled file, is shown as a number.
template <std::size_t N>
std::string name_of(const std::array<const char*, N>& names, std::size_t index) {
  return index < N ? names[index] : std::to_string(index);
}
std::string kind_name(TraceKind kind) {
  const auto index = static_cast<std::size_t>(kind);
  return index < std::size(kTraceKindNames) ? std::string(kTraceKindNames[index]) : std::to_string(index);
}

// As tcpdump has them.
std::string flag_text(unsigned flags) {
  static constexpr std::pair<unsigned, char> kFlags[] = {{0x02, 'S'}, {0x01, 'F'}, {0x04, 'R'}, {0x08, 'P'},
                                                         {0x20, 'U'}, {0x40, 'E'}, {0x80, 'C'}, {0x10, '.'}};
  std::string out;
  for (const auto& [bit, letter] : kFlags)
    if ((flags & bit) != 0) out += letter;
  return out.empty() ? "none" : out;
}

// Of an IPv6 address the record has the end.
std::string address_text(const TraceRecord& r) {
  const auto port = static_cast<std::uint16_t>(r.b >> 16);
  if ((r.d & kTraceIpv6) != 0) return fmt::format("[...{:x}:{:x}]:{}", r.a >> 16, r.a & 0xffff, port);
  return format_endpoint(r.a, port);
}

std::string error_of(std::uint16_t code) {
  return std::string(error_name(static_cast<ErrorCode>(code)));
}

ErrorCode reason_of(const TraceRecord& r) {
  const bool has_one = r.kind == TraceKind::drop || r.kind == TraceKind::leg_state || r.kind == TraceKind::phase ||
                       r.kind == TraceKind::icmp;
  return has_one ? static_cast<ErrorCode>(r.code) : ErrorCode::ok;
}

std::string time_text(WallNs wall_ns) {
  const auto seconds = static_cast<std::time_t>(wall_ns / kSecond);
  std::tm utc = {};
  ::gmtime_r(&seconds, &utc);
  return fmt::format("{:02}:{:02}:{:02}.{:09}", utc.tm_hour, utc.tm_min, utc.tm_sec, wall_ns % kSecond);
}

bool is_segment(TraceKind kind) {
  return kind == TraceKind::segment_in || kind == TraceKind::segment_out || kind == TraceKind::retransmission;
}

// What the numbers say, in the order of the line.
Json numbers(const TraceRecord& r) {
  Json out = Json::object();
  if (is_segment(r.kind)) {
    out = {{"flags", flag_text(r.code)}, {"seq", r.a}, {"ack", r.b}, {"length", r.c}, {"window", r.d}};
  } else if (r.kind == TraceKind::drop) {
    out["error"] = error_of(r.code);
    if (r.session != 0)
      out.update({{"seq", r.a}, {"ack", r.b}});
    else
      out.update({{"from", address_text(r)}, {"to_port", r.b & 0xffffU}});
    out.update({{"length", r.c}, {"flags", flag_text(r.d)}});
  } else if (r.kind == TraceKind::timer) {
    out = {{"timer", name_of(kTimerNames, r.code)}, {"timeouts_before", r.a}};
  } else if (r.kind == TraceKind::leg_state) {
    out = {{"state", name_of(kLegStateNames, r.a)}, {"error", error_of(r.code)}};
  } else if (r.kind == TraceKind::phase) {
    out = {{"phase", name_of(kPhaseNames, r.c)},
           {"client", address_text(r)},
           {"server_port", r.b & 0xffffU},
           {"error", error_of(r.code)}};
  } else if (r.kind == TraceKind::icmp) {
    out = {{"error", error_of(r.code)},
           {"type", r.b >> 8},
           {"code", r.b & 0xffU},
           {"seq", r.a},
           {"mtu", r.d},
           {"mss", r.c}};
  } else if (r.kind == TraceKind::handling) {
    out = {{"handling", name_of(kHandlingNames, r.a)}};
  } else {
    out = {{"code", r.code}, {"a", r.a}, {"b", r.b}, {"c", r.c}, {"d", r.d}};
  }
  return out;
}

Error malformed(const char* what) {
  return {ErrorCode::bad_argument, std::string("this is no trace of Sluice, or one that was cut: ") + what};
}

}  // namespace

Result<TraceFile> read_trace(std::string_view bytes) {
  TraceFile file;
  std::map<std::uint32_t, std::uint64_t> oldest_of;  // by worker
  if (bytes.empty()) return std::unexpected(malformed("it is empty"));
  while (!bytes.empty()) {
    TraceHeader header;
    if (bytes.size() < sizeof header) return std::unexpected(malformed("its header is not whole"));
    std::memcpy(&header, bytes.data(), sizeof header);
    bytes.remove_prefix(sizeof header);
    const bool is_ring = header.magic == TraceHeader::kRing;
    if ((!is_ring && header.magic != TraceHeader::kSection) || header.record_bytes != sizeof(TraceRecord))
      return std::unexpected(malformed("it begins otherwise"));
    if (header.records > bytes.size() / sizeof(TraceRecord)) return std::unexpected(malformed("records are missing"));
    const std::uint64_t oldest = header.next - std::min(header.next, header.records);
    const auto known = oldest_of.emplace(header.worker, oldest).first;
    known->second = std::min(known->second, oldest);
    // The oldest of a full ring may be the one that was being overwritten.
    const std::uint64_t held = is_ring ? std::min(header.next, header.records) : header.records;
    for (std::uint64_t i = is_ring && held == header.records ? 1 : 0; i < held; ++i) {
      TraceEntry entry{.record = {}, .wall_ns = 0, .worker = header.worker, .number = header.next - held + i};
      const std::uint64_t at = is_ring ? entry.number % header.records : i;
      std::memcpy(&entry.record, bytes.data() + at * sizeof entry.record, sizeof entry.record);
      entry.wall_ns = header.wall_ns + (entry.record.time_ns - header.monotonic_ns);
      if (entry.record.kind == TraceKind::none) continue;
      file.newest_ns = std::max(file.newest_ns, entry.wall_ns);
      file.entries.push_back(entry);
    }
    if (!is_ring) file.newest_ns = std::max(file.newest_ns, header.wall_ns);
    bytes.remove_prefix(header.records * sizeof(TraceRecord));
  }
  for (const auto& [worker, oldest] : oldest_of) file.overwritten += oldest;
  std::ranges::sort(file.entries, {}, [](const TraceEntry& entry) {
    return std::tuple(entry.record.time_ns, entry.worker, entry.number);
  });
  return file;
}

Result<std::set<TraceKind>> parse_kinds(const std::string& text) {
  std::set<TraceKind> kinds;
  for (std::string_view rest = text; !rest.empty();) {
    const auto comma = std::min(rest.find(','), rest.size());
    const auto* found = std::ranges::find(kTraceKindNames, rest.substr(0, comma));
    if (found == std::end(kTraceKindNames)) {
      std::string known;
      for (std::size_t i = 1; i < std::size(kTraceKindNames); ++i)
        known += (i == 1 ? "" : ", ") + std::string(kTraceKindNames[i]);
      return fail(ErrorCode::bad_argument, "--kind takes one or more, with commas between, of " + known);
    }
    kinds.insert(static_cast<TraceKind>(found - kTraceKindNames));
    rest.remove_prefix(std::min(comma + 1, rest.size()));
  }
  return kinds;
}

std::vector<TraceEntry> pick(const TraceFile& file, const TraceFilter& filter) {
  std::vector<TraceEntry> out;
  for (const TraceEntry& entry : file.entries)
    if ((filter.session == 0 || entry.record.session == filter.session) && entry.wall_ns >= filter.since_ns &&
        (filter.kinds.empty() || filter.kinds.contains(entry.record.kind)))
      out.push_back(entry);
  if (filter.newest != 0 && out.size() > filter.newest)
    out.erase(out.begin(), out.end() - static_cast<std::ptrdiff_t>(filter.newest));
  return out;
}

Json trace_json(const TraceEntry& entry) {
  const TraceRecord& r = entry.record;
  Json out = {{"wall_ns", entry.wall_ns},
              {"worker", entry.worker},
              {"session", r.session == 0 ? Json(nullptr) : Json(format_session_id(r.session))},
              {"leg", name_of(kLegNames, static_cast<std::size_t>(r.leg))},
              {"kind", kind_name(r.kind)}};
  out.update(numbers(r));
  return out;
}

std::string trace_line(const TraceEntry& entry) {
  const TraceRecord& r = entry.record;
  std::string out = fmt::format("{}  {:<16}  {:<6}  {:<14}", time_text(entry.wall_ns),
                                r.session == 0 ? "-" : format_session_id(r.session),
                                name_of(kLegNames, static_cast<std::size_t>(r.leg)), kind_name(r.kind));
  const Json told = numbers(r);
  for (const auto& [key, value] : told.items())
    if (!(key == "error" && value == "ok"))
      out += fmt::format(" {} {}", key, value.is_string() ? value.get<std::string>() : value.dump());
  if (const auto why = reason_of(r); why != ErrorCode::ok) out += fmt::format(" ({})", error_text(why));
  return out + "\n";
}

}  // namespace sluice::cli
