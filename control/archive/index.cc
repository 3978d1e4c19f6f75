// Keeping the index: finding segments, reading on, storing. See index.h.
#include "control/archive/index.h"

#include "common/clock.h"
#include "common/log.h"
#include "control/archive/index_batch.h"

namespace sluice::control {
namespace {

constexpr std::uint64_t kSchemaVersion = 3;
constexpr const char* kSchema = R"(
  CREATE TABLE IF NOT EXISTS segments(
    id INTEGER PRIMARY KEY, path TEXT NOT NULL UNIQUE, segment_id INTEGER NOT NULL, sequence INTEGER NOT NULL,
    offset INTEGER NOT NULL, block INTEGER NOT NULL, done INTEGER NOT NULL, damages INTEGER NOT NULL);
  CREATE TABLE IF NOT EXISTS sessions(
    id INTEGER PRIMARY KEY, service TEXT NOT NULL, class TEXT NOT NULL, principal TEXT NOT NULL,
    verified INTEGER NOT NULL, client_address TEXT NOT NULL, client_port INTEGER NOT NULL,
    server_address TEXT NOT NULL, server_port INTEGER NOT NULL, opened INTEGER NOT NULL, last INTEGER NOT NULL,
    closed INTEGER NOT NULL, requests INTEGER NOT NULL, responses INTEGER NOT NULL, request_bytes INTEGER NOT NULL,
    response_bytes INTEGER NOT NULL, error INTEGER NOT NULL, verdict INTEGER NOT NULL, masked INTEGER NOT NULL,
    denied INTEGER NOT NULL, hits INTEGER NOT NULL, gap_records INTEGER NOT NULL,
    protocol INTEGER NOT NULL);
  CREATE INDEX IF NOT EXISTS sessions_by_opened ON sessions(opened);
  CREATE INDEX IF NOT EXISTS sessions_by_service ON sessions(service, opened);
  CREATE TABLE IF NOT EXISTS runs(
    session INTEGER NOT NULL, segment INTEGER NOT NULL, offset INTEGER NOT NULL, block INTEGER NOT NULL,
    blocks INTEGER NOT NULL, sequence INTEGER NOT NULL, PRIMARY KEY(session, segment, offset)) WITHOUT ROWID;
  PRAGMA user_version = 3;
)";
constexpr const char* kDropAll =
    "DROP TABLE IF EXISTS segments; DROP TABLE IF EXISTS sessions; DROP TABLE IF EXISTS runs;";

// A segment in which nothing moved for so long, and which is not read to its end, has its tail judged.
constexpr DurationNs kJudgeAfter = 10 * kSecond;

}  // namespace

Result<std::unique_ptr<Index>> Index::open(const std::string& path, const std::string& archive_root) {
  auto database = Database::open(path);
  if (!database) return std::unexpected(database.error());
  std::unique_ptr<Index> index(new Index(std::move(*database), archive_root));
  const auto version = index->database_.first_number("PRAGMA user_version");
  if (!version) return std::unexpected(version.error());
  const bool is_other = *version != kSchemaVersion;
  if (auto made = is_other ? index->start_over() : index->load_segments(); !made) return std::unexpected(made.error());
  return index;
}

Result<void> Index::start_over() {
  segments_.clear();
  files_ = SegmentFiles(files_.root());
  const std::lock_guard lock(mutex_);
  if (auto dropped = database_.run(kDropAll); !dropped) return dropped;
  return database_.run(kSchema);
}

Result<void> Index::load_segments() {
  auto select = database_.prepare("SELECT id, path, offset, block, segment_id, done FROM segments");
  if (!select) return std::unexpected(select.error());
  for (;;) {
    const auto row = select->step();
    if (!row) return std::unexpected(row.error());
    if (!*row) return {};
    Segment segment;
    segment.row = select->integer(0);
    segment.next = {select->number(2), select->number(3)};
    segment.segment_id = select->number(4);
    segment.done = select->integer(5) != 0;
    segments_.emplace(select->text(1), segment);
  }
}

Result<bool> Index::refresh(Clock::time_point deadline) {
  const std::lock_guard one_at_a_time(refreshing_);
  const auto found = files_.discover(wall_ns());
  if (!found) return std::unexpected(found.error());
  for (const std::string& path : *found) {
    if (auto adopted = adopt(path); !adopted) return std::unexpected(adopted.error());
  }
  bool complete = true;
  Error failed;  // one segment that cannot be read does not hide the others
  for (auto& [path, segment] : segments_) {
    if (segment.done) continue;
    const auto read_all = read(path, segment, deadline);
    if (!read_all) {
      if (read_all.error().code == ErrorCode::conflict) {
        log::warn("the archive's index is made anew: " + read_all.error().detail);
        if (auto cleared = start_over(); !cleared) return std::unexpected(cleared.error());
        return false;
      }
      failed = read_all.error();
      continue;
    }
    complete = complete && *read_all;
    if (Clock::now() >= deadline) return false;
  }
  if (failed.code != ErrorCode::ok) return std::unexpected(failed);
  return complete;
}

// Takes a segment into the index as soon as its header can be read.
Result<void> Index::adopt(const std::string& path) {
  if (segments_.contains(path)) return {};
  const auto reader = segment::Reader::open(files_.root() + "/" + path);
  if (!reader) return {};  // just created, or no segment; looked at again when its directory changes
  const std::lock_guard lock(mutex_);
  auto insert = database_.prepare(R"(
    INSERT INTO segments(path, segment_id, sequence, offset, block, done, damages) VALUES(?1, ?2, ?3, ?4, ?5, 0, 0)
    RETURNING id)");
  if (!insert) return std::unexpected(insert.error());
  Segment segment;
  segment.segment_id = reader->header().segment_id;
  insert->bind(1, path).bind(2, segment.segment_id).bind(3, reader->header().sequence);
  const auto row = insert->bind(4, segment.next.offset).bind(5, segment.next.block).step();
  if (!row) return std::unexpected(row.error());
  segment.row = insert->integer(0);
  if (auto end = insert->step(); !end) return std::unexpected(end.error());
  segments_.emplace(path, segment);
  return {};
}

// conflict: the file is not the one that was read before.
Result<bool> Index::read(const std::string& path, Segment& segment, Clock::time_point deadline) {
  const std::string full_path = files_.root() + "/" + path;
  const FileStamp stamp = stamp_of(full_path);
  if (stamp.modified == 0) {
    segment.done = true;  // removed; its sessions say so when they are read
    return true;
  }
  const WallNs now = wall_ns();
  const bool is_quiet = stamp.modified + kJudgeAfter < now;
  const bool unchanged = stamp == segment.read_at && stamp.modified + kStampSettles < now;
  if (unchanged && (segment.judged || !is_quiet)) return true;
  auto reader = segment::Reader::open(full_path);
  if (!reader) return std::unexpected(reader.error());
  if (reader->header().segment_id != segment.segment_id || stamp.size_bytes < segment.next.offset)
    return fail(ErrorCode::conflict, path + " is not the file that was read before");
  const auto complete = read_on(*reader, path, segment, is_quiet, deadline);
  if (complete && *complete) {
    segment.read_at = stamp;
    segment.judged = is_quiet;
  }
  return complete;
}

Result<bool> Index::read_on(segment::Reader& reader, const std::string& path, Segment& segment, bool judge,
                            Clock::time_point deadline) {
  for (;;) {
    Batch batch;
    const auto on_record = [&](const schema::log::Record& record, const segment::Location& at) {
      const bool late = at.record == 0 && !batch.empty() && Clock::now() >= deadline;
      return !late && batch.add(record, at);
    };
    const auto walk = judge ? reader.walk(segment.next, on_record) : reader.follow(segment.next, on_record);
    if (!walk) return std::unexpected(walk.error());
    if (walk->damage_count > 0)
      log::error(path + ": " + std::to_string(walk->damage_count) + " damaged places in the archive");
    if (auto stored = store(batch, segment, *walk); !stored) return std::unexpected(stored.error());
    if (!walk->stopped) return true;
    if (Clock::now() >= deadline) return false;
  }
}

Result<void> Index::store(Batch& batch, Segment& segment, const segment::Walk& walk) {
  const bool done = !walk.stopped && walk.tail == segment::Tail::sealed;
  if (batch.empty() && walk.next == segment.next && !done) return {};
  const std::lock_guard lock(mutex_);
  auto transaction = Transaction::begin(database_);
  if (!transaction) return std::unexpected(transaction.error());
  if (auto written = batch.write(database_, segment.row); !written) return written;
  auto update =
      database_.prepare("UPDATE segments SET offset = ?2, block = ?3, done = ?4, damages = damages + ?5 WHERE id = ?1");
  if (!update) return std::unexpected(update.error());
  update->bind(1, segment.row).bind(2, walk.next.offset).bind(3, walk.next.block).bind(4, std::uint64_t{done});
  if (auto updated = update->bind(5, walk.damage_count).run(); !updated) return updated;
  if (auto committed = transaction->commit(); !committed) return committed;
  segment.next = walk.next;
  segment.done = done;
  return {};
}

}  // namespace sluice::control
