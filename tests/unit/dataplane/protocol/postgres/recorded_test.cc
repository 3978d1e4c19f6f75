// What real clients said to a PostgreSQL 15 and what it answered (the corpus of the fuzzer): all of it is understood,
// every question has its answer in the end, and all cells are known by their columns.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "tests/unit/dataplane/protocol/postgres/recording.h"

namespace sluice::postgres {
namespace {

std::string recorded(const std::string& name) {
  std::ifstream file(std::filesystem::path(SLUICE_TEST_RECORDINGS) / ("recorded_" + name), std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

class Recorded : public testing::TestWithParam<const char*> {};

TEST_P(Recorded, IsUnderstoodHoweverItIsCut) {
  const std::string recording = recorded(GetParam());
  ASSERT_FALSE(recording.empty());
  const Played whole = play(recording, {}, recording.size());
  EXPECT_EQ(error_name(whole.error), error_name(ErrorCode::ok));
  EXPECT_EQ(whole.open_questions, GetParam() == std::string("replication") ? 1U : 0U);  // it was cut off
  EXPECT_EQ(whole.log.find("(?)"), std::string::npos) << whole.log;
  for (const std::size_t run_bytes : {1U, 2U, 7U, 64U})
    EXPECT_TRUE(play(recording, {}, run_bytes) == whole) << "in runs of " << run_bytes;
}

INSTANTIATE_TEST_SUITE_P(Clients, Recorded,
                         testing::Values("psql", "asyncpg", "jdbc", "libpq", "node", "psycopg2", "pgbench_prepared",
                                         "pgbench_pipeline", "pgbench_simple", "replication", "cancel"),
                         [](const auto& client) { return std::string(client.param); });

}  // namespace
}  // namespace sluice::postgres
