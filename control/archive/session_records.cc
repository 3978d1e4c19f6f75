// See session_records.h.
#include "control/archive/session_records.h"

#include <optional>

namespace sluice::control {

Result<SessionRecords> SessionRecords::open(Index& index, SessionId id) {
  if (const auto row = index.find(id); !row) return std::unexpected(row.error());
  auto runs = index.runs(id);
  if (!runs) return std::unexpected(runs.error());
  return SessionRecords(id, std::move(*runs));
}

Result<bool> SessionRecords::read_run(segment::Reader& reader, const RecordPlace& from,
                                      const RecordFn& on_record) const {
  const BlockRun& run = runs_[from.run];
  const std::uint64_t end = run.first.block + run.blocks;
  bool wanted = true;
  bool ended = false;
  const auto walk = reader.follow(from.block, [&](const schema::log::Record& record, const segment::Location& at) {
    ended = at.block >= end;
    if (ended) return false;
    if (record.session() == id_) wanted = on_record(record, {from.run, {at.block_offset, at.block}});
    return wanted;
  });
  if (!walk) return std::unexpected(walk.error());
  if (wanted && !ended && walk->next.block < end)
    return fail(ErrorCode::segment_bad_checksum,
                "block " + std::to_string(walk->next.block) + " of " + run.path + " cannot be read");
  return wanted;
}

Result<void> SessionRecords::for_each(const RecordPlace& from, const RecordFn& on_record) const {
  std::optional<segment::Reader> reader;
  for (std::size_t i = from.run; i < runs_.size(); ++i) {
    if (!reader || runs_[i].path != runs_[i - 1].path) {
      auto opened = segment::Reader::open(runs_[i].path);
      if (!opened) return std::unexpected(opened.error());
      reader.emplace(std::move(*opened));
    }
    const auto goes_on = read_run(*reader, {i, i == from.run ? from.block : runs_[i].first}, on_record);
    if (!goes_on) return std::unexpected(goes_on.error());
    if (!*goes_on) return {};
  }
  return {};
}

}  // namespace sluice::control
