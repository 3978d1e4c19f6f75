// What the recording tests share: a lane with its recorder, and a look at what stands in pages and segments.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "dataplane/record/lane.h"
#include "dataplane/record/worker_recorder.h"
#include "schema/session_log_generated.h"
#include "segment/reader.h"

namespace sluice::record::test {

inline constexpr WallNs kToday = 1'800'000'000 * kSecond;  // some day at 08:00 UTC
inline constexpr std::size_t kPageBytes = 256 * 1024;

inline Subject subject_of(std::string_view service = "orders", SessionId session = 7) {
  return {.session = session, .service = service, .record_class = "routine", .principal = "ci"};
}

// Bytes that a test recognises: they depend on the session, the place and nothing else.
inline std::uint8_t pattern(SessionId session, std::size_t at) {
  return static_cast<std::uint8_t>(session * 31 + at * 7 + at / 251);
}
inline void fill_pattern(MutableBytes bytes, SessionId session) {
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = pattern(session, i);
}
inline bool holds_pattern(const flatbuffers::Vector<std::uint8_t>& bytes, SessionId session) {
  for (flatbuffers::uoffset_t i = 0; i < bytes.size(); ++i)
    if (bytes[i] != pattern(session, i)) return false;
  return true;
}

// The record, verified; it lives in the page.
inline const schema::log::Record& verified(Bytes bytes) {
  flatbuffers::Verifier verifier(bytes.data(), bytes.size());
  EXPECT_TRUE(schema::log::VerifySizePrefixedRecordBuffer(verifier));
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(bytes.data()) % 8, 0U);
  return *schema::log::GetSizePrefixedRecord(bytes.data());
}

struct OneWorker {
  explicit OneWorker(std::size_t pages = 4) : lane(3, pages, kPageBytes), recorder(lane, doorbell, kMillisecond) {}

  // The pages that were handed over.
  std::vector<Page*> taken() {
    std::vector<Page*> pages;
    for (Page* page = nullptr; lane.full.pop(page);) pages.push_back(page);
    return pages;
  }

  Lane lane;
  Doorbell doorbell;
  WorkerRecorder recorder;
};

// What one archive holds, by worker: the sequences in the order of the file that has them.
struct ArchiveContents {
  std::map<unsigned, std::map<std::uint64_t, std::string>> records;  // worker → sequence → file
  std::uint64_t duplicates = 0;
  std::uint64_t disordered = 0;
  std::uint64_t misfiled = 0;
  std::uint64_t bad_payload = 0;
  std::uint64_t damages = 0;
  std::uint64_t sealed = 0;
  std::uint64_t torn = 0;
  std::uint64_t gap_records = 0;

  void add(const std::string& path, Bytes bytes) {
    auto reader = segment::Reader::open(segment::memory_source(bytes));
    ASSERT_TRUE(reader.has_value()) << reader.error().message();
    std::map<unsigned, std::uint64_t> last;
    const auto walk = reader->for_each_record([&](const schema::log::Record& record, const segment::Location&) {
      if (record.service()->str() != reader->header().service ||
          segment::period_of(record.wall_ns()) != reader->header().period)
        ++misfiled;
      if (!records[record.worker()].emplace(record.sequence(), path).second) ++duplicates;
      if (record.sequence() <= last[record.worker()]) ++disordered;
      last[record.worker()] = record.sequence();
      if (const auto* slice = record.body_as_Slice();
          slice != nullptr && !holds_pattern(*slice->bytes(), record.session()))
        ++bad_payload;
      if (const auto* gap = record.body_as_Gap()) gap_records += gap->records();
      return true;
    });
    ASSERT_TRUE(walk.has_value());
    damages += walk->damage_count;
    sealed += walk->tail == segment::Tail::sealed ? 1 : 0;
    torn += walk->tail == segment::Tail::torn ? 1 : 0;
  }
  [[nodiscard]] bool has_all(unsigned worker, std::uint64_t through) {
    const auto& of_worker = records[worker];
    for (std::uint64_t sequence = 1; sequence <= through; ++sequence)
      if (!of_worker.contains(sequence)) return false;
    return true;
  }
  [[nodiscard]] bool sound() const {
    return duplicates == 0 && disordered == 0 && misfiled == 0 && bad_payload == 0 && damages == 0;
  }
};

}  // namespace sluice::record::test
