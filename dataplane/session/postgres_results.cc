// What one answer may return (ResultCount), and what becomes of one that would return more: where the next row would
// stand the client gets an ErrorResponse, and then nothing more up to ReadyForQuery, which passes as the server says
// it. The server is not told. It goes on to the end of what was asked, all of it takes effect, and what is pipelined
// behind it and has gone already takes effect too; what the client sends from then on up to its Sync is refused, as the
// server would skip it after an error of its own.
#include <fmt/format.h>

#include <utility>

#include "dataplane/session/postgres_relay.h"

namespace sluice::session {

using enforce::LimitOf;
using postgres::MessageKind;
using postgres::QuestionKind;

void ResultCount::learn() {
  most_rows_ = most_bytes_ = ~std::uint64_t{0};
  for (const Limits limits : {of_principal_, of_service_})
    for (const enforce::Limit& limit : limits) {
      if (!limit.of_answer || is_exceeded(limit, rows_, bytes_)) continue;
      std::uint64_t& most = limit.of == LimitOf::rows ? most_rows_ : most_bytes_;
      most = std::min(most, limit.most);
    }
}

void PostgresRelay::begin_result() {
  const UnitInfo& unit = response_.message.unit();
  left_out_rows_ = 0;
  // A log or a base backup has no rows.
  if (says_unasked_ || conversation_.is_replicating()) return results_.begin({}, {});
  results_.begin(unit.policy->snapshot->limits_of(unit.principal), unit.service->limits);
}

// Before so many rows of the answer, or messages of its COPY data, of so many bytes. False: a limit ended it.
bool PostgresRelay::admits_rows(Context& context, std::uint64_t rows, std::uint64_t bytes) {
  return results_.fits(rows, bytes) || pass_limits_of_answer(context, rows, bytes);
}

void PostgresRelay::add_rows(std::uint64_t rows, std::uint64_t bytes) {
  results_.add(rows, bytes);
  uncharged_rows_ += rows;
}

bool PostgresRelay::pass_limits_of_answer(Context& context, std::uint64_t rows, std::uint64_t bytes) {
  const UnitInfo& unit = response_.message.unit();
  const enforce::Limit* ends = nullptr;
  results_.for_each_exceeded(rows, bytes, [&](const enforce::Limit& limit) {
    if (unit.service->mode == enforce::Mode::enforce && limit.then != enforce::LimitThen::observe) {
      ends = ends == nullptr ? &limit : ends;
      return;
    }
    unit.policy->limits[limit.index]->observed.add();
    response_.message.note_limit(limit.name, would_be(limit));
  });
  if (ends != nullptr) end_result(context, *ends);
  return ends == nullptr;
}

void PostgresRelay::end_result(Context& context, const enforce::Limit& limit) {
  constexpr ErrorCode kWhy = ErrorCode::postgres_result_too_large;
  Side& in = response_;
  const UnitInfo unit = in.message.unit();
  unit.policy->limits[limit.index]->denied.add();
  counters().denied.add();
  unit.caller->denied.add();
  context.errors.add(kWhy);
  tell_left_out();
  end_copied(in);
  in.message.note_limit(limit.name, Verdict::deny);
  decide(context, true);
  if (in.dead || is_opaque_) return;
  end_answer(context, Ending::refused, kWhy);
  exchanges_.front().is_told = true;
  say_error(context, "ERROR", kWhy,
            {.detail = fmt::format("limit {}", limit.name),
             .hint = fmt::format("One answer has at most {} {}.", limit.most,
                                 limit.of == LimitOf::rows ? "rows" : "bytes of rows")});
  is_swallowing_ = in.discard = true;
  const postgres::Question& question = conversation_.answering();
  is_spoiled_ = question.kind == QuestionKind::execute && last_sync_ < question.id;
}

// Of what comes behind an answer that a limit ended. True: the client does not get it.
bool PostgresRelay::swallows(MessageKind kind) {
  if (!is_swallowing_) return false;
  switch (kind) {
    case MessageKind::setting:
    case MessageKind::notice:
    case MessageKind::notification:
    case MessageKind::ready:
      return false;
    case MessageKind::copy_in:
    case MessageKind::copy_both:
      abort(ErrorCode::postgres_result_too_large);  // it waits for data of a client that does not know
      return true;
    default:
      return response_.discard = true;
  }
}

}  // namespace sluice::session
