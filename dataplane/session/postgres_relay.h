// PostgreSQL between the two legs of a session (protocol 3.x): reads both directions, gives each message that says
// something to the server its verdict before its first byte leaves, masks values both ways, refuses in the server's own
// place and words.
// A unit is one Query, Parse, Bind, Execute or FunctionCall with what it is answered, or one stream of COPY data.
// Content is values: the statement, parameters, cells, tags, texts of errors, each behind its mark (item_mark.h).
// Invariants: exchanges_ holds what was asked and not answered, in order, and the server answers the first of it; a
// refused message reaches the server as one that it refuses itself, so that its place among the answers, the rest of
// the pipeline and the transaction are the server's truth; what proves who the client is never is on the record.
#pragma once

#include <cstdint>
#include <deque>
#include <string>

#include "dataplane/protocol/postgres/conversation.h"
#include "dataplane/protocol/postgres/reader.h"
#include "dataplane/session/cell_plan.h"
#include "dataplane/session/coded_value.h"
#include "dataplane/session/held.h"
#include "dataplane/session/message.h"
#include "dataplane/session/relay.h"

namespace sluice::session {

class PostgresRelay final : public Relay {
 public:
  // `service` is the one the session was opened for, under `policy`.
  PostgresRelay(PolicyRef policy, const enforce::Service& service, SessionId session, const IpAddress& client_address,
                const IpAddress& server_address, const HashKey& key);

  // It never rests: what a server prepared for the session is known only here.
  void go_on(const Rest&) override {}
  [[nodiscard]] bool may_rest() const override { return false; }

  void feed(Context& context, Direction direction, buffer::Chain&& bytes) override;
  void finish(Context& context, Direction direction) override;
  void leave(Context& context) override;
  void close(Context& context, ErrorCode why) override;
  void resume(Context& context) override {
    if (starved_ || is_waiting()) advance(context);
  }
  // Nothing is held, and a server that goes takes the session with it.
  void abandon(Context&) override {}
  [[nodiscard]] bool needs_no_server() const override { return false; }
  void server_called(Context&, bool) override {}
  [[nodiscard]] std::size_t share_of(Context&, Direction, std::size_t bytes) override { return bytes; }
  [[nodiscard]] TimeNs next_deadline(TimeNs) const override {
    return wait_ == Wait::facts && !request_.dead ? facts_until_ : kNever;
  }

  [[nodiscard]] bool accepts(Direction direction) const override;
  [[nodiscard]] std::size_t held_bytes(Direction direction) const override;
  [[nodiscard]] std::size_t held_segments(Direction direction) const override;
  [[nodiscard]] UnitPhase phase() const override;
  [[nodiscard]] bool answer_expected() const override;
  [[nodiscard]] std::size_t pending() const override { return exchanges_.size(); }

 private:
  // What the client's message, which is whole, waits for. Nothing behind it is read before; answers go on.
  enum class Wait : std::uint8_t { none, facts };
  // What the server said of how it reads statements.
  struct Settings {
    std::string name;
    std::string value;
    bool standard_strings = true;
    bool utf8 = false;
    bool are_settled = false;  // nothing was asked since that could change them
  };
  // What was asked in a unit and is not answered.
  struct Exchange {
    std::uint64_t question = 0;  // Question::id
    UnitInfo unit;
    TimeNs since = 0;                   // it was whole
    ErrorCode refused = ErrorCode::ok;  // the server refuses what stands in its place
  };
  struct Side : Way {
    explicit Side(Direction direction) : reader(direction) {}
    postgres::Reader reader;
    Held held;
    Message message;
    CodedValue value;              // that comes, where it is one
    std::size_t header_bytes = 0;  // of a type and length that are not all here: not labelled before they are
    bool is_value = false;         // the field that is read is content
    bool passed = false;           // request: some of the unit went to the server
    bool judged = false;           // request: its verdict has fallen
    bool discard = false;          // the rest of the message is read and forgotten
    bool is_copying = false;       // COPY data is under way, a text that has not ended
    bool dead = false;             // nothing more is read
    bool ended = false;            // its sender finished
  };

  // requests (postgres_request.cc)
  void read_requests(Context& context);
  void begin_request(Context& context);
  void begin_parameter(Context& context);
  void end_parameter(Bytes bytes);
  void end_request(Context& context);
  void end_packet(Context& context, postgres::MessageKind kind);
  [[nodiscard]] UnitInfo new_unit(Context& context);
  void open_unit(Context& context);
  void tell_head(Context& context);
  void judge(Context& context, bool last);
  void make_room(Context& context, bool is_new);
  void leave_window(Context& context);
  void refuse(Context& context, ErrorCode error);
  void put_in_place(Context& context);
  void refuse_copy(Context& context, ErrorCode error);
  void end_copy(Context& context, Ending ending);
  void ask(Context& context, ErrorCode refused);
  void cut_request(Context& context, Ending ending, ErrorCode why);
  void request_error(Context& context, ErrorCode error);
  void go_on_judged(Context& context);
  void stop_waiting();
  [[nodiscard]] bool judges_content() const;
  [[nodiscard]] bool is_waiting() const { return wait_ != Wait::none; }
  [[nodiscard]] bool judging() const { return request_.message.active() && !request_.judged; }

  // statements (postgres_sql.cc)
  [[nodiscard]] bool asks_sql() const;
  void judge_sql(Context& context);
  void judge_facts(Context& context, const sql::Facts& facts);
  [[nodiscard]] ErrorCode read_statement(Context& context, sql::Shape& shape);
  [[nodiscard]] ErrorCode wait_for_facts(Context& context, const sql::Shape& shape);
  void leave_unread(Context& context, ErrorCode why);
  void go_on_with_facts(Context& context);
  void follow_setting(Bytes bytes);

  // values (postgres_cells.cc)
  void begin_cell();
  void begin_bound();
  void label_value(Context& context, Side& in, Bytes bytes);
  [[nodiscard]] std::uint32_t bound_type(const postgres::Field& field) const;

  void count_row(postgres::MessageKind kind);
  void tell_left_out();

  // responses (postgres_response.cc)
  void read_responses(Context& context);
  void begin_response(Context& context);
  void open_unasked(Context& context);
  void begin_value();
  void end_value(Bytes bytes);
  void end_response(Context& context);
  void settle(Context& context);
  static void end_silently(Context& context, const UnitInfo& unit, Direction direction, Ending ending, ErrorCode why);
  void decide(Context& context, bool last);
  void response_error(Context& context, ErrorCode error);
  // Of the server's message that is read: that to which it belongs, if that is a unit.
  [[nodiscard]] bool answers_unit() const {
    return !exchanges_.empty() && conversation_.answering().id == exchanges_.front().question;
  }

  // both (postgres_relay.cc)
  Side& side(Direction direction) { return direction == Direction::request ? request_ : response_; }
  [[nodiscard]] const Side& side(Direction direction) const {
    return direction == Direction::request ? request_ : response_;
  }
  void advance(Context& context);
  void conclude(Context& context, Direction direction);
  void cut_response(Context& context, ErrorCode why);
  void end_all_silently(Context& context, ErrorCode why);
  [[nodiscard]] bool has_room(Context& context) const;
  void take_step(Context& context, Direction direction, const postgres::Step& step, Bytes bytes);
  static RunKind run_kind(const Side& side, postgres::StepKind kind);
  void release(Context& context, Side& side, bool all);
  void say(Context& context, Side& side, std::string_view bytes);
  void say_error(Context& context, std::string_view severity, ErrorCode why);
  void go_opaque(Context& context, ErrorCode why);
  void abort(ErrorCode why);
  [[nodiscard]] bool observes_all() const;
  [[nodiscard]] ServiceCounters& counters() const { return policy_->counters(*service_); }

  postgres::Conversation conversation_;
  Side request_;
  Side response_;
  std::deque<Exchange> exchanges_;
  CellPlan plan_;
  std::uint32_t rows_ = 0;             // of the answer that comes, on the record
  std::uint32_t left_out_rows_ = 0;    // of it, since the last that are
  UnitInfo unit_;                      // of the client's message that is read, or was read last
  UnitInfo unasked_;                   // of the server's message that is read, where says_unasked_
  std::string user_;                   // of the startup packet
  std::string name_;                   // the field that is read, as far as it is kept
  std::string statement_;              // which a Parse names
  std::string head_;                   // of the unit on the record: its names
  ErrorCode refused_ = ErrorCode::ok;  // why the message that is read is discarded
  bool is_user_ = false;               // the startup parameter that is read
  bool is_head_told_ = false;
  bool copying_ = false;       // the client's COPY data is the unit that is under way
  bool copy_refused_ = false;  // what comes of it is forgotten
  bool is_opaque_ = false;     // the streams pass without structure
  bool says_unasked_ = false;  // the server's message that is read is a unit of its own
  unsigned encryption_requests_ = 0;
  Wait wait_ = Wait::none;
  FactsWait facts_wait_;
  TimeNs facts_until_ = 0;  // 0: nothing was asked
  Settings settings_;
};

}  // namespace sluice::session
