// PostgreSQL between the two legs of a session (protocol 3.x): reads both directions, gives each message that says
// something to the server its verdict before its first byte leaves, masks values both ways, refuses in the server's own
// place and words.
// A unit is one Query, Parse, Bind, Execute or FunctionCall with what it is answered, or one stream of COPY data. Those
// that let the server work (Query, Execute, FunctionCall) are what limits count and orders stop; any may be held.
// Content is values: the statement, parameters, cells, tags, texts of errors, each behind its mark (item_mark.h).
// Invariants: exchanges_ holds what was asked and not answered, in order, and the server answers the first of it; a
// refused message reaches the server as one that it refuses itself, so that its place among the answers, the rest of
// the pipeline and the transaction are the server's truth; what proves who the client is never is on the record. While
// a message waits (for a limit, for a decision) nothing behind it is read, and answers go on.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>

#include "dataplane/protocol/postgres/conversation.h"
#include "dataplane/protocol/postgres/copy_reader.h"
#include "dataplane/protocol/postgres/reader.h"
#include "dataplane/session/cancels.h"
#include "dataplane/session/cell_plan.h"
#include "dataplane/session/coded_value.h"
#include "dataplane/session/prepared_texts.h"
#include "dataplane/session/relay.h"
#include "dataplane/session/result_count.h"

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
    if (starved_) advance(context);
    if (is_waiting()) go_on_waiting(context);
  }
  void abandon(Context& context) override;
  // A server that goes takes its transaction and the session with it.
  [[nodiscard]] bool needs_no_server() const override { return false; }
  void server_called(Context&, bool) override {}
  [[nodiscard]] TimeNs next_deadline(TimeNs now) const override {
    const TimeNs next = Relay::next_deadline(now);
    return awaits_facts_ && !request_.dead ? std::min(next, facts_until_) : next;
  }

  [[nodiscard]] bool accepts(Direction direction) const override;
  [[nodiscard]] UnitPhase phase() const override;
  [[nodiscard]] bool answer_expected() const override;
  [[nodiscard]] std::size_t pending() const override { return exchanges_.size(); }

 private:
  // What the server said of how it reads statements.
  struct Settings {
    std::string name;
    std::string value;
    bool standard_strings = true;
    bool utf8 = false;
    bool are_settled = false;  // nothing was asked since that could change them
  };
  using Sqlstate = std::array<char, 5>;
  // Beside its error, of what is refused.
  struct Words {
    std::string detail;
    std::string hint;
  };
  // Why the server's error is told in our words.
  struct Refusal {
    ErrorCode why = ErrorCode::ok;
    Words words{};
  };
  // What was asked in a unit and is not answered.
  struct Exchange {
    std::uint64_t question = 0;  // Question::id
    std::uint32_t pipeline = 0;  // pipeline_ when it was asked
    UnitInfo unit;
    TimeNs came = 0;                 // when it began
    TimeNs since = 0;                // it was whole, and let go
    Refusal refused{};               // the server refuses what stands in its place
    Refusal copy_refused{};          // likewise the data of a COPY that it may be
    std::uint32_t refused_copy = 0;  // which of its COPYs that is, from 1
    std::uint32_t copies_begun = 0;  // as the server said
    std::uint32_t copies_ended = 0;  // as the client said
    enforce::Flights flights{};      // as limits count it
    CarriedScore score{};            // for the data of its COPY
    bool is_told = false;            // its answer has its end on the record: a limit ended it

    // Once a COPY began whose data was refused, its error is ours; one that never did has failed by itself, or is none.
    [[nodiscard]] const Refusal* refusal() const {
      if (refused.why != ErrorCode::ok) return &refused;
      return copy_refused.why != ErrorCode::ok && copies_begun >= refused_copy ? &copy_refused : nullptr;
    }
  };
  struct Side : Way {
    explicit Side(Direction direction) : reader(direction) {}
    postgres::Reader reader;
    CodedValue value;              // that comes, where it is one
    std::size_t header_bytes = 0;  // of a type and length that are not all here: not labelled before they are
    bool is_value = false;         // the field that is read is content
    bool passed = false;           // request: some of the unit went to the server
    bool is_open = false;          // COPY data, or why it failed, is under way: no mark stands behind it yet
    postgres::CopyReader copy;     // of the COPY that is under way, or was last
  };

  // requests (postgres_request.cc)
  void read_requests(Context& context);
  void begin_request(Context& context);
  void begin_parameter(Context& context);
  void end_parameter(Bytes bytes);
  void end_request(Context& context);
  void end_packet(Context& context, postgres::MessageKind kind);
  [[nodiscard]] UnitInfo new_unit(Context& context);
  void count_request() const;
  void open_unit(Context& context);
  void tell_head(Context& context);
  void judge(Context& context, bool last);
  [[nodiscard]] Bytes within_window(Bytes bytes) const;
  void make_room(Context& context, bool is_new);
  static std::optional<Item> copied_item(const postgres::CopyReader::Step& step);
  void label_copied(Context& context, Side& in, Bytes bytes);
  void end_copied(Side& in);
  void leave_window(Context& context);
  void go_on_judged(Context& context, bool last);
  void finish_request(Context& context);
  void end_copy_message(Context& context, postgres::MessageKind kind);
  void end_copy(Context& context, Ending ending);
  void leave_copy(Context& context, Ending ending);
  void ask(Context& context, ErrorCode refused);
  void cut_request(Context& context, Ending ending, ErrorCode why);
  void request_error(Context& context, ErrorCode error);
  [[nodiscard]] bool judging() const { return request_.message.active() && !request_.judged; }
  [[nodiscard]] bool judges_content() const;

  // who calls, and with what (postgres_startup.cc)
  [[nodiscard]] bool carries_data() const;
  void end_startup(Context& context);
  bool judge_startup(Context& context);
  void refuse_startup(Context& context, ErrorCode why, const Words& words = {});

  // what is refused (postgres_refusal.cc)
  void refuse(Context& context, ErrorCode error, Words words = {});
  void put_in_place(Context& context);
  void refuse_copy(Context& context, ErrorCode error);

  // limits (postgres_limits.cc)
  [[nodiscard]] bool lets_work() const;
  [[nodiscard]] bool may_wait(const Context& context) const;
  bool may_leave(Context& context);
  bool pass_limits(Context& context, const enforce::Order* order, const enforce::Limit*& held_by);
  // The client's message keeps its place as the newest, and the server has not seen it. Nothing behind it is read;
  // answers go on.
  [[nodiscard]] bool is_waiting() const { return awaits_facts_ || is_throttled() || is_held(); }
  void go_on_waiting(Context& context);
  void go_on_waited(Context& context);
  void leave_waiting(Context& context);

  // scores (postgres_risk.cc)
  void begin_score(Context& context);
  void carry_score(postgres::FieldKind name);
  void carry(CarriedScore score);
  [[nodiscard]] CarriedScore score_to_carry() const;
  void keep_score();
  void note_answer(postgres::MessageKind kind);
  [[nodiscard]] Words score_words() const;

  // holds (postgres_holds.cc)
  bool begin_hold(Context& context, const HoldReason& reason);
  void keep_prepared();
  [[nodiscard]] std::string shown_body() const;
  void show_held(Context& context);
  void settle_hold(Context& context, HoldOutcome outcome);
  void end_wait(Context& context, ErrorCode why);
  bool follow_server(Context& context);
  void lose_server(Context& context, bool in_turn);
  void learn_cancel_key(const Context& context);
  void pass_cancel(Context& context) const;
  // The message that waits is a question which the server has not heard; and the next answer would be one to it.
  [[nodiscard]] bool waits_as_question() const;
  [[nodiscard]] bool answers_waiting() const {
    return waits_as_question() && conversation_.answering().id == conversation_.asking().id;
  }

  // statements (postgres_sql.cc)
  [[nodiscard]] bool asks_sql() const;
  bool is_understood(Context& context);
  void judge_sql(Context& context);
  void judge_facts(Context& context, const sql::Facts& facts);
  [[nodiscard]] ErrorCode read_statement(Context& context, sql::Shape& shape);
  [[nodiscard]] ErrorCode wait_for_facts(Context& context, const sql::Shape& shape);
  void leave_unread(Context& context, ErrorCode why);
  void end_facts_wait();
  void follow_setting(Bytes bytes);

  // values (postgres_cells.cc)
  void begin_cell();
  void begin_bound();
  void label_decoded(const RowsSize& rows, const DecodedRowsWriter& decoded);
  void label_value(Context& context, Side& in, Bytes bytes);
  [[nodiscard]] std::uint32_t bound_type(const postgres::Field& field) const;

  bool count_row(Context& context, const postgres::Message& message);
  [[nodiscard]] std::uint32_t rows_alike() const;
  void count_rows(std::uint32_t rows, std::uint64_t bytes);
  void tell_left_out();

  // results (postgres_results.cc)
  void begin_result();
  bool admits_rows(Context& context, std::uint64_t rows, std::uint64_t bytes);
  void add_rows(std::uint64_t rows, std::uint64_t bytes);
  bool pass_limits_of_answer(Context& context, std::uint64_t rows, std::uint64_t bytes);
  void end_result(Context& context, const enforce::Limit& limit);
  bool swallows(postgres::MessageKind kind);

  // responses (postgres_response.cc)
  void read_responses(Context& context);
  std::size_t take_rows(Context& context, Bytes piece, Held::Place& place);
  [[nodiscard]] bool goes_on_with_rows(std::uint32_t cells) const;
  void begin_response(Context& context);
  [[nodiscard]] bool describes() const;
  void open_unasked(Context& context);
  void begin_value();
  void end_value(Bytes bytes);
  void follow_sqlstate(Bytes bytes);
  void count_error();
  void end_response(Context& context);
  void settle(Context& context);
  [[nodiscard]] AnswerFacts answer_facts(const Context& context) const;
  void end_answer(Context& context, Ending ending, ErrorCode why);
  static void end_silently(Context& context, const UnitInfo& unit, Direction direction, Ending ending, ErrorCode why);
  void decide(Context& context, bool last);
  void response_error(Context& context, ErrorCode error);
  // Of the server's message that is read: that to which it belongs, if that is a unit whose answer the client gets.
  [[nodiscard]] bool answers_unit() const {
    return !exchanges_.empty() && conversation_.answering().id == exchanges_.front().question &&
           !exchanges_.front().is_told && !is_swallowing_;
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
  void say_error(Context& context, std::string_view severity, ErrorCode why, const Words& words = {});
  void go_opaque(Context& context, ErrorCode why);
  void abort(ErrorCode why);
  [[nodiscard]] bool observes_all() const;
  // What comes as COPY data is replicated, and nothing of it is masked or recorded.
  [[nodiscard]] bool passes_unread() const { return passes_replication_ && conversation_.is_replicating(); }
  [[nodiscard]] ServiceCounters& counters() const { return policy_->counters(*service_); }

  postgres::Conversation conversation_;
  Side request_;
  Side response_;
  std::deque<Exchange> exchanges_;
  CellPlan plan_;
  ResultCount results_;                // of the answer that comes
  std::uint64_t uncharged_rows_ = 0;   // limits do not know of them yet
  std::uint32_t left_out_rows_ = 0;    // of it, since the last that are on the record
  UnitInfo unit_;                      // of the client's message that is read, or was read last
  UnitInfo unasked_;                   // of the server's message that is read, where says_unasked_
  std::string user_;                   // of the startup packet
  std::string name_;                   // the field that is read, as far as it is kept
  std::string statement_;              // which a Parse names
  std::string head_;                   // of the unit on the record: its names
  ErrorCode refused_ = ErrorCode::ok;  // why the message that is read is discarded
  Words words_;                        // likewise
  enforce::Flights flights_;           // of the unit that is read
  TimeNs came_ = 0;                    // when it began
  std::uint64_t cancel_key_ = 0;       // Cancels: what a request to cancel would name this session by
  CancelWait cancel_wait_;             // while a unit waits
  CarriedScore carried_;               // of the unit that is read: what it runs is worth
  CarriedScore worst_score_;           // of all that the session prepared or bound
  PreparedTexts prepared_;             // what people are shown of one that names them
  Sqlstate sqlstate_{};                // of the server's error that is read
  std::string notice_;                 // that waits for its place between the server's messages
  bool is_user_ = false;               // the startup parameter that is read
  bool is_head_told_ = false;
  bool copying_ = false;             // the client's COPY data is the unit that is under way
  std::uint32_t copy_number_ = 0;    // of the COPYs that the newest exchange may be, from 1
  bool copy_refused_ = false;        // what comes of it is forgotten
  bool is_doomed_ = false;           // something was refused, and the server skips what comes until a Sync
  bool passes_replication_ = false;  // as policy had it when the client said that it replicates
  bool is_opaque_ = false;           // the streams pass without structure
  bool is_swallowing_ = false;       // a limit ended an answer, and the client waits for ReadyForQuery
  bool is_spoiled_ = false;          // and has sent no Sync since
  std::uint64_t last_sync_ = 0;      // Question::id of the client's last
  std::uint32_t pipeline_ = 1;       // counts what ends in a ReadyForQuery
  bool says_unasked_ = false;        // the server's message that is read is a unit of its own
  unsigned encryption_requests_ = 0;
  FactsWait facts_wait_;
  TimeNs facts_until_ = 0;     // 0: nothing was asked
  bool awaits_facts_ = false;  // what the client's message means is not known yet
  bool is_read_ = false;       // it is, or never will be
  Settings settings_;
};

}  // namespace sluice::session
