// What a worker knows of SQL: the facts of the shapes that it has seen, the shapes of which helper threads are asked,
// and which sessions wait for which of them.
// Invariants: nothing here waits or allocates after the beginning (what waits is linked where it lies, in its relay,
// and leaves with it); each shape is asked once however many sessions wait for it; facts live until the next take().
// Overload: who finds no room with the helpers waits in a queue, and is woken to ask again when something was answered;
// how long it waits is its own business. Without helpers (tests, simulations) nothing is known.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "common/error.h"
#include "dataplane/sql/cache.h"
#include "dataplane/sql/parser_pool.h"
#include "dataplane/sql/shape.h"

namespace sluice::session {

class Session;

// A place in a ring of sessions that wait for the same; alone, it waits for nothing.
class FactsWait {
 public:
  FactsWait() = default;
  FactsWait(const FactsWait&) = delete;
  FactsWait& operator=(const FactsWait&) = delete;
  ~FactsWait() { leave(); }

  void leave() {
    next_->previous_ = previous_;
    previous_->next_ = next_;
    next_ = previous_ = this;
  }
  [[nodiscard]] bool is_waiting() const { return next_ != this; }

 private:
  friend class Statements;

  void join(FactsWait& ring, Session* session) {
    leave();
    session_ = session;
    next_ = &ring;
    previous_ = ring.previous_;
    previous_->next_ = this;
    ring.previous_ = this;
  }

  FactsWait* next_ = this;
  FactsWait* previous_ = this;
  Session* session_ = nullptr;
};

// How a worker comes to facts. The pool outlives it; keys are of this process alone.
struct StatementsConfig {
  sql::ParserPool* parsers = nullptr;
  unsigned worker = 0;
  sql::ShapeKeys keys{};
};

class Statements {
 public:
  // Facts have a bound (sql::FactsBounds), so this many do: 180 MB, were all of them as large as hostile ones can be.
  static constexpr std::size_t kShapes = 4096;

  explicit Statements(const StatementsConfig& config = {});
  Statements(const Statements&) = delete;
  Statements& operator=(const Statements&) = delete;

  // What the lexer says of a text; the shape lives until the next.
  ErrorCode shape(Bytes statement, sql::LexerOptions options, sql::Shape& shape);
  // nullptr when nothing is known of it.
  [[nodiscard]] const sql::Facts* find(const sql::ShapeId& shape) { return known_ ? known_->find(shape) : nullptr; }
  // ok: `wait` is in the ring, and its session is woken when there are facts or room to ask for them; otherwise nobody
  // will ever say.
  ErrorCode ask(std::uint64_t source, const sql::Shape& shape, FactsWait& wait, Session* session);

  // Once a burst: what the helpers answered; `wake` is called for sessions that have something to do.
  template <class Wake>
  void take(const Wake& wake) {
    if (!pending()) return;
    sql::Answer answer;
    bool is_room = parsers_->under_way(worker_) == 0;
    while (parsers_->poll(worker_, answer)) {
      is_room = true;
      FactsWait* const ring = learn(answer);
      while (ring != nullptr && wake_first(*ring, wake)) {
      }
    }
    // Whom the bound of its source keeps from asking goes to the end of the queue.
    for (std::size_t i = 0; is_room && i < kWokenToAsk && wake_first(crowd_, wake); ++i) {
    }
  }
  // Something will be answered that no frame announces.
  [[nodiscard]] bool pending() const {
    return parsers_ != nullptr && (parsers_->under_way(worker_) != 0 || crowd_.is_waiting());
  }

 private:
  static constexpr std::size_t kWokenToAsk = 64;  // in one burst

  // A shape of which a helper is asked.
  struct Asked {
    sql::ShapeId shape;
    bool is_asked = false;
    FactsWait ring;
  };

  FactsWait* learn(sql::Answer& answer);
  template <class Wake>
  static bool wake_first(FactsWait& ring, const Wake& wake) {
    if (!ring.is_waiting()) return false;
    FactsWait& first = *ring.next_;
    first.leave();
    if (first.session_ != nullptr) wake(*first.session_);
    return true;
  }

  sql::ParserPool* parsers_;
  unsigned worker_;
  // Only where there are helpers.
  std::unique_ptr<sql::Shaper> shaper_;
  std::unique_ptr<sql::FactsCache> known_;
  std::vector<Asked> asked_;  // as many as the pool has jobs
  FactsWait crowd_;
};

}  // namespace sluice::session
