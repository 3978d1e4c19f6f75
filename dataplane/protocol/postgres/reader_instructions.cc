// What the numbers in a message mean, and what they may be: the part of the reader that looks at no input.
#include "dataplane/protocol/postgres/reader.h"

namespace sluice::postgres {
namespace {

constexpr std::uint8_t kColumnBytes = 18;
constexpr std::uint32_t kNull = 0xffffffff;
constexpr std::uint32_t kLeastKeyBytes = 4;

bool is_format(std::uint32_t code) {
  return code == kTextFormat || code == kBinaryFormat;
}

std::uint8_t size_of(Op op) {
  switch (op) {
    case Op::number8:
    case Op::coded_texts:
      return 1;
    case Op::number16:
    case Op::count16:
      return 2;
    case Op::column:
      return kColumnBytes;
    default:
      return 4;
  }
}

}  // namespace

// Sets up what is done next; looks at no byte, so that what is wrong shows at the same place however the stream is cut.
ErrorCode Reader::begin_instruction() {
  switch (at_->op) {
    case Op::end:
      return ErrorCode::postgres_trailing_bytes;  // with none left it is the message's end
    case Op::again:
      list_again();
      return ErrorCode::ok;
    case Op::text:
      begin_field(false, 0);
      doing_ = Doing::text;
      return ErrorCode::ok;
    case Op::rest:
      return begin_counted(left_);
    case Op::texts:
    case Op::pairs:
      if (left_ == 0) return ErrorCode::postgres_missing_nul;
      doing_ = is_value_ ? Doing::text : Doing::choice;
      if (is_value_) begin_field(false, 0);
      return ErrorCode::ok;
    case Op::coded_texts:
      if (left_ == 0) return ErrorCode::postgres_missing_nul;
      begin_number(1, Number::code);
      return ErrorCode::ok;
    default:
      break;
  }
  const std::uint8_t size = size_of(at_->op);
  if (left_ < size) return ErrorCode::postgres_truncated_message;
  begin_number(size, at_->op == Op::sized ? Number::length : Number::instruction);
  return ErrorCode::ok;
}

void Reader::begin_number(std::uint8_t size, Number what) {
  wanted_ = size;
  gathered_ = 0;
  number_ = what;
  doing_ = Doing::number;
}

ErrorCode Reader::begin_counted(std::uint32_t length) {
  if (at_->field == FieldKind::cancel_key && (length < kLeastKeyBytes || length > kMostKeyBytes))
    return ErrorCode::postgres_bad_key;
  begin_field(true, length);
  field_left_ = length;
  doing_ = Doing::counted;
  return ErrorCode::ok;
}

void Reader::begin_field(bool length_known, std::uint32_t length) {
  field_.kind = field_kind();
  if (field_.kind != FieldKind::error_text) field_.code = 0;  // there it stands before its text
  field_.first = field_.last = field_.null = false;
  field_.length_known = length_known;
  field_.length = length;
  field_.index = index_;
  field_begun_ = false;
}

FieldKind Reader::field_kind() const {
  if (is_value_) return FieldKind::startup_value;
  if (at_->field == FieldKind::statement_name && values_.target == 'P' && at_[1].op == Op::end)
    return FieldKind::portal_name;  // of Describe and Close
  return at_->field;
}

ErrorCode Reader::take_number() {
  doing_ = Doing::instruction;
  switch (number_) {
    case Number::nul:
      text_done();
      return ErrorCode::ok;
    case Number::code:
      return take_code(raw_[0]);
    case Number::length:
      return take_length(load_be32(raw_.data()));
    case Number::instruction:
      break;
  }
  const Instruction& done = *at_++;
  switch (done.op) {
    case Op::number8:
      return take_slot(done.slot, raw_[0]);
    case Op::number16:
      return take_slot(done.slot, load_be16(raw_.data()));
    case Op::column:
      return take_column();
    case Op::count16:
      return take_count(done, load_be16(raw_.data()));
    case Op::count32:
      return take_count(done, load_be32(raw_.data()));
    default:
      return take_slot(done.slot, load_be32(raw_.data()));
  }
}

void Reader::text_done() {
  if (at_->op == Op::text) {
    ++at_;
    return;
  }
  if (at_->op != Op::pairs || is_value_) ++index_;
  if (at_->op == Op::pairs) is_value_ = !is_value_;
}

ErrorCode Reader::take_code(std::uint8_t code) {
  if (code == 0) {
    ++at_;
    return ErrorCode::ok;
  }
  field_.code = code;
  begin_field(false, 0);
  doing_ = Doing::text;
  return ErrorCode::ok;
}

ErrorCode Reader::take_length(std::uint32_t length) {
  if (length == kNull) {
    const ErrorCode error = begin_counted(0);
    field_.null = true;
    return error;
  }
  if (length > left_) return ErrorCode::postgres_bad_field_length;
  return begin_counted(length);
}

ErrorCode Reader::take_count(const Instruction& list, std::uint32_t count) {
  if (count > left_ / list.least) return ErrorCode::postgres_bad_count;
  // PostgreSQL: no format is text for all, one is for all, else each has its own.
  const std::size_t formats = values_.formats.size();
  if (list.slot == Slot::parameters && formats > 1 && formats != count) return ErrorCode::postgres_bad_count;
  if (list.slot == Slot::columns && count > limits_.columns) return ErrorCode::postgres_too_many_columns;
  values_.count = count;
  repeats_ = count;
  index_ = 0;
  list_ = at_;
  if (count > 0) return ErrorCode::ok;
  while (at_->op != Op::again) ++at_;
  ++at_;
  return ErrorCode::ok;
}

ErrorCode Reader::take_column() {
  const std::uint8_t* raw = raw_.data();
  const Column column{.table = load_be32(raw),
                      .attribute = load_be16(raw + 4),
                      .type = load_be32(raw + 6),
                      .type_size = load_be16(raw + 10),
                      .type_modifier = load_be32(raw + 12),
                      .format = load_be16(raw + 16)};
  if (!is_format(column.format)) return ErrorCode::postgres_bad_format_code;
  values_.columns.push_back(column);
  return ErrorCode::ok;
}

ErrorCode Reader::take_slot(Slot slot, std::uint32_t value) {
  const auto byte = static_cast<std::uint8_t>(value);
  const auto code = static_cast<std::uint16_t>(value);
  switch (slot) {
    case Slot::protocol:
      values_.protocol = value;
      break;
    case Slot::authentication:
      values_.authentication = value;
      at_ = authentication_program(value);
      break;
    case Slot::process:
      values_.process = value;
      break;
    case Slot::max_rows:
      values_.max_rows = value;
      break;
    case Slot::function:
      values_.function = value;
      break;
    case Slot::target:
      if (byte != 'S' && byte != 'P') return ErrorCode::postgres_bad_target;
      values_.target = byte;
      break;
    case Slot::transaction:
      if (byte != 'I' && byte != 'T' && byte != 'E') return ErrorCode::postgres_bad_transaction_status;
      values_.transaction = byte;
      break;
    case Slot::type:
      values_.types.push_back(value);
      break;
    case Slot::format:
    case Slot::bind_result_format:
    case Slot::copy_format:
    case Slot::result_format:
      if (!is_format(value)) return ErrorCode::postgres_bad_format_code;
      if (slot == Slot::format) {
        values_.formats.push_back(code);
      } else if (slot == Slot::bind_result_format) {
        values_.result_formats.push_back(code);
      } else {
        values_.format = code;
      }
      break;
    default:
      break;
  }
  return ErrorCode::ok;
}

}  // namespace sluice::postgres
