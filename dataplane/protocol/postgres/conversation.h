// Follows both directions of a session by what their readers say: its phase, the transaction status as the server said
// it, what was asked and is not answered yet, and what statements and portals are, so that each answer, and each cell
// of a row, is known for what it is. Pure state: it holds no byte of a value, and of a statement only how the text
// begins, while its Parse comes.
//
// What holds:
//  - answers come in the order of their questions; a message of the server that answers none is an error;
//  - names stand for what they will stand for at the server when the question comes there (names.h);
//  - after an error in the extended protocol the server skips everything up to the next Sync, and so does this;
//  - rows are taken for those of a description only while nothing says that it may be of something else: of what SQL
//    made under a name (PREPARE, DECLARE), columns() knows nothing until it was described, and of a statement that asks
//    for rows by a name (FETCH, EXECUTE) only where its portal was described and nothing came between that and its run.
//    What a function does to names (EXECUTE 'DEALLOCATE …') does not show on the wire; a row with another number of
//    cells is refused.
//  - everything is bounded by ConversationLimits; what would exceed one is refused with a code of its own.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/error.h"
#include "common/siphash.h"
#include "dataplane/protocol/postgres/question.h"
#include "dataplane/protocol/postgres/reader.h"

namespace sluice::postgres {

enum class Phase : std::uint8_t {
  startup,
  authenticating,  // until the server accepts
  starting,        // until its first ReadyForQuery
  ready,           // for messages of either protocol
  copy_in,         // the client copies; over when it says so, or the server fails it
  copy_out,
  copy_both,  // replication
  over,       // Terminate or a request to cancel
};

struct ConversationLimits {
  std::uint32_t questions = 16'384;
  std::uint32_t statements = 4'096;
  std::uint32_t portals = 1'024;
  std::uint32_t columns = 32'768;  // of all descriptions that are kept
  std::uint32_t name_bytes = 63;   // of a name, as the server keeps it (NAMEDATALEN - 1): longer ones that begin alike
                                   // are one name there, and here
};

class Conversation {
 public:
  Conversation(const ConversationLimits& limits, const HashKey& key);
  Conversation(const Conversation&) = delete;
  Conversation& operator=(const Conversation&) = delete;

  // For each step of the client's reader, with the bytes that it labels: at a message step what is not allowed in this
  // state is refused. At message_end the question is asked.
  ErrorCode request(const Reader& reader, const Step& step, Bytes bytes);
  // The same for the server's.
  ErrorCode response(const Reader& reader, const Step& step, Bytes bytes) {
    const bool is_field = step.kind == StepKind::field;
    if (step.kind == StepKind::framing || step.kind == StepKind::more) return ErrorCode::ok;
    if (is_field && reader.field().kind == FieldKind::cell && reader.field().index > 0) return ErrorCode::ok;
    return take_response(reader, step, bytes);
  }

  [[nodiscard]] Phase phase() const { return over_ ? Phase::over : phase_; }
  // 'I' idle, 'T' in a transaction, 'E' in a failed one, as the server said last; 0 before it did.
  [[nodiscard]] std::uint8_t transaction() const { return transaction_; }
  [[nodiscard]] bool is_replication() const { return is_replication_; }
  // What is copied is a log or a base backup. In a connection for one database it may be SQL's COPY too, which is none.
  [[nodiscard]] bool is_replicating() const {
    return is_replication_ && (phase_ == Phase::copy_both || (phase_ == Phase::copy_out && !is_logical_));
  }
  // The server skips what comes until a Sync.
  [[nodiscard]] bool skips_until_sync() const { return skips_; }
  [[nodiscard]] std::size_t open_questions() const { return questions_.size(); }
  // Every question up to this one is answered, or never will be.
  [[nodiscard]] std::uint64_t settled_through() const {
    return questions_.empty() ? last_id_ : questions_.front().id - 1;
  }

  // What the client's message asks, since its message step; its statement since the name of it is complete.
  [[nodiscard]] const Question& asking() const { return asking_; }
  // All that the statement or portal which it names may be by then (names.h), given the client's last Sync.
  template <class Visit>
  void for_each_possible_statement(std::uint64_t last_sync, const Visit& visit) {
    statements_.for_each_possible(statement_name_, last_sync, visit);
  }
  template <class Visit>
  void for_each_possible_portal(std::uint64_t last_sync, const Visit& visit) {
    portals_.for_each_possible(portal_name_, last_sync, visit);
  }
  // Names that are not known may be there all the same: what SQL did to some made all of them doubtful.
  [[nodiscard]] bool has_forgotten_names() const { return has_forgotten_; }
  // Before message_end: it will not be asked, because its owner answers it.
  void withdraw() {
    asking_.kind = QuestionKind::none;
    kind_asking_ = MessageKind::none;
  }
  // The owner answered the request for encryption itself.
  void encryption_answered() { awaits_encryption_answer_ = false; }

  // Between messages of the server: a row of so many cells may come, and answers what the message before did.
  [[nodiscard]] bool goes_on_with_rows(std::uint32_t cells) const;

  // To which question the server's message belongs, from its message step on until the next call for the server;
  // kind none: to no question, as a notification does.
  [[nodiscard]] const Question& answering() const { return answering_; }
  // Of the row that comes: nullptr where its columns are not known. Valid as long as answering().
  [[nodiscard]] const Columns* columns() const;
  // Of its cells; nothing where it is not known.
  [[nodiscard]] std::optional<std::uint16_t> format(std::uint32_t cell) const;

 private:
  enum class End : std::uint8_t { answered, failed, skipped };

  // conversation.cc: what is asked
  [[nodiscard]] ErrorCode allowed(MessageKind kind) const;
  ErrorCode begin_request(const Message& message);
  void request_field(const Field& field, Bytes bytes);
  void name_complete(const Field& field);
  ErrorCode end_request(const Reader& reader);
  ErrorCode ask(const Values& values);
  ErrorCode ask_parse(const Values& values);
  ErrorCode ask_bind(const Values& values);
  void end_copy_of_client();

  // conversation_answers.cc: what is answered
  ErrorCode take_response(const Reader& reader, const Step& step, Bytes bytes);
  [[nodiscard]] ErrorCode expected(MessageKind kind);
  [[nodiscard]] bool answers(MessageKind kind) const;
  [[nodiscard]] const Description* description() const;
  ErrorCode response_field(const Reader& reader, Bytes bytes);
  ErrorCode end_response(const Reader& reader);
  ErrorCode row_described(const Values& values);
  [[nodiscard]] ErrorCode check_row(std::uint32_t cells) const;
  void describe(const std::shared_ptr<const Columns>& columns);
  void command_complete();
  void failed();
  void now_ready(std::uint8_t transaction);
  void names_changed_by_sql();
  ErrorCode copy_in_begins();
  void settle(Question& question, End end);
  void pop(End end);
  void skip_until_sync();
  void drop_copy_ends();
  void distrust_statements();
  void distrust_portals();

  ConversationLimits limits_;
  Phase phase_ = Phase::startup;
  std::uint8_t transaction_ = 0;
  bool is_replication_ = false;
  bool is_logical_ = false;  // of one database
  bool awaits_encryption_answer_ = false;
  bool over_ = false;  // for the client: what it asked before may still be answered
  bool skips_ = false;
  bool deallocated_ = false;       // SQL freed a name, and which one is not known
  bool has_forgotten_ = false;     // statements or portals that the server may have still
  bool client_copy_done_ = false;  // of copy_both
  bool server_copy_done_ = false;
  std::uint64_t last_id_ = 0;
  std::uint64_t last_change_ = 0;      // id of the client's last message that may have changed what names stand for
  std::uint32_t columns_kept_ = 0;     // before all that count in it
  std::uint32_t swallowed_syncs_ = 0;  // by the COPY under way
  std::uint32_t spare_readies_ = 0;    // that may come, if it failed before it swallowed them
  Names<Statement> statements_;
  Names<Portal> portals_;
  Ring<Question> questions_;
  Question asking_;
  Question answering_;
  MessageKind kind_asking_ = MessageKind::none;
  std::string statement_name_;
  std::string statement_begin_;  // of the text that Parse has, as far as it matters
  std::string portal_name_;
  std::string setting_;  // name and value of a startup parameter, as far as they matter
  std::string value_;
  std::string tag_;           // of a command, as far as it matters
  std::string column_names_;  // of the row description that comes
  std::vector<std::uint32_t> name_ends_;
  std::shared_ptr<const Columns> result_;  // of a simple query
};

}  // namespace sluice::postgres
