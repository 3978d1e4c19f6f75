// Sessions and replays. See print.h.
#include <fmt/format.h>

#include "control/cli/fields.h"
#include "control/cli/print.h"
#include "control/cli/text.h"
#include "segment/values_text.h"

namespace sluice::cli {
namespace {

std::string error_of(const Json& json) {
  const std::string error = text_of(json, "error");
  return error.empty() || error == "ok" ? "-" : error;
}

// ", held 12.3 s by limit/orders/pieces, passed, alice: looked at it"
std::string held_text(const Json& held) {
  const double seconds = static_cast<double>(number_of(held, "waited_ns")) / 1e9;
  std::string out =
      text_of(held, "hold").empty()
          ? fmt::format(", would be held by {}, {}", text_of(held, "cause"), text_of(held, "ending"))
          : fmt::format(", held {:.1f} s by {}, {}", seconds, text_of(held, "cause"), text_of(held, "ending"));
  if (const std::string by = text_of(held, "by"); !by.empty()) out += ", " + by;
  if (const std::string reason = text_of(held, "reason"); !reason.empty()) out += ": " + reason;
  return out;
}

// ", score 70 above 50 (behaviour/requests 40, local/wipe 30)"
std::string score_text(const Json& score) {
  std::string out = fmt::format(", score {}", number_of(score, "total"));
  if (const auto above = number_of(score, "above"); above != 0) out += fmt::format(" above {}", above);
  std::string parts;
  for (const auto& [name, points] : score["parts"].items())
    parts += fmt::format("{}{} {}", parts.empty() ? "" : ", ", printable(name), points.dump());
  return out + " (" + parts + ")";
}

std::string verdict_line(const Json& message, bool has_values) {
  std::string out = text_of(message, "verdict");
  if (is_true(message, "observed")) out += " (observed only)";
  for (const auto& [rule, count] : message["hits"].items())
    out += fmt::format(", {} ×{}", printable(rule), count.dump());
  if (message.contains("limit")) out += ", limit " + printable(text_of(message, "limit"));
  if (message.contains("score")) out += score_text(message["score"]);
  if (message.contains("held")) out += held_text(message["held"]);
  if (error_of(message) != "-") out += ", " + error_of(message);
  if (const auto ns = number_of(message, "duration_ns"); ns != 0 && !has_values) out += ", " + human_duration(ns);
  if (is_true(message, "synthesized") && !has_values) out += ", answered by Sluice";
  if (!is_true(message, "ended"))
    out += ", under way";
  else if (!is_true(message, "complete"))
    out += ", cut short";
  return out;
}

// "12.4 ms  in transaction"; empty where nothing is known.
std::string answer_text(const Json& message) {
  std::string out;
  if (const auto ns = number_of(message, "duration_ns"); ns != 0) out = human_duration(ns);
  const std::string transaction = text_of(message, "transaction");
  const char* const between = out.empty() ? "" : "  ";
  if (transaction == "in_transaction") out.append(between).append("in transaction");
  if (transaction == "failed") out.append(between).append("in failed transaction");
  return out;
}

// Behind the last line, which is what a server says when it is done.
std::string with_answer(std::string lines, const Json& message) {
  const std::string answer = answer_text(message);
  if (answer.empty()) return lines;
  if (!is_true(message, "body_shown_whole") || lines.empty()) return lines + "    " + answer + "\n";
  lines.pop_back();
  return lines + "  " + answer + "\n";
}

std::string values_message(std::string out, const Json& message) {
  std::string lines = indented(bytes_of(message["head"]));
  lines += indented(printable(values_text(raw_bytes_of(message["body"]))));
  const std::uint64_t bytes = number_of(message, "body_bytes");
  if (!is_true(message, "body_shown_whole")) lines += fmt::format("    … {} in all\n", human_bytes(bytes));
  out += with_answer(std::move(lines), message);
  if (is_true(message, "body_has_holes")) out += "    (parts of the body are not on the record)\n";
  return out;
}

std::string message_text(const char* name, const Json& message, bool has_values) {
  if (!message.is_object()) return fmt::format("  {}: not on the record\n", name);
  std::string out =
      fmt::format("  {} {} UTC: {}\n", name, human_time(text_of(message, "begin")), verdict_line(message, has_values));
  if (has_values) return values_message(std::move(out), message);
  for (const Json& head : message.value("informational", Json::array())) out += indented(bytes_of(head));
  out += indented(bytes_of(message["head"]));
  const std::uint64_t bytes = number_of(message, "body_bytes");
  if (bytes == 0) return out;
  out += indented(bytes_of(message["body"]));
  if (!is_true(message, "body_shown_whole")) out += fmt::format("    … {} in all\n", human_bytes(bytes));
  if (is_true(message, "body_has_holes")) out += "    (parts of the body are not on the record)\n";
  return out;
}

std::string body_difference(const Json& body) {
  std::string out = fmt::format("    body: recorded {} bytes, replayed {} bytes, different from byte {}\n",
                                number_of(body, "recorded_bytes"), number_of(body, "replayed_bytes"),
                                number_of(body, "first_difference"));
  const std::string recorded = bytes_of(body["recorded"]);
  const std::string replayed = bytes_of(body["replayed"]);
  if (!recorded.empty()) out += indented(recorded, "      - ");
  if (!replayed.empty()) out += indented(replayed, "      + ");
  return out;
}

std::string value_differences(const Json& values) {
  std::string out;
  for (const Json& one : values["differences"])
    out += fmt::format("    {}\n      - {}\n      + {}\n", text_of(one, "where"), bytes_of(one["recorded"]),
                       bytes_of(one["replayed"]));
  const std::uint64_t more = number_of(values, "differing") - values["differences"].size();
  if (more > 0) out += fmt::format("    … {} more differences\n", more);
  return out;
}

std::string replayed_unit(const Json& unit) {
  const std::string outcome = text_of(unit, "outcome");
  std::string out = fmt::format("{:>6}  {:<9}  {}\n", number_of(unit, "unit"), outcome, text_of(unit, "request"));
  if (const std::string reason = text_of(unit, "reason"); !reason.empty()) out += "    " + reason + "\n";
  if (outcome != "different") return out;
  if (unit.contains("values")) return out + value_differences(unit["values"]);
  const Json& status = unit["status"];
  if (number_of(status, "recorded") != number_of(status, "replayed"))
    out += fmt::format("    status\n      - {}\n      + {}\n", number_of(status, "recorded"),
                       number_of(status, "replayed"));
  for (const Json& header : unit["headers"]) {
    out += fmt::format("    header {}\n", text_of(header, "name"));
    if (const std::string value = text_of(header, "recorded"); !value.empty()) out += "      - " + value + "\n";
    if (const std::string value = text_of(header, "replayed"); !value.empty()) out += "      + " + value + "\n";
  }
  if (is_true(unit["body"], "differs")) out += body_difference(unit["body"]);
  return out;
}

}  // namespace

std::string sessions_text(const Json& list) {
  Table table({"SESSION", "OPENED (UTC)", "SERVICE", "PRINCIPAL", "CLIENT", "REQUESTS", "IN", "OUT", "VERDICT",
               "MASKED", "HITS", "STATE", "ERROR"});
  for (const Json& s : list["sessions"])
    table.add({text_of(s, "id"), human_time(text_of(s, "opened")), text_of(s, "service"), principal_of(s),
               text_of(s, "client"), std::to_string(number_of(s, "requests")),
               human_bytes(number_of(s, "request_bytes")), human_bytes(number_of(s, "response_bytes")),
               text_of(s, "verdict"), std::to_string(number_of(s, "masked")), std::to_string(number_of(s, "hits")),
               is_true(s, "closed") ? "closed" : "open", error_of(s)});
  std::string out = table.empty() ? "no sessions\n" : table.text();
  if (!is_true(list, "index_complete")) out += "(the archive is still being read; there are more)\n";
  return out;
}

std::string session_text(const Json& s) {
  std::string out = fmt::format(
      "session     {}\nservice     {} ({})\nprincipal   {}\nclient      {}\nserver      {}\nopened      {} UTC\n"
      "last        {} UTC, {}\nrequests    {}, {} in, {} out\nverdict     {}, {} messages masked, {} denied, {} "
      "matches\n",
      text_of(s, "id"), text_of(s, "service"), text_of(s, "class"), principal_of(s), text_of(s, "client"),
      text_of(s, "server"), human_time(text_of(s, "opened")), human_time(text_of(s, "last")),
      is_true(s, "closed") ? "closed" : "open", number_of(s, "requests"), human_bytes(number_of(s, "request_bytes")),
      human_bytes(number_of(s, "response_bytes")), text_of(s, "verdict"), number_of(s, "masked"),
      number_of(s, "denied"), number_of(s, "hits"));
  if (error_of(s) != "-") out += "error       " + error_of(s) + "\n";
  if (number_of(s, "missing_records") > 0)
    out += fmt::format("missing     {} records were left out (best_effort)\n", number_of(s, "missing_records"));
  const bool has_values = text_of(s, "protocol") == "postgres";
  for (const Json& unit : s["units"]) {
    out += fmt::format("\nunit {}\n", number_of(unit, "unit"));
    out += message_text("request ", unit["request"], has_values);
    out += message_text("response", unit["response"], has_values);
  }
  if (is_true(s, "has_more")) out += "\n(more units: --from and --limit)\n";
  if (const std::string problem = text_of(s, "problem"); !problem.empty())
    out += "\nthe record is damaged: " + problem + "\n";
  return out;
}

std::string replay_text(const Json& report) {
  std::string out;
  for (const Json& unit : report["units"]) out += replayed_unit(unit);
  const std::uint64_t all = number_of(report, "same") + number_of(report, "different") + number_of(report, "skipped") +
                            number_of(report, "failed");
  if (all > report["units"].size()) out += fmt::format("… {} more units\n", all - report["units"].size());
  out += fmt::format("\nreplayed to {}: {} same, {} different, {} skipped, {} failed\n", text_of(report, "to"),
                     number_of(report, "same"), number_of(report, "different"), number_of(report, "skipped"),
                     number_of(report, "failed"));
  if (report.contains("values")) {
    const Json& values = report["values"];
    out += fmt::format("values compared: {}, {} of them masked on the record", number_of(values, "compared"),
                       number_of(values, "masked"));
    if (const auto unread = number_of(values, "unread"); unread > 0)
      out += fmt::format(", {} in a format that is not read", unread);
    if (const auto rows = number_of(values, "rows_left_out"); rows > 0)
      out += fmt::format("; {} rows counted, which the record leaves out", rows);
    return out + "\n";
  }
  std::string ignored;
  for (const Json& name : report["ignored_headers"]) ignored += (ignored.empty() ? "" : ", ") + name.get<std::string>();
  out += fmt::format("ignored headers: {}\n", ignored);
  return out;
}

}  // namespace sluice::cli
