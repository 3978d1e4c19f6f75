#include "dataplane/protocol/postgres/grammar.h"

#include <array>

namespace sluice::postgres {

constexpr Instruction kEnd{Op::end};
const Instruction kEmptyProgram[] = {kEnd};
const Instruction kStartupProgram[] = {{Op::pairs, FieldKind::startup_name}, kEnd};
const Instruction kCancelProgram[] = {
    {Op::number32, FieldKind::none, Slot::process}, {Op::rest, FieldKind::cancel_key}, kEnd};

namespace {

constexpr Instruction text(FieldKind field) {
  return {Op::text, field};
}
constexpr Instruction rest(FieldKind field) {
  return {Op::rest, field};
}
constexpr Instruction sized(FieldKind field) {
  return {Op::sized, field};
}
constexpr Instruction number(Op op, Slot slot) {
  return {op, FieldKind::none, slot};
}
constexpr Instruction count(std::uint8_t least, Slot slot = Slot::none, Op op = Op::count16) {
  return {op, FieldKind::none, slot, least};
}
constexpr Instruction kAgain{Op::again};
constexpr Instruction kFormat = number(Op::number16, Slot::format);
constexpr Instruction kType = number(Op::number32, Slot::type);
constexpr Instruction kProcess = number(Op::number32, Slot::process);

constexpr Instruction kQuery[] = {text(FieldKind::query_text), kEnd};
constexpr Instruction kParse[] = {
    text(FieldKind::statement_name), text(FieldKind::query_text), count(4), kType, kAgain, kEnd};
constexpr Instruction kBind[] = {text(FieldKind::portal_name),
                                 text(FieldKind::statement_name),
                                 count(2),
                                 kFormat,
                                 kAgain,
                                 count(4, Slot::parameters),
                                 sized(FieldKind::parameter),
                                 kAgain,
                                 count(2),
                                 number(Op::number16, Slot::bind_result_format),
                                 kAgain,
                                 kEnd};
// Whether it names a statement or a portal, its first byte says.
constexpr Instruction kTarget[] = {number(Op::number8, Slot::target), text(FieldKind::statement_name), kEnd};
constexpr Instruction kExecute[] = {text(FieldKind::portal_name), number(Op::number32, Slot::max_rows), kEnd};
constexpr Instruction kFunctionCall[] = {number(Op::number32, Slot::function),
                                         count(2),
                                         kFormat,
                                         kAgain,
                                         count(4, Slot::parameters),
                                         sized(FieldKind::argument),
                                         kAgain,
                                         number(Op::number16, Slot::result_format),
                                         kEnd};
constexpr Instruction kCopyData[] = {rest(FieldKind::copy_data), kEnd};
constexpr Instruction kCopyFail[] = {text(FieldKind::copy_error), kEnd};
constexpr Instruction kCredential[] = {rest(FieldKind::credential), kEnd};

constexpr Instruction kAuthentication[] = {number(Op::number32, Slot::authentication), kEnd};
constexpr Instruction kMechanisms[] = {{Op::texts, FieldKind::mechanism}, kEnd};
constexpr Instruction kChallenge[] = {rest(FieldKind::challenge), kEnd};
constexpr Instruction kBackendKey[] = {kProcess, rest(FieldKind::cancel_key), kEnd};
constexpr Instruction kSetting[] = {text(FieldKind::setting_name), text(FieldKind::setting_value), kEnd};
constexpr Instruction kNegotiateVersion[] = {number(Op::number32, Slot::protocol), count(1, Slot::none, Op::count32),
                                             text(FieldKind::protocol_option), kAgain, kEnd};
constexpr Instruction kReady[] = {number(Op::number8, Slot::transaction), kEnd};
constexpr Instruction kRowDescription[] = {
    count(19, Slot::columns), text(FieldKind::column_name), {Op::column}, kAgain, kEnd};
constexpr Instruction kDataRow[] = {count(4), sized(FieldKind::cell), kAgain, kEnd};
constexpr Instruction kCommandComplete[] = {text(FieldKind::command_tag), kEnd};
constexpr Instruction kErrorFields[] = {{Op::coded_texts, FieldKind::error_text}, kEnd};
constexpr Instruction kParameterDescription[] = {count(4), kType, kAgain, kEnd};
constexpr Instruction kCopyBegins[] = {number(Op::number8, Slot::copy_format), count(2), kFormat, kAgain, kEnd};
constexpr Instruction kFunctionResult[] = {sized(FieldKind::function_result), kEnd};
constexpr Instruction kNotification[] = {kProcess, text(FieldKind::channel), text(FieldKind::notification), kEnd};

using Table = std::array<Grammar, 256>;

constexpr Table request_table() {
  Table table{};
  table['B'] = {MessageKind::bind, kBind};
  table['C'] = {MessageKind::close, kTarget};
  table['D'] = {MessageKind::describe, kTarget};
  table['E'] = {MessageKind::execute, kExecute};
  table['F'] = {MessageKind::function_call, kFunctionCall};
  table['H'] = {MessageKind::flush, kEmptyProgram};
  table['P'] = {MessageKind::parse, kParse};
  table['Q'] = {MessageKind::query, kQuery};
  table['S'] = {MessageKind::sync, kEmptyProgram};
  table['X'] = {MessageKind::terminate, kEmptyProgram};
  table['c'] = {MessageKind::copy_done, kEmptyProgram};
  table['d'] = {MessageKind::copy_data, kCopyData};
  table['f'] = {MessageKind::copy_fail, kCopyFail};
  table['p'] = {MessageKind::credential, kCredential};
  return table;
}

constexpr Table response_table() {
  Table table{};
  table['1'] = {MessageKind::parse_complete, kEmptyProgram};
  table['2'] = {MessageKind::bind_complete, kEmptyProgram};
  table['3'] = {MessageKind::close_complete, kEmptyProgram};
  table['A'] = {MessageKind::notification, kNotification};
  table['C'] = {MessageKind::command_complete, kCommandComplete};
  table['D'] = {MessageKind::data_row, kDataRow};
  table['E'] = {MessageKind::error, kErrorFields};
  table['G'] = {MessageKind::copy_in, kCopyBegins};
  table['H'] = {MessageKind::copy_out, kCopyBegins};
  table['I'] = {MessageKind::empty_query, kEmptyProgram};
  table['K'] = {MessageKind::backend_key, kBackendKey};
  table['N'] = {MessageKind::notice, kErrorFields};
  table['R'] = {MessageKind::authentication, kAuthentication};
  table['S'] = {MessageKind::setting, kSetting};
  table['T'] = {MessageKind::row_description, kRowDescription};
  table['V'] = {MessageKind::function_result, kFunctionResult};
  table['W'] = {MessageKind::copy_both, kCopyBegins};
  table['Z'] = {MessageKind::ready, kReady};
  table['c'] = {MessageKind::copy_done, kEmptyProgram};
  table['d'] = {MessageKind::copy_data, kCopyData};
  table['n'] = {MessageKind::no_data, kEmptyProgram};
  table['s'] = {MessageKind::portal_suspended, kEmptyProgram};
  table['t'] = {MessageKind::parameter_description, kParameterDescription};
  table['v'] = {MessageKind::negotiate_version, kNegotiateVersion};
  return table;
}

constexpr Table kRequests = request_table();
constexpr Table kResponses = response_table();

}  // namespace

const Grammar& grammar(Direction direction, std::uint8_t type) {
  return (direction == Direction::request ? kRequests : kResponses)[type];
}

const Instruction* authentication_program(std::uint32_t number) {
  if (number == kAuthenticationOk) return kEmptyProgram;
  return number == kAuthenticationSasl ? kMechanisms : kChallenge;
}

}  // namespace sluice::postgres
