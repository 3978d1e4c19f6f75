// The API as the CLI's client sees it, over its socket.
#include "control/api/api.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "control/cli/print.h"
#include "tests/unit/control/served.h"

namespace sluice::control {
namespace {

using cli::Exit;
using test::kPolicy;
using test::RecordMaker;

constexpr SessionId kSession = 0x0005f00000000001;

class ApiTest : public test::Served {
 protected:
  void SetUp() override { serve(test::kStart); }
};

TEST_F(ApiTest, TheSocketIsForItsOwnerAlone) {
  struct stat status = {};
  ASSERT_EQ(::stat(dir_.file("api.sock").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777, 0600U);
  EXPECT_EQ(Api::start({*publisher_, archive_.index(), *approvals_, 0}, dir_.file("api.sock"), "").error().code,
            ErrorCode::already_running);
  EXPECT_EQ(
      Api::start({*publisher_, archive_.index(), *approvals_, 0}, dir_.file("b.sock"), "no-such-group").error().code,
      ErrorCode::bad_argument);
}

TEST_F(ApiTest, APolicyIsCheckedPushedAndShown) {
  EXPECT_EQ(client().get("/v1/policy").exit, Exit::refused);
  const auto checked = client().post("/v1/policy/check", kPolicy, "application/yaml");
  EXPECT_EQ(checked.exit, Exit::ok);
  EXPECT_EQ(client().get("/v1/policy").exit, Exit::refused);  // checking stores nothing
  const auto pushed = client().post("/v1/policy?file_name=my.yaml", kPolicy, "application/yaml");
  EXPECT_EQ(pushed.exit, Exit::ok);
  EXPECT_EQ(pushed.json["state"], "pending");
  const auto shown = client().get("/v1/policy");
  EXPECT_EQ(shown.json["source"], kPolicy);
  EXPECT_EQ(shown.json["pushed_by"], "uid " + std::to_string(::getuid()));
  EXPECT_EQ(shown.json["file_name"], "my.yaml");
  EXPECT_TRUE(cli::policy_text(shown.json).ends_with(kPolicy));
}

TEST_F(ApiTest, ABadPolicyIsRefusedWithItsPlaces) {
  const auto answer = client().post("/v1/policy?file_name=bad.yaml", "services:\n  - {name: x}\n", "application/yaml");
  EXPECT_EQ(answer.exit, Exit::refused);
  EXPECT_EQ(answer.json["error"], "policy_invalid");
  ASSERT_FALSE(answer.json["problems"].empty());
  EXPECT_EQ(answer.json["problems"][0]["line"], 2);
  EXPECT_NE(cli::error_text(answer.json).find("bad.yaml:2:"), std::string::npos);
}

TEST_F(ApiTest, SessionsAreListedShownAndTheirBodiesStreamed) {
  RecordMaker maker;
  const std::string body = std::string(50'000, 'b') + std::string("\0\x1b[2J", 5);
  auto records =
      maker.exchange(kSession, 0, "PUT /x HTTP/1.1\r\nHost: x\r\n\r\n", body, "HTTP/1.1 200 OK\r\n\r\n", "fine", 1);
  records.insert(records.begin(), maker.open(kSession));
  archive_.block(records).write();
  const auto list = client().get("/v1/sessions?limit=5");
  ASSERT_EQ(list.exit, Exit::ok);
  ASSERT_EQ(list.json["sessions"].size(), 1U);
  const std::string id = list.json["sessions"][0]["id"];
  EXPECT_EQ(id, format_session_id(kSession));
  const auto shown = client().get("/v1/sessions/" + id + "?body_bytes=100");
  ASSERT_EQ(shown.json["units"].size(), 1U);
  EXPECT_EQ(shown.json["units"][0]["response"]["body"]["text"], "fine");
  EXPECT_EQ(shown.json["units"][0]["response"]["hits"]["pii/card"], 1);
  EXPECT_EQ(shown.json["units"][0]["request"]["body_bytes"], body.size());
  EXPECT_NE(cli::session_text(shown.json).find("48.8 KiB in all"), std::string::npos);
  std::string got;
  const auto downloaded = client().download("/v1/sessions/" + id + "/units/0/request/body", [&](std::string_view part) {
    got += part;
    return true;
  });
  EXPECT_EQ(downloaded.exit, Exit::ok);
  EXPECT_EQ(got, body);
}

TEST_F(ApiTest, AnAnswerOfPostgresIsPrintedWithItsTimeAndTransaction) {
  RecordMaker maker;
  const std::string done = "SELECT 3" + std::string("\x0a\x03\x00", 3);
  std::vector<RecordMaker::Record> records = {maker.open(kSession, test::log::Protocol::postgres)};
  std::uint32_t unit = 0;
  for (const auto& [duration, transaction] : {std::pair(12'400'000U, 'T'), {1'500'000'000U, 'E'}, {400'000U, 'I'}}) {
    records.push_back(maker.head(kSession, unit, Direction::response, "ROWS\n"));
    records.push_back(maker.slice(kSession, unit, Direction::response, 0, done));
    records.push_back(maker.answered(kSession, unit++, done.size(), duration, transaction));
  }
  archive_.block(records).write();
  ASSERT_EQ(client().get("/v1/sessions?limit=5").exit, Exit::ok);
  const auto shown = client().get("/v1/sessions/" + format_session_id(kSession));
  const auto& answer = shown.json["units"][0]["response"];
  EXPECT_EQ(answer["duration_ns"], 12'400'000);
  EXPECT_EQ(answer["transaction"], "in_transaction");
  EXPECT_EQ(answer["rows"], 3);
  EXPECT_EQ(shown.json["units"][1]["response"]["transaction"], "failed");
  EXPECT_EQ(shown.json["units"][2]["response"]["transaction"], "idle");
  const std::string printed = cli::session_text(shown.json);
  EXPECT_NE(printed.find("    SELECT 3  12.4 ms  in transaction\n"), std::string::npos) << printed;
  EXPECT_NE(printed.find("    SELECT 3  1.5 s  in failed transaction\n"), std::string::npos) << printed;
  EXPECT_NE(printed.find("    SELECT 3  400.0 µs\n"), std::string::npos) << printed;
}

TEST_F(ApiTest, AReplayTellsNobodyAPasswordThatStandsInItsTarget) {
  RecordMaker maker;
  archive_.block({maker.open(kSession, test::log::Protocol::postgres)}).write();
  ASSERT_EQ(client().post("/v1/policy", kPolicy, "application/yaml").exit, Exit::ok);
  const std::string path = "/v1/sessions/" + format_session_id(kSession) + "/replay";
  ::testing::internal::CaptureStderr();
  std::string answered;
  for (const std::string to : {"ann:s3cret@10.0.0.7:5432/shop", "Postgres://ann:s3cret@10.0.0.7:5432/shop",
                               "host=10.0.0.7 password=s3cret", "host=10.0.0.7 password=s3cret port:5432"}) {
    const auto answer = client().post(path, cli::Json{{"to", to}}.dump(), "application/json");
    EXPECT_EQ(answer.exit, Exit::refused) << to;
    answered += cli::error_text(answer.json);
  }
  const auto refused =
      client().post(path, R"({"to": "postgres://eve@127.0.0.1:1/shop"})", "application/json");  // nobody is there
  const std::string logged = ::testing::internal::GetCapturedStderr();
  EXPECT_NE(refused.exit, Exit::ok);
  EXPECT_EQ(answered.find("s3cret"), std::string::npos) << answered;
  EXPECT_EQ(logged.find("s3cret"), std::string::npos) << logged;
  EXPECT_NE(logged.find(" to 127.0.0.1:1 by "), std::string::npos) << logged;
}

TEST_F(ApiTest, WrongRequestsAreRefusedInWords) {
  for (const char* path : {"/v1/nothing", "/v1/sessions/0123456789abcdef", "/v1/sessions?limit=x",
                           "/v1/sessions/0123456789abcdef/units/0/request/body"}) {
    const auto answer = client().get(path);
    EXPECT_EQ(answer.exit, Exit::refused) << path;
    EXPECT_FALSE(answer.json["detail"].get<std::string>().empty()) << path;
  }
  EXPECT_EQ(client().post("/v1/sessions/0123456789abcdef/replay", "{", "application/json").exit, Exit::refused);
  EXPECT_EQ(client().post("/v1/policy", std::string(2'000'000, 'x'), "application/yaml").exit, Exit::refused);
  EXPECT_EQ(cli::Client(dir_.file("none.sock")).get("/v1/status").exit, Exit::unreachable);
}

TEST_F(ApiTest, AFileOfAlertsIsCheckedAndWithoutOneThereAreNone) {
  EXPECT_TRUE(client().get("/v1/alerts").json["alerts"].empty());
  EXPECT_EQ(client().get("/v1/alerts/1").exit, Exit::refused);
  const auto checked = client().post("/v1/alerts/check", "alerts: [{name: a, per: service, measure: held, above: 1}]\n",
                                     "application/yaml");
  ASSERT_EQ(checked.exit, Exit::ok) << cli::error_text(checked.json);
  EXPECT_EQ(checked.json["alerts"], 1);
  const auto wrong = client().post("/v1/alerts/check?file_name=a.yaml", "alerts: [{name: a}]\n", "application/yaml");
  EXPECT_EQ(wrong.exit, Exit::refused);
  EXPECT_NE(cli::error_text(wrong.json).find("a.yaml:1:10: "), std::string::npos) << cli::error_text(wrong.json);
}

TEST_F(ApiTest, StatusTellsWithoutADataPlane) {
  const auto status = client().get("/v1/status");
  ASSERT_EQ(status.exit, Exit::ok);
  EXPECT_TRUE(status.json["data_plane"].is_null());
  EXPECT_NE(cli::status_text(status.json).find("not connected"), std::string::npos);
}

}  // namespace
}  // namespace sluice::control
