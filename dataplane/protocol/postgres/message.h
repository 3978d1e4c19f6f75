// What messages and their fields are, in the words of PostgreSQL's chapter "Message Formats" (protocol 3.x).
#pragma once

#include <cstdint>
#include <vector>

namespace sluice::postgres {

enum class MessageKind : std::uint8_t {
  none,
  // client, before the startup packet was answered; these have no type byte
  startup,
  ssl_request,
  gss_request,
  cancel_request,
  // client
  query,
  parse,
  bind,
  describe,
  execute,
  close,
  sync,
  flush,
  function_call,
  copy_fail,
  credential,  // PasswordMessage, SASLInitialResponse, SASLResponse, GSSResponse: only the authentication tells which
  terminate,
  // both
  copy_data,
  copy_done,
  // server
  encryption_answer,  // the one byte that answers SSLRequest or GSSENCRequest
  authentication,
  backend_key,
  setting,  // ParameterStatus
  negotiate_version,
  ready,
  row_description,
  data_row,
  command_complete,
  empty_query,
  error,
  notice,
  parse_complete,
  bind_complete,
  close_complete,
  no_data,
  parameter_description,
  portal_suspended,
  copy_in,
  copy_out,
  copy_both,
  function_result,
  notification,
};

enum class FieldKind : std::uint8_t {
  none,
  startup_name,  // user, database, options, replication and any run-time setting
  startup_value,
  statement_name,
  portal_name,
  query_text,  // of Query and of Parse
  parameter,   // a value in Bind
  argument,    // a value in FunctionCall
  function_result,
  column_name,
  cell,
  copy_data,
  copy_error,  // why a client fails its COPY
  credential,  // what the client proves itself with: never for the record
  challenge,   // what the server asks it with, or sends along with an acceptance
  mechanism,   // of SASL
  cancel_key,  // a secret too: who has it can cancel
  error_text,  // a field of ErrorResponse or NoticeResponse; Field::code says which
  command_tag,
  setting_name,
  setting_value,
  protocol_option,  // that a server does not know
  channel,
  notification,
};

struct Message {
  MessageKind kind = MessageKind::none;
  std::uint8_t type = 0;     // 0 where it has none
  std::uint32_t length = 0;  // as it stands there: its own four bytes and all that follow, without the type; 0 without
  std::uint64_t offset = 0;  // of the first byte, counted from the beginning of the stream
};

struct Field {
  FieldKind kind = FieldKind::none;
  std::uint8_t code = 0;  // of error_text: S, V, C, M, D, H and so on
  bool first = false;     // first piece of the field
  bool last = false;      // last one; that of a text may have 0 bytes, because its end shows only with its NUL
  bool null = false;      // NULL: it has no bytes, which is another thing than 0 bytes
  bool length_known = false;
  std::uint32_t length = 0;  // of all pieces, where it is known
  std::uint32_t index = 0;   // among the fields of its kind in this message
};

inline constexpr std::uint16_t kTextFormat = 0;
inline constexpr std::uint16_t kBinaryFormat = 1;

// All of a column but its name.
struct Column {
  std::uint32_t table = 0;      // OID, 0: no column of a table
  std::uint16_t attribute = 0;  // its number there
  std::uint32_t type = 0;       // OID
  std::uint16_t type_size = 0;  // negative (in two's complement) where it varies
  std::uint32_t type_modifier = 0;
  std::uint16_t format = 0;
  bool operator==(const Column&) const = default;
};

// Authentication requests that have a meaning here; others pass as challenges.
inline constexpr std::uint32_t kAuthenticationOk = 0;
inline constexpr std::uint32_t kAuthenticationSasl = 10;
inline constexpr std::uint32_t kAuthenticationSaslFinal = 12;

inline constexpr std::uint32_t kMostKeyBytes = 256;  // of a cancel key, in 3.2; 3.0 has four

// Numbers and lists of one message, each there once its last byte was labelled, until the next message begins. What a
// list holds came in over the wire first: no count reserves room.
struct Values {
  std::uint32_t protocol = 0;          // startup: major << 16 | minor; negotiate_version: the minor that the server has
  std::uint32_t authentication = 0;    // what the server asks for
  std::uint32_t process = 0;           // backend_key, cancel_request, notification
  std::uint32_t max_rows = 0;          // execute: 0 is all
  std::uint32_t function = 0;          // function_call: its OID
  std::uint32_t count = 0;             // of the list that began last: cells, columns, options
  std::uint8_t target = 0;             // describe, close: 'S' or 'P'
  std::uint8_t transaction = 0;        // ready: 'I', 'T' or 'E'
  std::uint16_t format = 0;            // copy: of the whole; function_call: of its result
  std::vector<std::uint32_t> types;    // parse, parameter_description: OIDs, at most 65,535
  std::vector<std::uint16_t> formats;  // of parameters, of arguments, of a COPY's columns; at most 65,535
  std::vector<std::uint16_t> result_formats;  // bind; at most 65,535
  std::vector<Column> columns;                // row_description; at most Limits::columns
  std::vector<std::uint8_t> key;              // backend_key, cancel_request: 4 to kMostKeyBytes
};

struct Limits {
  std::uint32_t startup_bytes = 10'000;  // of a packet without a type: PostgreSQL's own bound
  std::uint32_t columns = 1664;          // of one result: PostgreSQL's own bound (MaxTupleAttributeNumber)
};

}  // namespace sluice::postgres
