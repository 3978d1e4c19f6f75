// Live sessions as `ss -ti` would show them. See print.h.
#include <fmt/format.h>

#include "control/cli/fields.h"
#include "control/cli/print.h"
#include "control/cli/text.h"

namespace sluice::cli {
namespace {

constexpr std::uint64_t kNoThreshold = 0x3fffffff;  // no loss has set one yet

std::string milliseconds(std::uint64_t ns) {
  return fmt::format("{:.3g}", static_cast<double>(ns) / 1e6);
}

std::string duration(std::uint64_t ns) {
  const std::uint64_t seconds = ns / 1'000'000'000;
  if (seconds < 10) return fmt::format("{:.1f}s", static_cast<double>(ns) / 1e9);
  if (seconds < 120) return fmt::format("{}s", seconds);
  if (seconds < 7200) return fmt::format("{}m", seconds / 60);
  return seconds < 172'800 ? fmt::format("{}h", seconds / 3600) : fmt::format("{}d", seconds / 86'400);
}

// Of a connection that is not Sluice's own: what its segments tell.
std::string passing_text(const char* name, const Json& leg) {
  std::string out = fmt::format("  {} {:<11}", name, text_of(leg, "state"));
  for (const auto& [what, key] : {std::pair{"snd_wnd", "send_window_bytes"},
                                  {"rcv_wnd", "receive_window_bytes"},
                                  {"in_flight", "in_flight_bytes"},
                                  {"sent", "sent_bytes"},
                                  {"received", "received_bytes"},
                                  {"retrans", "retransmitted_segments"}})
    out += fmt::format(" {}:{}", what, number_of(leg, key));
  return out + "\n";
}

// What says something; what is 0 is left out, as `ss` does.
std::string leg_text(const char* name, const Json& leg) {
  std::string out = fmt::format("  {} {:<11}", name, text_of(leg, "state"));
  const auto number = [&](const char* key) { return number_of(leg, key); };
  const auto add = [&](const char* what, const char* key) {
    if (number(key) != 0) out += fmt::format(" {}:{}", what, number(key));
  };
  if (number("mss") == 0) return out + "\n";  // before its handshake
  out += fmt::format(" wscale:{},{}", number("send_window_scale"), number("receive_window_scale"));
  if (number("srtt_ns") != 0)
    out += fmt::format(" rtt:{}/{}ms", milliseconds(number("srtt_ns")), milliseconds(number("rttvar_ns")));
  out += fmt::format(" rto:{}ms", milliseconds(number("rto_ns")));
  add("backoff", "backoff");
  out += fmt::format(" mss:{},{} cwnd:{}", number("mss"), number("receive_mss"), number("cwnd_bytes"));
  if (number("ssthresh_bytes") < kNoThreshold) add("ssthresh", "ssthresh_bytes");
  if (is_true(leg, "in_recovery")) out += " recovery";
  out += fmt::format(" in_flight:{}", number("in_flight_bytes"));
  add("unacked", "unacked_segments");
  add("unsent", "unsent_bytes");
  out += fmt::format(" snd_wnd:{} rcv_wnd:{} sent:{} received:{}", number("send_window_bytes"),
                     number("receive_window_bytes"), number("sent_bytes"), number("received_bytes"));
  add("retrans", "retransmitted_segments");
  add("out_of_order", "out_of_order_segments");
  add("waiting_ooo", "out_of_order_bytes");
  add("unread", "readable_bytes");
  add("icmp", "network_errors");
  if (is_true(leg, "path_lowered")) out += " pmtu";
  if (is_true(leg, "timestamps")) out += " ts";
  if (is_true(leg, "ecn")) out += " ecn";
  add("ece", "congestion_echoes");
  if (const Json timer = leg.value("timer", Json()); timer.is_object())
    out += fmt::format(" timer:{},{}ms", text_of(timer, "name"), milliseconds(number_of(timer, "in_ns")));
  return out + "\n";
}

std::string flow_text(const Json& flow) {
  const std::string principal = text_of(flow, "principal");
  std::string out =
      fmt::format("{}  {}  {}  {} > {}  {} {} {}  age:{} idle:{} units:{}", text_of(flow, "session"),
                  text_of(flow, "service"), principal.empty() ? "-" : principal, text_of(flow, "client"),
                  text_of(flow, "server"), text_of(flow, "phase"), text_of(flow, "handling"), text_of(flow, "protocol"),
                  duration(number_of(flow, "age_ns")), duration(number_of(flow, "idle_ns")), number_of(flow, "units"));
  if (const std::string phase = text_of(flow, "unit_phase"); phase != "none") out += " in:" + phase;
  if (const auto held = number_of(flow, "held_request_bytes"); held != 0) out += fmt::format(" held_request:{}", held);
  if (const auto held = number_of(flow, "held_response_bytes"); held != 0)
    out += fmt::format(" held_response:{}", held);
  if (is_true(flow, "stalled")) out += " stalled";
  const auto leg = text_of(flow, "handling") == "terminated" ? leg_text : passing_text;
  return out + "\n" + leg("client", flow.value("client_leg", Json())) + leg("server", flow.value("server_leg", Json()));
}

}  // namespace

std::string flows_text(const Json& list) {
  std::string out;
  for (const Json& flow : list.value("flows", Json::array())) out += flow_text(flow);
  if (out.empty()) out = fmt::format("no live session matches; {} were looked at\n", number_of(list, "sessions"));
  if (is_true(list, "more")) out += "(there are more: narrow it down, or --limit)\n";
  return out;
}

}  // namespace sluice::cli
