#include "bench/support/generated_archive.h"

#include <sys/stat.h>

#include <array>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <random>
#include <stdexcept>
#include <thread>
#include <vector>

#include "bench/support/http_content.h"
#include "common/session_id.h"
#include "dataplane/record/writer.h"
#include "tests/unit/dataplane/inspect/corpus.h"

namespace sluice::bench {
namespace {

constexpr WallNs kStart = 1'790'000'000 * kSecond;
constexpr DurationNs kMonth = 30 * 24 * 3600 * kSecond;
constexpr std::size_t kServices = 8;
constexpr std::size_t kPrincipals = 1000;
constexpr std::size_t kRoom = 256 * 1024;
constexpr auto kWriterPause = std::chrono::microseconds(50);
constexpr auto kQuiet = std::chrono::hours(1);
const std::string kRequest =
    "GET /api/v1/orders/1042 HTTP/1.1\r\nHost: orders.example.internal\r\nUser-Agent: batch/2.1\r\n"
    "Accept: application/json\r\n\r\n";
const std::string kResponse =
    "HTTP/1.1 200 OK\r\nServer: nginx/1.22.1\r\nContent-Type: application/json\r\nContent-Length: 96\r\n\r\n";

void fill(MutableBytes to, std::string_view from) {
  std::memcpy(to.data(), from.data(), to.size());
}

}  // namespace

// Records as a worker does, and knows how much content that was.
class SessionWriter {
 public:
  explicit SessionWriter(record::Recorder& recorder) : recorder_(recorder) {}

  void open(const record::Subject& who, WallNs wall) {
    while (!recorder_.has_room(kRoom)) std::this_thread::sleep_for(kWriterPause);
    recorder_.open(who,
                   {.client_address = 0x0a4d0001,
                    .client_port = 40000,
                    .server_address = 0x0a4d0002,
                    .server_port = 8080,
                    .protocol = 0},
                   wall);
  }
  void message(const record::Subject& who, std::uint32_t unit, Direction direction, std::string_view head,
               std::string_view body, WallNs wall) {
    while (!recorder_.has_room(kRoom)) std::this_thread::sleep_for(kWriterPause);
    fill(recorder_.head(who, {.unit = unit, .direction = direction}, head.size(), wall), head);
    for (std::size_t at = 0; at < body.size(); at += record::kMaxSliceBytes) {
      const std::string_view piece = body.substr(at, record::kMaxSliceBytes);
      fill(recorder_.slice(who, {.unit = unit, .direction = direction, .offset = at}, piece.size(), wall), piece);
    }
    recorder_.end(who, {.unit = unit, .direction = direction, .policy_version = 7, .body_bytes = body.size()}, wall);
    content_bytes_ += head.size() + body.size();
  }
  void close(const record::Subject& who, std::uint32_t units, WallNs wall) {
    recorder_.close(who, {.request_bytes = 600, .response_bytes = 900, .units = units}, wall);
    recorder_.flush(wall);
  }
  void flush(WallNs wall) {
    recorder_.urge();
    recorder_.flush(wall);
  }
  [[nodiscard]] std::uint64_t content_bytes() const { return content_bytes_; }

 private:
  record::Recorder& recorder_;
  std::uint64_t content_bytes_ = 0;
};

template <class Fill>
void GeneratedArchive::record(Fill&& fill_in) {
  std::filesystem::create_directories(directory_.path());
  const auto begin = std::chrono::steady_clock::now();
  auto archive = record::ArchiveWriter::start({.directory = root()}, 1);
  if (!archive) throw std::runtime_error(archive.error().message());
  SessionWriter writer((*archive)->recorder(0));
  fill_in(writer);
  if (auto stopped = (*archive)->stop(); !stopped) throw std::runtime_error(stopped.error().message());
  const record::ArchiveStatus status = (*archive)->status();
  if (status.records_durable != status.records_appended || status.gap_records > 0)
    throw std::runtime_error("the generated archive is not whole");
  records_ = status.records_durable;
  content_bytes_ = writer.content_bytes();
  seconds_ = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  settle();
}

GeneratedArchive::GeneratedArchive(const MonthConfig& config) {
  record([&](SessionWriter& writer) {
    std::mt19937_64 random(config.seed);
    const std::string body = inspect::json_corpus(config.seed, 96, 0);
    const DurationNs apart = kMonth / config.sessions;
    const std::size_t rare_every = std::max<std::size_t>(config.sessions / kRareSessions, 1);
    SessionIds ids(0, kStart);
    std::array<std::string, kServices> services;
    for (std::size_t i = 0; i < services.size(); ++i) services[i] = "service-" + std::to_string(i);
    std::vector<std::string> principals;
    for (std::size_t i = 0; i < kPrincipals; ++i) principals.push_back("job-" + std::to_string(i));
    for (std::size_t i = 0; i < config.sessions; ++i) {
      const bool is_rare = i % rare_every == rare_every / 2 && i / rare_every < kRareSessions;
      const std::string_view caller = is_rare ? kRarePrincipal : std::string_view(principals[random() % kPrincipals]);
      const record::Subject who{.session = ids.next(),
                                .service = services[random() % kServices],
                                .record_class = "routine",
                                .principal = caller};
      const WallNs wall = kStart + i * apart;
      writer.open(who, wall);
      writer.message(who, 0, Direction::request, kRequest, "", wall + kMillisecond);
      writer.message(who, 0, Direction::response, kResponse, body, wall + 2 * kMillisecond);
      writer.close(who, 1, wall + 3 * kMillisecond);
    }
    writer.flush(kStart + kMonth);
  });
}

GeneratedArchive::GeneratedArchive(const ContentConfig& config) {
  record([&](SessionWriter& writer) {
    constexpr std::array<std::size_t, 10> kBodies = {1024, 1024,     1024,     1024,     1024,
                                                     1024, 8 * 1024, 8 * 1024, 8 * 1024, 64 * 1024};
    SessionIds ids(0, kStart);
    const std::string request = browser_request();
    WallNs wall = kStart;
    for (std::size_t session = 0; session < config.sessions; ++session) {
      const record::Subject who{
          .session = ids.next(), .service = "orders", .record_class = "routine", .principal = "ci-chunker"};
      writer.open(who, wall);
      for (std::size_t unit = 0; unit < config.exchanges; ++unit) {
        const std::size_t bytes = kBodies[(session + unit) % kBodies.size()];
        const std::string body =
            inspect::json_corpus(config.seed + session * config.exchanges + unit, bytes, kBytesBetweenMatches);
        const auto number = static_cast<std::uint32_t>(unit);
        writer.message(who, number, Direction::request, request, "", wall += kMillisecond);
        writer.message(who, number, Direction::response, response_head(bytes), body, wall += kMillisecond);
      }
      writer.close(who, static_cast<std::uint32_t>(config.exchanges), wall += kMillisecond);
    }
    writer.flush(wall);
  });
}

std::uint64_t GeneratedArchive::disk_bytes() const {
  std::uint64_t bytes = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(root())) {
    struct stat file{};
    if (entry.path().extension() == ".seg" && ::stat(entry.path().c_str(), &file) == 0)
      bytes += static_cast<std::uint64_t>(file.st_blocks) * 512;
  }
  return bytes;
}

// Nothing moves in most of a month's archive; what was written a moment ago is looked at again and again.
void GeneratedArchive::settle() const {
  const auto before = std::filesystem::file_time_type::clock::now() - kQuiet;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(root()))
    std::filesystem::last_write_time(entry.path(), before);
}

}  // namespace sluice::bench
