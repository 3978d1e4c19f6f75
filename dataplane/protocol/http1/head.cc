// Looking things up in a parsed head, and parsing one that lies whole in memory.
#include "dataplane/protocol/http1/head.h"

#include "dataplane/protocol/http1/head_parser.h"
#include "dataplane/protocol/http1/syntax.h"

namespace sluice::http1 {
namespace {

ErrorCode parse_whole(Direction direction, AnswerTo answer_to, Bytes bytes, const Limits& limits, Head& head) {
  HeadParser parser(direction, limits);
  parser.begin(head);
  const HeadParser::Progress progress = parser.advance(bytes, answer_to, head);
  if (progress.state == HeadParser::State::more) return ErrorCode::http_incomplete;
  return progress.error;
}

}  // namespace

std::string_view Head::name(const Field& field) const {
  return as_text(bytes.subspan(field.begin, field.name_bytes));
}

std::string_view Head::value(const Field& field) const {
  return as_text(bytes.subspan(field.value_begin, field.value_bytes));
}

const Field* Head::find(std::string_view field_name) const {
  for (const Field& field : fields)
    if (equals_ignoring_case(name(field), field_name)) return &field;
  return nullptr;
}

const Field* Head::find(FieldId id) const {
  for (const Field& field : fields)
    if (field.id == id) return &field;
  return nullptr;
}

bool Head::has_body() const {
  return framing == Framing::length ? content_length > 0 : framing != Framing::none;
}

ErrorCode parse_request_head(Bytes bytes, const Limits& limits, Head& head) {
  return parse_whole(Direction::request, AnswerTo::other, bytes, limits, head);
}

ErrorCode parse_response_head(Bytes bytes, const Limits& limits, std::string_view request_method, Head& head) {
  return parse_whole(Direction::response, answer_to(request_method), bytes, limits, head);
}

}  // namespace sluice::http1
