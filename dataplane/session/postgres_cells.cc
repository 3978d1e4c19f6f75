// Values that a client or a server sends with their lengths: cells of rows, bound values, arguments and results of
// functions. What each becomes in the content, and which are hidden for the column that they stand in.
#include <algorithm>
#include <limits>
#include <utility>

#include "dataplane/session/postgres_relay.h"

namespace sluice::session {

using postgres::FieldKind;

// Before the first byte of one is labelled.
void PostgresRelay::begin_cell() {
  Side& in = response_;
  const postgres::Field& field = in.reader.field();
  PlannedCell cell;
  if (field.kind == FieldKind::cell) {
    const std::uint32_t cells = in.reader.values().count;
    if (field.index == 0) plan_.make(conversation_, in.message.unit(), cells);
    if (!plan_.cells().empty()) cell = plan_.cells()[field.index];
  }
  if (field.null) return in.held.mark(Item::null, 0);
  if (cell.coded != nullptr) return in.value.begin(cell.type, field.length, cell.hidden_by);
  in.held.mark(Item::value, field.length);
  if (cell.hidden_by.empty()) return;
  const std::uint64_t begin = in.held.content_end();
  in.message.hide(cell.hidden_by, begin, begin + field.length, cell.blank);
}

// The same for rows that were written as `plan_` says.
void PostgresRelay::label_decoded(const RowsSize& rows, const DecodedRowsWriter& decoded) {
  Side& in = response_;
  const std::uint64_t begin = in.held.content_end();
  in.held.label_rows(rows, decoded.rows());
  for (const DecodedRowsWriter::HiddenValue& value : decoded.hidden()) {
    const PlannedCell& cell = plan_.cells()[value.cell];
    in.message.hide(cell.hidden_by, begin + value.begin, begin + value.end, cell.blank);
  }
}

// Before a message of an answer: is it a row beyond those that are recorded, or does it come behind such. False: a
// limit ended the answer.
bool PostgresRelay::count_row(Context& context, const postgres::Message& message) {
  const bool is_row = message.kind == postgres::MessageKind::data_row;
  const bool is_copied = message.kind == postgres::MessageKind::copy_data;
  const std::uint64_t bytes = 1 + std::uint64_t{message.length};
  if ((is_row || is_copied) && !admits_rows(context, 1, bytes)) return false;
  if (is_row) {
    count_rows(1, bytes);
    return true;
  }
  if (is_copied) add_rows(1, bytes);
  tell_left_out();
  return true;
}

// How many of the rows that come now are recorded, or are not, like the next of them, and are within all limits.
std::uint32_t PostgresRelay::rows_alike() const {
  const std::uint64_t recorded = response_.message.unit().service->recorded_rows;
  const std::uint64_t rows = results_.rows();
  const std::uint64_t alike = std::min(rows < recorded ? recorded - rows : ~std::uint64_t{0}, results_.rows_left());
  return static_cast<std::uint32_t>(std::min<std::uint64_t>(alike, std::numeric_limits<std::uint32_t>::max()));
}

// No more than rows_alike(), which the limits admit.
void PostgresRelay::count_rows(std::uint32_t rows, std::uint64_t bytes) {
  Message& message = response_.message;
  const bool is_recorded = results_.rows() < message.unit().service->recorded_rows;
  add_rows(rows, bytes);
  if (is_recorded) return;
  if (left_out_rows_ == 0) message.leave_out_from(response_.held.content_end());
  left_out_rows_ += rows;
}

void PostgresRelay::tell_left_out() {
  if (left_out_rows_ == 0) return;
  response_.message.record_from(response_.held.content_end());
  response_.held.mark(Item::left_out, std::exchange(left_out_rows_, 0));
}

// The same of a client's.
void PostgresRelay::begin_bound() {
  Side& in = request_;
  const postgres::Field& field = in.reader.field();
  if (field.null) return in.held.mark(Item::null, 0);
  if (const std::uint32_t type = bound_type(field); CodedValue::reads(type))
    return in.value.begin(type, field.length, {});
  in.held.mark(Item::value, field.length);
}

// Bytes of a coded value. What a client sends is judged element by element, so that it makes no difference how it came.
void PostgresRelay::label_value(Context& context, Side& in, Bytes bytes) {
  do {
    bytes = bytes.subspan(in.value.label(in.held, in.message, bytes));
    if (&in == &request_ && in.value.awaits_element()) make_room(context, true);
  } while (in.value.active() && in.message.active() && !in.dead && !bytes.empty());
  in.held.label(RunKind::framing, bytes.size());  // of what was refused
}

// What a step of binary COPY data begins or ends.
std::optional<Item> PostgresRelay::copied_item(const postgres::CopyReader::Step& step) {
  using Kind = postgres::CopyReader::Kind;
  if (step.kind == Kind::null) return Item::null;
  if (step.kind == Kind::row_end) return Item::row;
  return step.kind == Kind::value && step.first ? std::optional(Item::value) : std::nullopt;
}

// Bytes of COPY data. What a client sends in binary is judged value by value, as above.
void PostgresRelay::label_copied(Context& context, Side& in, Bytes bytes) {
  using Kind = postgres::CopyReader::Kind;
  while (in.message.active() && !in.dead) {
    const bool is_request = &in == &request_;
    const postgres::CopyReader::Step step = in.copy.next(is_request ? within_window(bytes) : bytes);
    if (step.kind == Kind::more) break;
    bytes = bytes.subspan(step.bytes);
    const auto item = copied_item(step);
    const bool is_content = step.kind == Kind::text || step.kind == Kind::value;
    if (is_request && (item || is_content)) make_room(context, true);
    if (!is_request && in.held.run_count() > Held::kMaxRuns / 4) decide(context, false);
    if (in.dead) return;
    if (step.kind == Kind::begin) end_copied(in);
    if (item) in.held.mark(*item, step.length);
    if (item || is_content) in.is_open = is_content;
    in.held.label(is_content ? RunKind::content : RunKind::framing, step.bytes);
  }
  in.held.label(RunKind::framing, bytes.size());  // of what was refused
}

// What comes next is no part of the data: of a text, or of a value in a row that has not ended.
void PostgresRelay::end_copied(Side& in) {
  if (std::exchange(in.is_open, false)) in.held.mark(Item::text, 0);
}

// OID of a bound value in the binary format; 0 where nobody said it, and for text.
std::uint32_t PostgresRelay::bound_type(const postgres::Field& field) const {
  if (field.kind != FieldKind::parameter) return 0;
  const std::vector<std::uint16_t>& formats = request_.reader.values().formats;
  if (formats.empty()) return 0;
  const std::uint16_t format = formats.size() == 1 ? formats.front() : formats.at(field.index);
  const postgres::Statement* statement = conversation_.asking().statement.get();
  if (format != postgres::kBinaryFormat || statement == nullptr || field.index >= statement->types.size()) return 0;
  return statement->types[field.index];
}

}  // namespace sluice::session
