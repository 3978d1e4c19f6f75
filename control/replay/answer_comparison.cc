// See answer_comparison.h.
#include "control/replay/answer_comparison.h"

#include <algorithm>
#include <utility>

namespace sluice::control {
namespace {

constexpr std::size_t kMostDifferences = 5;
constexpr std::size_t kMostShownBytes = 160;
constexpr std::string_view kHexMark = "\\x";

// A command's tag is in capitals, which few columns are.
bool is_tag(std::string_view text) {
  return !text.empty() &&
         std::ranges::all_of(text, [](char c) { return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == ' '; });
}

std::string excerpt(std::string_view text) {
  std::string out(text.substr(0, kMostShownBytes));
  std::ranges::replace_if(out, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }, '.');
  return out + (text.size() > kMostShownBytes ? "…" : "");
}

std::string recorded_text(const RecordedValue& value) {
  if (value.item == Item::null) return "NULL";
  if (value.item != Item::list) return std::string(value.bytes);
  std::string out = "{";
  for (const RecordedItem& element : value.elements)
    out.append(out.size() > 1 ? "," : "").append(element.item == Item::null ? "NULL" : element.bytes);
  return out + "}";
}

bool has_text(std::string_view body) {
  RecordedItems items(body);
  for (; items.at() != nullptr; items.pass())
    if (items.is(Item::text)) return true;
  return false;
}

// A bytea with bytea_output = escape, of which some bytes are written as numbers.
bool is_escaped(std::string_view bytea) {
  return bytea.find('\\') != std::string_view::npos && !bytea.starts_with(kHexMark);
}

bool has_escaped(std::string_view value, std::uint32_t type) {
  constexpr std::uint32_t kBytea = 17;
  constexpr std::uint32_t kArrayOfBytea = 1001;
  if (type != kArrayOfBytea) return type == kBytea && is_escaped(value);
  const auto elements = array_elements(value, ',');
  return !elements || std::ranges::any_of(*elements, [](const auto& one) { return one && is_escaped(*one); });
}

}  // namespace

void ValuesCompared::add(const ValuesCompared& other) {
  values += other.values;
  masked += other.masked;
  unread += other.unread;
  rows += other.rows;
  differing += other.differing;
}

AnswerComparison::AnswerComparison(std::string_view body, PostgresHead head, bool is_masked, const Redactor& redactor,
                                   ValuesCompared& out)
    : items_(body),
      head_(std::move(head)),
      has_end_(has_text(body)),
      is_masked_(is_masked),
      redactor_(redactor),
      out_(out) {}

std::string AnswerComparison::reported() {
  const std::string message(items_.is(Item::text, kReportHead - 1) ? items_.at(kReportHead - 1)->bytes : "");
  return std::string(items_.at(2)->bytes) + " " + message;
}

void AnswerComparison::pass_notices() {
  while (is_report(items_, Report::notice)) pass_report(items_);
}

bool AnswerComparison::is_full() const {
  return out_.differences.size() >= kMostDifferences;
}

void AnswerComparison::differ(const std::string& where, std::string_view recorded, std::string_view shown) {
  ++out_.differing;
  if (!is_full()) out_.differences.push_back({where, excerpt(recorded), excerpt(shown)});
}

void AnswerComparison::differ_beyond(const std::string& where, std::string_view shown) {
  ++beyond_;
  differ(where, "", shown);
}

void AnswerComparison::give_up(std::string why) {
  ++out_.differing;
  out_.differences.push_back({"the rest", "", std::move(why)});
}

// Both are there; `shown` may be shown.
void AnswerComparison::note(ValueMatch match, const std::string& where, std::string_view recorded,
                            std::string_view shown) {
  ++out_.values;
  if (match == ValueMatch::masked) ++out_.masked;
  if (match == ValueMatch::unread) ++out_.unread;
  if (match == ValueMatch::different) differ(where, recorded, shown);
}

void AnswerComparison::compare_text(const std::string& where, std::string_view recorded, std::string_view replayed) {
  const ValueMatch match = match_text(recorded, replayed, is_masked_);
  note(match, where, recorded, match == ValueMatch::different ? redacted(replayed) : std::string());
}

// Also of the bytes that are printed in hex there, wherever that is: in arrays, rows, lines of COPY.
std::string AnswerComparison::redacted(std::string_view text) const {
  if (is_full()) return {};
  // What begins in the part that is shown ends before; in hex each byte has two digits.
  text = text.substr(0, kMostShownBytes + 2 * (redactor_.max_width() + kHexMark.size()));
  std::string out = redactor_.redact(text);
  for (std::size_t at = text.find(kHexMark); at != std::string_view::npos; at = text.find(kHexMark, at)) {
    at += kHexMark.size();
    const std::string bytes = bytes_of_hex(text.substr(at));
    const std::string shown = redactor_.redact(bytes);
    for (std::size_t i = 0; i < bytes.size(); ++i)
      if (shown[i] != bytes[i]) out.replace(at + 2 * i, 2, "**");
    at += 2 * bytes.size();
  }
  return out;
}

std::string AnswerComparison::shown_value(std::optional<std::string_view> value, std::size_t column) const {
  if (!value) return "NULL";
  if (is_full()) return {};
  const bool is_hidden =
      column < columns_.size() && (columns_[column].is_hidden || has_escaped(*value, columns_[column].type));
  return is_hidden ? std::string(std::min(value->size(), kMostShownBytes), '*') : redacted(*value);
}

std::string AnswerComparison::shown_row(const Row& values) const {
  std::string out;
  for (std::size_t i = 0; i < values.size() && out.size() <= kMostShownBytes && !is_full(); ++i)
    out += (i == 0 ? "" : " | ") + shown_value(values[i], i);
  return out;
}

void AnswerComparison::columns(const std::vector<ReplayedColumn>& columns, bool is_told) {
  pass_copied();
  rows_ = 0;
  columns_.clear();
  if (is_told) pass_notices();
  for (const ReplayedColumn& column : columns) {
    columns_.push_back(
        {.type = column.type, .is_hidden = redactor_.hides_column(column.name, column.type, column.attribute)});
    if (!is_told) continue;
    const std::string where = "column " + std::to_string(columns_.size());
    if (!items_.is(Item::text)) {
      differ(where, "", redacted(column.name));
      continue;
    }
    compare_text(where, items_.at()->bytes, column.name);
    items_.pass();
  }
  for (; is_told && items_.is(Item::text) && !is_tag(items_.at()->bytes) && !is_report(items_, Report::error);
       items_.pass())
    differ("a column", items_.at()->bytes, "");
}

bool AnswerComparison::rows_are_over() {
  pass_notices();
  if (items_.is(Item::left_out) && rows_left_out_ == items_.at()->length) {
    items_.pass();
    rows_left_out_ = 0;
    pass_notices();
  }
  return items_.at() == nullptr || items_.is(Item::text);
}

void AnswerComparison::left_out_row(const std::string& where, const Row& values) {
  if (rows_left_out_ == items_.at()->length) return differ_beyond(where, shown_row(values));
  ++rows_left_out_;
  ++out_.rows;
}

void AnswerComparison::row(const Row& values) {
  const std::string where = "row " + std::to_string(++rows_);
  if (rows_are_over()) return differ_beyond(where, shown_row(values));
  if (items_.is(Item::left_out)) return left_out_row(where, values);
  std::size_t i = 0;
  for (auto recorded = items_.take_value(); recorded; recorded = items_.take_value(), ++i) {
    const std::string value = where + ", value " + std::to_string(i + 1);
    if (i >= values.size()) {
      differ(value, recorded_text(*recorded), "");
      continue;
    }
    const ValueKind kind{.type = i < columns_.size() ? columns_[i].type : 0,
                         .is_binary = head_.has_binary(static_cast<std::uint32_t>(i + 1))};
    const ValueMatch match = match_value(*recorded, values[i], kind, is_masked_);
    const bool is_shown = match == ValueMatch::different && !is_full();
    note(match, value, is_shown ? recorded_text(*recorded) : "", is_shown ? shown_value(values[i], i) : "");
  }
  for (; i < values.size(); ++i) differ(where + ", value " + std::to_string(i + 1), "", shown_value(values[i], i));
  if (items_.is(Item::row)) items_.pass();
}

// What the record has of the data, if it is values, as a server sends it.
std::string AnswerComparison::take_binary_copy() {
  BinaryCopy copy;
  std::string out;
  copy.begin(out);
  for (items_.pass(); items_.at() != nullptr && BinaryCopy::is_of_copy(items_.at()->item); items_.pass())
    copy.take(*items_.at(), out);
  if (!copy.finish(out)) out.clear();
  return out;
}

// A row of text is as many lines as came; in the binary format, as many bytes.
void AnswerComparison::copied(std::string_view bytes) {
  if (!std::exchange(in_copy_, true)) {
    pass_notices();
    rows_ = 0;
    copy_left_ = items_.is(Item::text) ? items_.at()->bytes : std::string_view();
    if (copy_left_ == BinaryCopy::kSignature && bytes.starts_with(BinaryCopy::kSignature))
      copy_left_ = binary_copy_ = take_binary_copy();
  }
  const std::string where = "COPY, row " + std::to_string(++rows_);
  if (copy_left_.empty()) return differ_beyond(where, redacted(bytes));
  std::size_t size = bytes.size();
  if (bytes.ends_with('\n')) {
    size = 0;
    for (auto lines = std::ranges::count(bytes, '\n'); lines > 0 && size < copy_left_.size(); --lines)
      size = std::min(copy_left_.find('\n', size), copy_left_.size() - 1) + 1;
  }
  const std::string_view recorded = copy_left_.substr(0, size);
  copy_left_.remove_prefix(recorded.size());
  compare_text(where, recorded, bytes);
}

void AnswerComparison::pass_copied() {
  if (!std::exchange(in_copy_, false)) return;
  if (!copy_left_.empty()) differ("COPY, the rest", copy_left_, "");
  copy_left_ = {};
  if (binary_copy_.empty() && items_.is(Item::text)) items_.pass();
  binary_copy_.clear();
}

void AnswerComparison::pass_rows() {
  std::uint64_t missing = 0;
  for (; items_.at() != nullptr && !items_.is(Item::text); items_.pass()) {
    if (items_.is(Item::row)) ++missing;
    if (items_.is(Item::left_out)) missing += items_.at()->length - std::exchange(rows_left_out_, 0);
  }
  if (missing > 0) differ("rows", std::to_string(missing) + " more", "");
}

void AnswerComparison::tag(std::string_view tag) {
  pass_copied();
  pass_notices();
  pass_rows();
  pass_notices();
  rows_ = 0;
  if (is_report(items_, Report::error)) {
    differ("the end", reported(), redacted(tag));
    pass_report(items_);
  } else if (items_.is(Item::text)) {
    compare_text("the end", items_.at()->bytes, tag);
    items_.pass();
  } else {
    differ_beyond("the end", redacted(tag));
  }
}

// Texts of errors are in the server's language, and each version has its own.
void AnswerComparison::error(std::string_view sqlstate, std::string_view message) {
  const std::string code = is_sqlstate(sqlstate) ? redacted(sqlstate) : "no SQLSTATE";
  const std::string told = code + " " + redacted(message);
  pass_copied();
  pass_notices();
  pass_rows();
  pass_notices();
  rows_ = 0;
  if (is_report(items_, Report::error)) {
    note(items_.at(2)->bytes == sqlstate ? ValueMatch::same : ValueMatch::different, "the end", reported(), told);
    return pass_report(items_);
  }
  differ("the end", "no error", told);
  while (items_.at() != nullptr) items_.pass();  // an error ends it all
}

void AnswerComparison::finish() {
  pass_copied();
  pass_notices();
  if (items_.at() != nullptr) differ("the end", items_.is(Item::text) ? items_.at()->bytes : "more values", "");
}

}  // namespace sluice::control
