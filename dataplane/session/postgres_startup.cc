// A startup packet: who calls, and with what settings. Those can carry data (options, application_name), so they are
// content of a unit of their own: its head has their names, its values are theirs. Who calls and which database is in
// no unit: the one stands in each, and a mask on either would only keep people out.
// The server has heard nothing yet, so a refusal ends the session, and nobody can be told to wait: what a rule would
// hold is refused.
#include "dataplane/session/postgres_relay.h"

namespace sluice::session {

// A parameter whose name is known.
bool PostgresRelay::carries_data() const {
  return name_ != "user" && name_ != "database" && name_ != "replication";
}

// It is known who calls. What a replica gets no rule can look into, so it is the policy's to allow.
void PostgresRelay::end_startup(Context& context) {
  principal_ = user_.empty() ? std::string(policy_->snapshot->principal_of(client_address_)) : user_;
  learn_limits();
  if (!head_.empty() && !judge_startup(context)) return;
  constexpr ErrorCode kDenied = ErrorCode::postgres_replication_denied;
  passes_replication_ = service_->replication == enforce::Replication::pass;
  if (!conversation_.is_replication() || passes_replication_) return;
  Side& in = request_;
  const bool observed = service_->mode == enforce::Mode::observe;
  unit_ = new_unit(context);
  in.message.begin(unit_, Direction::request);
  in.message.plain_head(context, as_bytes("STARTUP replication\n"), false);
  in.message.note_order(Verdict::deny);
  in.message.end(context, 0, observed ? Ending::complete : Ending::refused, kDenied);
  end_silently(context, unit_, Direction::response, Ending::cut, kDenied);
  if (observed) {
    count_request();
    context.errors.add(kDenied);
  } else {
    refuse_startup(context, kDenied);
  }
}

bool PostgresRelay::judge_startup(Context& context) {
  Side& in = request_;
  unit_ = new_unit(context);
  in.message.begin(unit_, Direction::request);
  in.message.plain_head(context, as_bytes("STARTUP" + head_ + "\n"), false);
  ErrorCode error = in.message.content(context, in.held, true);
  if (error == ErrorCode::ok && in.message.denied()) error = in.message.denial();
  if (error == ErrorCode::ok && in.message.hold_matches() > 0)
    error = in.message.hold_rule().empty() ? ErrorCode::score_denied : ErrorCode::rule_denied;
  const bool passes = error == ErrorCode::ok || service_->mode == enforce::Mode::observe;
  in.message.end(context, in.held.content_end(), passes ? Ending::complete : Ending::refused, error);
  end_silently(context, unit_, Direction::response, passes ? Ending::complete : Ending::cut, error);
  if (!passes) refuse_startup(context, error, error == ErrorCode::score_denied ? score_words() : Words());
  return passes;
}

void PostgresRelay::refuse_startup(Context& context, ErrorCode why, const Words& words) {
  count_request();
  context.errors.add(why);
  counters().denied.add();
  unit_.caller->denied.add();
  request_.held.clear();
  say_error(context, "FATAL", why, words);
  request_.dead = response_.dead = true;
  error_ = why;
  if (fate_ == Fate::run) fate_ = Fate::close;
}

}  // namespace sluice::session
