// The data plane's configuration: every key, what is wrong and where, and what DPDK is told.
#include "dataplane/config.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "dataplane/eal.h"

namespace sluice {
namespace {

const std::string kPorts = "ports:\n  client: {tap: sl0, netns: lab}\n  server: {pci: \"0000:01:00.1\"}\n";

std::string problem(const std::string& yaml) {
  const auto config = parse_config(yaml, "d.yaml");
  return config ? "" : config.error().message();
}

bool has(const std::vector<std::string>& arguments, std::string_view argument) {
  return std::ranges::find(arguments, argument) != arguments.end();
}

TEST(Config, ReadsEveryKey) {
  const auto config = parse_config(kPorts + R"(worker_core: 1
idle: adaptive
hugepages: off
sessions: 1000
buffers: {frames: 1024, jumbos: 300, views: 2048, blocks: 512}
keepalives: relay
telemetry: on
archive: {directory: /a, segment_bytes: 64MiB, pages: 16, group_commit_ms: 3}
channel: /c
bundle: /b
public_key: /k
run: /r
)",
                                   "d.yaml");
  ASSERT_TRUE(config) << config.error().message();
  EXPECT_EQ(config->client.tap, "sl0");
  EXPECT_EQ(config->client.netns, "lab");
  EXPECT_EQ(config->server.pci, "0000:01:00.1");
  EXPECT_EQ(config->worker_core, 1U);
  EXPECT_EQ(config->idle, worker::Idle::adaptive);
  EXPECT_FALSE(config->hugepages);
  EXPECT_EQ(config->sessions, 1000U);
  EXPECT_TRUE(config->relay_keepalives);
  EXPECT_TRUE(config->telemetry);
  EXPECT_EQ(config->buffers.frames, 1024U);
  EXPECT_EQ(config->buffers.jumbos, 300U);
  EXPECT_EQ(config->buffers.views, 2048U);
  EXPECT_EQ(config->buffers.blocks, 512U);
  EXPECT_EQ(config->archive_directory, "/a");
  EXPECT_EQ(config->segment_bytes, 64U << 20);
  EXPECT_EQ(config->record_pages, 16U);
  EXPECT_EQ(config->group_commit_ms, 3U);
  EXPECT_EQ(config->channel, "/c");
  EXPECT_EQ(config->bundle, "/b");
  EXPECT_EQ(config->public_key, "/k");
  EXPECT_EQ(config->run, "/r");
}

TEST(Config, OnlyThePortsAreNeeded) {
  const auto config = parse_config(kPorts, "d.yaml");
  ASSERT_TRUE(config) << config.error().message();
  EXPECT_EQ(config->idle, worker::Idle::poll);
  EXPECT_TRUE(config->hugepages);
}

TEST(Config, SaysWhereAndWhatWouldBeRight) {
  EXPECT_NE(problem("idle: poll\n").find("ports"), std::string::npos);
  EXPECT_NE(problem(kPorts + "sessions: 3\n").find("d.yaml:4:11"), std::string::npos)
      << problem(kPorts + "sessions: 3\n");
  EXPECT_NE(problem(kPorts + "idle: lazy\n").find("adaptive"), std::string::npos);
  EXPECT_NE(problem(kPorts + "unknown: 3\n").find("d.yaml:4:1"), std::string::npos);
  EXPECT_NE(problem(kPorts + "archive: {pages: 1}\n").find("d.yaml:4:18"), std::string::npos);
  const std::string two = problem(kPorts + "sessions: 3\nworker_core: 5000\n");
  EXPECT_NE(two.find("d.yaml:4:"), std::string::npos) << two;
  EXPECT_NE(two.find("d.yaml:5:"), std::string::npos) << two;
}

TEST(Config, APortIsOneThing) {
  EXPECT_NE(problem("ports:\n  client: {tap: a, vdev: b}\n  server: {tap: c}\n").find("one of tap, vdev and pci"),
            std::string::npos);
  EXPECT_NE(problem("ports:\n  client: {}\n  server: {tap: c}\n"), "");
  EXPECT_NE(problem("ports:\n  client: {vdev: v, netns: n}\n  server: {tap: c}\n").find("netns goes with tap"),
            std::string::npos);
}

TEST(Eal, TheRestOfTheProcessKeepsOffTheWorkersCore) {
  const auto config = parse_config(kPorts + "worker_core: 1\n", "d.yaml");
  ASSERT_TRUE(config);
  EXPECT_TRUE(has(eal_arguments(*config, 4, true), "--lcores=0@(0,2,3),1@1"));
  EXPECT_TRUE(has(eal_arguments(*config, 4, true), "--allow=0000:01:00.1"));
  EXPECT_FALSE(has(eal_arguments(*config, 4, true), "--no-pci"));
  EXPECT_FALSE(has(eal_arguments(*config, 4, true), "--no-huge"));
  EXPECT_TRUE(has(eal_arguments(*config, 4, true), "--in-memory"));
}

TEST(Eal, MemoryThatVirtioUserSharesIsOneFile) {
  const auto config =
      parse_config("ports:\n  client: {vdev: \"net_virtio_user0,path=/a\"}\n  server: {tap: a}\n", "d.yaml");
  ASSERT_TRUE(config);
  EXPECT_TRUE(has(eal_arguments(*config, 2, true), "--single-file-segments"));
  EXPECT_FALSE(has(eal_arguments(*config, 2, false), "--single-file-segments"));
  const auto other = parse_config(kPorts, "d.yaml");
  ASSERT_TRUE(other);
  EXPECT_FALSE(has(eal_arguments(*other, 2, true), "--single-file-segments"));
}

TEST(Eal, WithoutHugepagesAndDevices) {
  const auto config =
      parse_config("ports:\n  client: {tap: a}\n  server: {vdev: \"net_af_packet0,iface=eth1\"}\n", "d.yaml");
  ASSERT_TRUE(config);
  const auto arguments = eal_arguments(*config, 1, false);
  EXPECT_TRUE(has(arguments, "--lcores=0@(0),1@0"));
  EXPECT_TRUE(has(arguments, "--no-huge"));
  EXPECT_TRUE(has(arguments, "--no-pci"));
  EXPECT_TRUE(has(arguments, "--vdev=net_af_packet0,iface=eth1"));
}

}  // namespace
}  // namespace sluice
