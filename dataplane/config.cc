// See config.h.
#include "dataplane/config.h"

#include "common/file.h"
#include "rules/fields.h"

namespace sluice {
namespace {

using rules::Fields;
using rules::Report;
using rules::YamlNode;

constexpr std::size_t kMaxConfigBytes = 64 * 1024;

void read_port(const YamlNode& node, PortConfig& port, Report& report) {
  Fields fields(node, "a port", report);
  const YamlNode* tap = fields.get("tap");
  const YamlNode* netns = fields.get("netns");
  const YamlNode* vdev = fields.get("vdev");
  const YamlNode* pci = fields.get("pci");
  fields.finish();
  const auto text = [&report](const YamlNode* from, std::string& to) {
    if (from == nullptr) return;
    if (auto read = rules::read_text(*from, report)) to = std::move(*read);
  };
  text(tap, port.tap);
  text(netns, port.netns);
  text(vdev, port.vdev);
  text(pci, port.pci);
  if ((tap != nullptr) + (vdev != nullptr) + (pci != nullptr) != 1)
    report.add(fields.position(), "a port is one of tap, vdev and pci", "for example {pci: \"0000:01:00.0\"}");
  if (netns != nullptr && tap == nullptr) report.add(netns->key_position, "netns goes with tap", "remove it");
}

template <class Read, class To>
void read_into(const YamlNode* node, To& to, Read&& read) {
  if (node == nullptr) return;
  if (auto value = read(*node)) to = static_cast<To>(*value);
}

void read_archive(const YamlNode& node, DataplaneConfig& config, Report& report) {
  Fields fields(node, "the archive", report);
  read_into(fields.get("directory"), config.archive_directory,
            [&](const YamlNode& n) { return rules::read_text(n, report); });
  read_into(fields.get("segment_bytes"), config.segment_bytes,
            [&](const YamlNode& n) { return rules::read_size(n, 1U << 20, 1U << 31, report); });
  read_into(fields.get("pages"), config.record_pages,
            [&](const YamlNode& n) { return rules::read_number(n, 8, 4096, report); });
  read_into(fields.get("group_commit_ms"), config.group_commit_ms,
            [&](const YamlNode& n) { return rules::read_number(n, 0, 1000, report); });
  fields.finish();
}

void read_buffers(const YamlNode& node, buffer::PoolSizes& sizes, Report& report) {
  Fields fields(node, "the buffers", report);
  const auto count = [&](const YamlNode& n) { return rules::read_number(n, 256, 1U << 24, report); };
  read_into(fields.get("frames"), sizes.frames, count);
  read_into(fields.get("jumbos"), sizes.jumbos, count);
  read_into(fields.get("views"), sizes.views, count);
  read_into(fields.get("blocks"), sizes.blocks, count);
  fields.finish();
}

void read_limits(const YamlNode& node, ConnectionLimits& limits, Report& report) {
  Fields fields(node, "the limits", report);
  const auto count = [&](const YamlNode& n) { return rules::read_number(n, 0, 1U << 24, report); };
  read_into(fields.get("half_open"), limits.half_open,
            [&](const YamlNode& n) { return rules::read_number(n, 1, 1U << 24, report); });
  read_into(fields.get("half_open_per_source"), limits.half_open_per_source, count);
  read_into(fields.get("sessions_per_source"), limits.sessions_per_source, count);
  read_into(fields.get("sessions_per_service"), limits.sessions_per_service, count);
  fields.finish();
}

}  // namespace

Result<DataplaneConfig> parse_config(std::string_view yaml, std::string_view file_name) {
  auto tree = rules::parse_yaml(yaml, file_name);
  if (!tree) return std::unexpected(rules::to_error(tree.error()));
  Report report(file_name);
  DataplaneConfig config;
  Fields fields(*tree, "the configuration", report);
  if (const YamlNode* ports = fields.need("ports", "ports: {client: {pci: \"0000:01:00.0\"}, server: ...}")) {
    Fields sides(*ports, "the ports", report);
    if (const YamlNode* client = sides.need("client", "client: {pci: \"0000:01:00.0\"}"))
      read_port(*client, config.client, report);
    if (const YamlNode* server = sides.need("server", "server: {pci: \"0000:01:00.1\"}"))
      read_port(*server, config.server, report);
    sides.finish();
  }
  const auto text = [&](const YamlNode& n) { return rules::read_text(n, report); };
  static constexpr rules::Word<worker::Idle> kIdle[] = {{"poll", worker::Idle::poll},
                                                        {"adaptive", worker::Idle::adaptive}};
  static constexpr rules::Word<bool> kHugepages[] = {{"auto", true}, {"off", false}};
  static constexpr rules::Word<bool> kTelemetry[] = {{"off", false}, {"on", true}};
  static constexpr rules::Word<bool> kKeepalives[] = {{"answer", false}, {"relay", true}};
  read_into(fields.get("worker_core"), config.worker_core,
            [&](const YamlNode& n) { return rules::read_number(n, 0, 1023, report); });
  read_into(fields.get("idle"), config.idle, [&](const YamlNode& n) { return rules::read_choice(n, kIdle, report); });
  read_into(fields.get("hugepages"), config.hugepages,
            [&](const YamlNode& n) { return rules::read_choice(n, kHugepages, report); });
  read_into(fields.get("sessions"), config.sessions,
            [&](const YamlNode& n) { return rules::read_number(n, 16, 1U << 24, report); });
  read_into(fields.get("keepalives"), config.relay_keepalives,
            [&](const YamlNode& n) { return rules::read_choice(n, kKeepalives, report); });
  read_into(fields.get("telemetry"), config.telemetry,
            [&](const YamlNode& n) { return rules::read_choice(n, kTelemetry, report); });
  if (const YamlNode* limits = fields.get("limits")) read_limits(*limits, config.limits, report);
  if (const YamlNode* buffers = fields.get("buffers")) read_buffers(*buffers, config.buffers, report);
  if (const YamlNode* archive = fields.get("archive")) read_archive(*archive, config, report);
  read_into(fields.get("channel"), config.channel, text);
  read_into(fields.get("bundle"), config.bundle, text);
  read_into(fields.get("public_key"), config.public_key, text);
  read_into(fields.get("run"), config.run, text);
  fields.finish();
  if (!report.empty()) return std::unexpected(Error{ErrorCode::bad_argument, rules::to_error(report.take()).detail});
  return config;
}

Result<DataplaneConfig> load_config(const std::string& path) {
  auto bytes = read_file(path, kMaxConfigBytes);
  if (!bytes) return std::unexpected(bytes.error());
  return parse_config(as_text(*bytes), path);
}

}  // namespace sluice
