#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string>

#include "dataplane/protocol/http1/reader.h"
#include "dataplane/protocol/http1/rewrite.h"

namespace sluice::http1 {
namespace {

// Reads an answer as a client does: its head and, when it has content, its content.
struct Answer {
  Head head;
  nlohmann::json body;
};

Answer read_answer(const std::string& text, std::string_view method = "GET") {
  Answer answer;
  EXPECT_EQ(parse_response_head(as_bytes(text), {}, method, answer.head), ErrorCode::ok);
  const std::string body = text.substr(answer.head.bytes.size());
  if (method == "HEAD") {
    EXPECT_EQ(body, "");
    return answer;
  }
  EXPECT_EQ(answer.head.framing, Framing::length);
  EXPECT_EQ(answer.head.content_length, body.size());
  answer.body = nlohmann::json::parse(body);
  return answer;
}

TEST(LocalResponse, SaysWhatAndWhy) {
  const std::string text = local_response(403, ErrorCode::rule_denied, "rule pii/card", false, false);
  EXPECT_TRUE(text.starts_with("HTTP/1.1 403 Forbidden\r\n"));
  const Answer answer = read_answer(text);
  EXPECT_EQ(answer.head.value(*answer.head.find("content-type")), "application/json");
  EXPECT_TRUE(answer.head.keep_alive);
  EXPECT_EQ(answer.body,
            (nlohmann::json{{"error", "rule_denied"}, {"message", "a rule denies this"}, {"detail", "rule pii/card"}}));
}

TEST(LocalResponse, LeavesOutAnEmptyDetail) {
  EXPECT_FALSE(read_answer(local_response(400, ErrorCode::http_bare_lf, "", true, false)).body.contains("detail"));
}

TEST(LocalResponse, ClosesWhenAsked) {
  EXPECT_FALSE(read_answer(local_response(400, ErrorCode::http_bare_lf, "", true, false)).head.keep_alive);
}

TEST(LocalResponse, ToHeadHasTheLengthAndNoContent) {
  const std::string whole = local_response(400, ErrorCode::http_bare_lf, "x", true, false);
  const std::string head_only = local_response(400, ErrorCode::http_bare_lf, "x", true, true);
  EXPECT_TRUE(whole.starts_with(head_only));
  read_answer(head_only, "HEAD");
}

TEST(LocalResponse, EscapesTheDetail) {
  std::string every(256, '\0');
  for (std::size_t i = 0; i < every.size(); ++i) every[i] = static_cast<char>(i);
  const std::string text = local_response(403, ErrorCode::rule_denied, every, false, false);
  const std::string detail = read_answer(text).body["detail"];
  EXPECT_EQ(detail.substr(0, 127), every.substr(0, 127));
  std::string rest = detail.substr(127);
  for (std::size_t i = 127; i < 256; ++i, rest.erase(0, 3)) EXPECT_TRUE(rest.starts_with("\xef\xbf\xbd"));
  EXPECT_EQ(rest, "");
  const std::string body = text.substr(text.find("\r\n\r\n") + 4);
  EXPECT_EQ(body.find_first_of("<>&"), std::string::npos);
}

// Every code has a status that a client understands, and no code of this protocol falls to 500.
TEST(StatusFor, AnswersEveryCode) {
  for (const Direction found_in : {Direction::request, Direction::response}) {
    for (std::size_t i = 0; i < error_count(); ++i) {
      const ErrorCode error = error_at(i);
      const std::uint16_t status = status_for(error, found_in);
      const std::string name(error_name(error));
      if (name.starts_with("http_")) {
        EXPECT_NE(status, 500) << name;
      }
      const std::string text = local_response(status, error, "", true, false);
      EXPECT_FALSE(text.starts_with("HTTP/1.1 " + std::to_string(status) + " \r\n")) << name << " has no reason phrase";
      EXPECT_EQ(read_answer(text).body["error"], name);
    }
  }
}

TEST(StatusFor, BlamesTheSideThatIsWrong) {
  EXPECT_EQ(status_for(ErrorCode::http_bare_cr), 400);
  EXPECT_EQ(status_for(ErrorCode::http_bare_cr, Direction::response), 502);
  EXPECT_EQ(status_for(ErrorCode::http_encoding_unreadable), 415);
  EXPECT_EQ(status_for(ErrorCode::http_encoding_unreadable, Direction::response), 502);
  EXPECT_EQ(status_for(ErrorCode::http_upgrade_refused), 403);
  EXPECT_EQ(status_for(ErrorCode::http_upgrade_refused, Direction::response), 502);
  EXPECT_EQ(status_for(ErrorCode::rule_denied, Direction::response), 403);
}

TEST(StatusFor, HasTheWordsOfHttp) {
  EXPECT_EQ(status_for(ErrorCode::http_target_too_long), 414);
  EXPECT_EQ(status_for(ErrorCode::http_head_too_large), 431);
  EXPECT_EQ(status_for(ErrorCode::http_too_many_headers), 431);
  EXPECT_EQ(status_for(ErrorCode::http_bad_transfer_encoding), 501);
  EXPECT_EQ(status_for(ErrorCode::http_version_unsupported), 505);
  EXPECT_EQ(status_for(ErrorCode::http_body_beyond_window), 413);
  EXPECT_EQ(status_for(ErrorCode::tcp_refused_by_server), 502);
  EXPECT_EQ(status_for(ErrorCode::tcp_syn_timeout), 504);
  EXPECT_EQ(status_for(ErrorCode::no_policy), 503);
  EXPECT_EQ(status_for(ErrorCode::bundle_malformed), 500);
}

}  // namespace
}  // namespace sluice::http1
