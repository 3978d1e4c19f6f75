// Helper threads that ask the grammar for workers: a worker posts the skeleton of a shape that it does not know and
// goes on; the facts come back on a ring of its own, which it polls. Neither side waits for the other but a helper for
// work.
//
// What always holds: everything is bounded and taken at the beginning (jobs of each worker, their text), so a post
// allocates nothing; a worker has one helper, so both rings have one producer and one consumer; one source has at most
// so many jobs under way of a worker, so that it cannot keep the others' waiting; a shape under way is not posted
// twice. Overload is an ErrorCode, and the unit that asked waits or is refused, as its service says. Helpers run where
// the thread may that makes the pool: not a worker's.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "common/error.h"
#include "common/spsc_ring.h"
#include "dataplane/sql/cache.h"
#include "dataplane/sql/facts.h"
#include "dataplane/sql/shape.h"

namespace sluice::sql {

struct ParserPoolConfig {
  std::uint32_t workers = 1;
  std::uint32_t helpers = 1;      // no more than workers
  std::uint32_t jobs = 64;        // of a worker, under way
  std::uint32_t source_jobs = 8;  // of those, one source's
  std::uint32_t text_bytes = 64 * 1024;
  std::uint32_t retired = 256;  // of a worker, on their way to be freed
  FactsBounds facts{};
};

struct Answer {
  ShapeId shape;
  SharedFacts facts;  // never null
};

class ParserPool {
 public:
  explicit ParserPool(const ParserPoolConfig& config);
  // What is under way is finished, and forgotten.
  ~ParserPool();
  ParserPool(const ParserPool&) = delete;
  ParserPool& operator=(const ParserPool&) = delete;

  // --- a worker, each with its own number
  // ok: an answer for this shape comes, or was on its way already. sql_helpers_busy, sql_source_busy: ask again later.
  ErrorCode post(std::uint32_t worker, std::uint64_t source, const ShapeId& shape, std::string_view skeleton);
  // False when nothing came.
  bool poll(std::uint32_t worker, Answer& answer);
  // What the cache gave up: freed by the helper, or here when it has no time.
  void retire(std::uint32_t worker, SharedFacts facts);
  [[nodiscard]] std::uint32_t under_way(std::uint32_t worker) const;
  // Of one worker.
  [[nodiscard]] std::uint32_t most_under_way() const { return config_.jobs; }

 private:
  struct Worker;
  struct Helper;

  ParserPoolConfig config_;
  std::vector<std::unique_ptr<Worker>> workers_;
  std::vector<std::unique_ptr<Helper>> helpers_;
};

}  // namespace sluice::sql
