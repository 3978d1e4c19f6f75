#include "dataplane/protocol/http1/reader.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/unit/dataplane/protocol/http1/trace.h"

namespace sluice::http1 {
namespace {

constexpr std::string_view kLetters[] = {"more", "H", "f", "b", "t", "end", "opaque", "error"};

// "H18 b5 end": the labels and how many bytes have each.
std::string labels(const std::vector<Event>& events) {
  std::string out;
  for (const Event& event : events) {
    if (!out.empty()) out.push_back(' ');
    out.append(kLetters[static_cast<std::size_t>(event.kind)]);
    if (!event.bytes.empty()) out.append(std::to_string(event.bytes.size()));
    if (event.kind == StepKind::error) out.append(":").append(error_name(event.error));
  }
  return out;
}

std::string request(std::string bytes) {
  return labels(trace({.direction = Direction::request, .bytes = std::move(bytes)}));
}
std::string response(std::string bytes, std::string method = "GET") {
  return labels(
      trace({.direction = Direction::response, .request_method = std::move(method), .bytes = std::move(bytes)}));
}

// finish() between messages answers message_end too: the last word of each complete stream.
TEST(Reader, LabelsARequestWithoutContent) {
  EXPECT_EQ(request("GET / HTTP/1.1\r\nHost: a\r\n\r\n"), "H27 end end");
}

TEST(Reader, LabelsPipelinedRequestsOneByOne) {
  EXPECT_EQ(request("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabcGET / HTTP/1.1\r\nHost: a\r\n\r\n"),
            "H47 b3 end H27 end end");
}

TEST(Reader, LabelsChunksAndTrailers) {
  EXPECT_EQ(request("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
                    "5;a=\"b\\\"c\";d\r\nhello\r\n1\r\n!\r\n0\r\nX-Sum: 1\r\n\r\n"),
            "H56 f14 b5 f5 b1 f5 t10 f2 end end");
}

TEST(Reader, ReadsAResponseUntilTheServerCloses) {
  EXPECT_EQ(response("HTTP/1.1 200 OK\r\n\r\nall of it"), "H19 b9 end");
}

TEST(Reader, TakesAnInformationalResponseAsAMessageOfItsOwn) {
  EXPECT_EQ(response("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204\r\n\r\n"), "H25 end H16 end end");
}

TEST(Reader, ExpectsNoContentInAnAnswerToHead) {
  EXPECT_EQ(response("HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n", "HEAD"), "H38 end end");
}

TEST(Reader, FailsWhenTheStreamEndsInsideAMessage) {
  EXPECT_EQ(request("GET / HT"), "more8 error:http_incomplete");
  EXPECT_EQ(response("HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\nabc"), "H38 b3 error:http_incomplete");
}

}  // namespace
}  // namespace sluice::http1
