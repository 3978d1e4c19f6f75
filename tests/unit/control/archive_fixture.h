// A small archive on disk, written record by record: exchanges of sessions, in blocks that a test cuts.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <vector>

#include "common/error.h"
#include "common/file.h"
#include "common/session_id.h"
#include "common/unit.h"
#include "control/archive/index.h"
#include "schema/session_log_generated.h"
#include "tests/support/temp_dir.h"
#include "tests/unit/segment/segment_fixture.h"

namespace sluice::control::test {

namespace log = sluice::schema::log;

inline constexpr WallNs kStart = 1'700'000'000 * kSecond;

// Makes records in the order in which a worker would.
class RecordMaker {
 public:
  using Record = std::vector<std::uint8_t>;

  Record open(SessionId session, log::Protocol protocol = log::Protocol::http) {
    return make(session,
                [&](auto& b) { return log::CreateSessionOpen(b, 0x0a4d0001, 40000, 0x0a4d0002, 8080, protocol); });
  }
  Record head(SessionId session, std::uint32_t unit, Direction direction, const std::string& text,
              bool synthesized = false) {
    return make(session, [&](auto& b) {
      const auto bytes = bytes_of(b, text);
      return log::CreateUnitHead(b, unit, static_cast<log::Direction>(direction), false, synthesized, bytes);
    });
  }
  Record slice(SessionId session, std::uint32_t unit, Direction direction, std::uint64_t offset,
               const std::string& text) {
    return make(session, [&](auto& b) {
      const auto bytes = bytes_of(b, text);
      return log::CreateSlice(b, unit, static_cast<log::Direction>(direction), offset, false, bytes);
    });
  }
  Record end(SessionId session, std::uint32_t unit, Direction direction, std::uint64_t body_bytes,
             Verdict verdict = Verdict::pass, std::uint32_t hits = 0) {
    return make(session, [&](auto& b) {
      const std::vector<log::RuleHits> rule_hits(hits > 0 ? 1 : 0, log::RuleHits(0, hits));
      const std::vector<std::string> names(hits > 0 ? 1 : 0, "pii/card");
      const auto hits_vector = b.CreateVectorOfStructs(rule_hits);
      const auto names_vector = b.CreateVectorOfStrings(names);
      return log::CreateUnitEnd(b, unit, static_cast<log::Direction>(direction), static_cast<log::Verdict>(verdict), 0,
                                3, body_bytes, true, hits_vector, names_vector, false);
    });
  }
  // Of an answer of PostgreSQL.
  Record answered(SessionId session, std::uint32_t unit, std::uint64_t body_bytes, std::uint64_t duration_ns,
                  char transaction) {
    return make(session, [&](auto& b) {
      log::UnitEndBuilder end(b);
      end.add_unit(unit);
      end.add_direction(log::Direction::response);
      end.add_complete(true);
      end.add_body_bytes(body_bytes);
      end.add_duration_ns(duration_ns);
      end.add_transaction(static_cast<std::uint8_t>(transaction));
      end.add_rows(3);
      return end.Finish();
    });
  }
  Record close(SessionId session) {
    return make(session, [](auto& b) { return log::CreateSessionClose(b, 0, 1000, 2000, 1); });
  }
  // A whole exchange.
  std::vector<Record> exchange(SessionId session, std::uint32_t unit, const std::string& request,
                               const std::string& request_body, const std::string& response,
                               const std::string& response_body, std::uint32_t response_hits = 0) {
    std::vector<Record> out;
    out.push_back(head(session, unit, Direction::request, request));
    if (!request_body.empty()) out.push_back(slice(session, unit, Direction::request, 0, request_body));
    out.push_back(end(session, unit, Direction::request, request_body.size()));
    out.push_back(head(session, unit, Direction::response, response));
    if (!response_body.empty()) out.push_back(slice(session, unit, Direction::response, 0, response_body));
    out.push_back(end(session, unit, Direction::response, response_body.size(),
                      response_hits > 0 ? Verdict::mask : Verdict::pass, response_hits));
    return out;
  }

 private:
  static flatbuffers::Offset<flatbuffers::Vector<std::uint8_t>> bytes_of(flatbuffers::FlatBufferBuilder& builder,
                                                                         const std::string& text) {
    return builder.CreateVector(as_bytes(text).data(), text.size());
  }

  template <class T>
  static constexpr log::Body type_of(flatbuffers::Offset<T>) {
    return log::BodyTraits<T>::enum_value;
  }

  template <class MakeBody>
  Record make(SessionId session, const MakeBody& make_body) {
    flatbuffers::FlatBufferBuilder builder;
    const auto body = make_body(builder);
    const auto service = builder.CreateString("orders");
    const auto record_class = builder.CreateString("routine");
    const auto principal = builder.CreateString("ci");
    ++sequence_;
    const auto record = log::CreateRecord(builder, sequence_, session, 0, kStart + sequence_ * kMillisecond, service,
                                          record_class, principal, false, type_of(body), body.Union());
    builder.FinishSizePrefixed(record);
    Record bytes(builder.GetBufferPointer(), builder.GetBufferPointer() + builder.GetSize());
    return bytes;
  }

  std::uint64_t sequence_ = 0;
};

// An archive of one segment that grows block by block, and an index over it.
class Archive {
 public:
  Archive() {
    std::filesystem::create_directories(root() + "/orders/routine/20231114");
    index_ = open_index();
  }
  [[nodiscard]] std::string root() const { return dir_.file("archive"); }
  [[nodiscard]] std::string segment() const { return root() + "/orders/routine/20231114/00000000000000000042.seg"; }

  Archive& block(const std::vector<RecordMaker::Record>& records) {
    builder_.block(records);
    return *this;
  }
  Archive& seal() {
    builder_.seal();
    return *this;
  }
  void write() { ASSERT_TRUE(replace_file(segment(), builder_.bytes(), 0600)); }
  void refresh() {
    write();
    const auto complete = index_->refresh(Index::Clock::now() + std::chrono::seconds(60));
    ASSERT_TRUE(complete) << complete.error().message();
    ASSERT_TRUE(*complete);
  }
  std::unique_ptr<Index> open_index() {
    auto index = Index::open(dir_.file("index.db"), root());
    EXPECT_TRUE(index);
    return std::move(*index);
  }
  // As after a restart of control.
  void reopen() {
    index_.reset();
    index_ = open_index();
  }
  segment::test::SegmentBuilder& builder() { return builder_; }
  Index& index() { return *index_; }

 private:
  sluice::test::TempDir dir_;
  segment::test::SegmentBuilder builder_;
  std::unique_ptr<Index> index_;
};

}  // namespace sluice::control::test
