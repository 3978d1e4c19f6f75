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

std::string request(std::string bytes, Limits limits = {}) {
  return labels(trace({.direction = Direction::request, .limits = limits, .bytes = std::move(bytes)}));
}
std::string response(std::string bytes, std::string method = "GET") {
  return labels(
      trace({.direction = Direction::response, .request_method = std::move(method), .bytes = std::move(bytes)}));
}
// What comes after a sound chunked head of 56 bytes.
std::string chunks(const std::string& bytes, Limits limits = {}) {
  const std::string out = request("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" + bytes, limits);
  EXPECT_TRUE(out.starts_with("H56 "));
  return out.substr(4);
}

constexpr std::string_view kGet = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

TEST(Reader, ContentThatLiesBehindIsLabelledUnseenAndNothingElseIs) {
  Reader reader(Direction::response, {});
  reader.set_request_method("GET");
  const std::string head = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n";
  Step step = reader.next(as_bytes(head), 150);
  EXPECT_EQ(step.kind, StepKind::head);
  EXPECT_EQ(step.bytes, head.size());
  step = reader.next(as_bytes("0123456789"), 50);
  EXPECT_EQ(step.kind, StepKind::body);
  EXPECT_EQ(step.bytes, 60u);
  step = reader.next(as_bytes("0123456789"), 150);
  EXPECT_EQ(step.kind, StepKind::body);
  EXPECT_EQ(step.bytes, 40u);  // what follows is another message
  EXPECT_EQ(reader.next(as_bytes("HTTP"), 100).kind, StepKind::message_end);
}

// finish() between messages answers message_end too: the last word of each complete stream.
TEST(Reader, LabelsARequestWithoutContent) {
  EXPECT_EQ(request(std::string(kGet)), "H27 end end");
}

TEST(Reader, LabelsPipelinedRequestsOneByOne) {
  EXPECT_EQ(request("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc" + std::string(kGet)),
            "H47 b3 end H27 end end");
}

TEST(Reader, EndsAMessageWithoutContentAtOnce) {
  EXPECT_EQ(request("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n"), "H47 end end");
}

TEST(Reader, LabelsChunksAndTrailers) {
  EXPECT_EQ(chunks("5;a=\"b\\\"c\";d\r\nhello\r\n1\r\n!\r\n0\r\nX-Sum: 1\r\n\r\n"), "f14 b5 f5 b1 f5 t10 f2 end end");
}

TEST(Reader, ReadsChunkSizesInEitherCaseWithLeadingZeros) {
  EXPECT_EQ(chunks("00a\r\n0123456789\r\nA\r\n0123456789\r\n000\r\n\r\n"), "f5 b10 f5 b10 f9 end end");
}

TEST(Reader, RefusesBadChunks) {
  EXPECT_EQ(chunks("\r\n"), "error:http_bad_chunk");
  EXPECT_EQ(chunks("g\r\n"), "error:http_bad_chunk");
  EXPECT_EQ(chunks("-1\r\n"), "error:http_bad_chunk");
  EXPECT_EQ(chunks("0x5\r\n"), "f1 error:http_bad_chunk");
  EXPECT_EQ(chunks("5 \r\n"), "f1 error:http_bad_chunk");
  EXPECT_EQ(chunks("5\n"), "f1 error:http_bare_lf");
  EXPECT_EQ(chunks("5\rh"), "f2 error:http_bare_cr");
  EXPECT_EQ(chunks("5\r\nhello!"), "f3 b5 error:http_bad_chunk");
  EXPECT_EQ(chunks("5\r\nhello\n"), "f3 b5 error:http_bare_lf");
  EXPECT_EQ(chunks("5\r\nhello\rx"), "f3 b5 f1 error:http_bare_cr");
  EXPECT_EQ(chunks("5\r\nhello\r\n\r\n"), "f3 b5 f2 error:http_bad_chunk");
}

TEST(Reader, BoundsAChunkSizeByItsDigits) {
  EXPECT_EQ(chunks("fffffffffffffff\r\nx"), "f17 b1 error:http_incomplete");
  EXPECT_EQ(chunks("0000000000000001\r\nx"), "f15 error:http_bad_chunk");
  EXPECT_EQ(chunks("10000000000000000\r\n"), "f15 error:http_bad_chunk");
}

TEST(Reader, ChecksChunkExtensions) {
  EXPECT_EQ(chunks("0;a\r\n\r\n"), "f7 end end");
  EXPECT_EQ(chunks("0;a=b;c=\"d ;\\\\\t\"\r\n\r\n"), "f20 end end");
  EXPECT_EQ(chunks("0;\r\n"), "f2 error:http_bad_chunk");
  EXPECT_EQ(chunks("0;=b\r\n"), "f2 error:http_bad_chunk");
  EXPECT_EQ(chunks("0;a=\r\n"), "f4 error:http_bad_chunk");
  EXPECT_EQ(chunks("0; a\r\n"), "f2 error:http_bad_chunk");
  EXPECT_EQ(chunks("0;a=\"b\"c\r\n"), "f7 error:http_bad_chunk");
  EXPECT_EQ(chunks("0;a=\"b\r\n"), "f6 error:http_bad_chunk");
  EXPECT_EQ(chunks("0;a=\"\n"), "f5 error:http_bare_lf");
  EXPECT_EQ(chunks("0;a\n"), "f3 error:http_bare_lf");
}

TEST(Reader, BoundsChunkExtensions) {
  EXPECT_EQ(chunks("0;" + std::string(255, 'e') + "\r\n\r\n"), "f261 end end");
  EXPECT_EQ(chunks("0;" + std::string(400, 'e') + "\r\n\r\n"), "f258 error:http_bad_chunk");
  // Each chunk has the whole bound.
  const std::string one = "1;" + std::string(200, 'e') + "\r\nx\r\n";
  EXPECT_EQ(chunks(one + one + "0\r\n\r\n"), "f204 b1 f206 b1 f7 end end");
}

TEST(Reader, ChecksTrailersAsFields) {
  EXPECT_EQ(chunks("0\r\n\r\n"), "f5 end end");
  EXPECT_EQ(chunks("0\r\nA:\r\n\r\n"), "f3 t4 f2 end end");
  EXPECT_EQ(chunks("0\r\n\n"), "f3 error:http_bare_lf");
  EXPECT_EQ(chunks("0\r\n\rA"), "f4 error:http_bare_cr");
  EXPECT_EQ(chunks("0\r\n: x\r\n"), "f3 error:http_bad_header_name");
  EXPECT_EQ(chunks("0\r\nA(: x\r\n"), "f3 t1 error:http_bad_header_name");
  EXPECT_EQ(chunks("0\r\nA\r\n\r\n"), "f3 t1 error:http_bad_header_name");
  EXPECT_EQ(chunks("0\r\nA : x\r\n"), "f3 t1 error:http_space_before_colon");
  EXPECT_EQ(chunks("0\r\nA: x\r\n y\r\n"), "f3 t6 error:http_obs_fold");
  EXPECT_EQ(chunks("0\r\nA: \x7f\r\n"), "f3 t3 error:http_bad_header_value");
  EXPECT_EQ(chunks("0\r\nA: x\n"), "f3 t4 error:http_bare_lf");
  EXPECT_EQ(chunks("0\r\nA: x\rB"), "f3 t5 error:http_bare_cr");
}

TEST(Reader, RefusesTrailersThatFrameRouteOrAuthenticate) {
  for (const std::string name : {"Content-Length", "TRANSFER-ENCODING", "host", "Trailer", "Content-Encoding",
                                 "Connection", "Authorization", "Proxy-Authorization"}) {
    EXPECT_EQ(chunks("0\r\n" + name + ": 1\r\n\r\n"), "f3 t" + std::to_string(name.size()) + " error:http_bad_trailer");
  }
  EXPECT_EQ(chunks("0\r\nHosts: 1\r\n\r\n"), "f3 t10 f2 end end");
  EXPECT_EQ(chunks("0\r\nContent-Lengths-And-More: 1\r\n\r\n"), "f3 t29 f2 end end");
}

TEST(Reader, BoundsTrailers) {
  const Limits limits{.head_bytes = 60, .headers = 2};
  EXPECT_EQ(chunks("0\r\nA: 1\r\nB: 2\r\n\r\n", limits), "f3 t12 f2 end end");
  EXPECT_EQ(chunks("0\r\nA: 1\r\nB: 2\r\nC: 3\r\n\r\n", limits), "f3 t12 error:http_too_many_headers");
  EXPECT_EQ(chunks("0\r\nA:" + std::string(54, 'x') + "\r\n\r\n", limits), "f3 t58 f2 end end");
  EXPECT_EQ(chunks("0\r\nA:" + std::string(55, 'x') + "\r\n\r\n", limits), "f3 t59 f1 error:http_head_too_large");
}

TEST(Reader, ReadsAResponseUntilTheServerCloses) {
  EXPECT_EQ(response("HTTP/1.1 200 OK\r\n\r\nall of it"), "H19 b9 end");
}

TEST(Reader, TakesAnInformationalResponseAsAMessageOfItsOwn) {
  EXPECT_EQ(response("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204\r\n\r\n"), "H25 end H16 end end");
}

// The method stays for the final response that follows.
TEST(Reader, ExpectsNoContentInAnAnswerToHead) {
  const std::string head = "HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n";
  EXPECT_EQ(response(head, "HEAD"), "H38 end end");
  EXPECT_EQ(response("HTTP/1.1 100 Continue\r\n\r\n" + head, "HEAD"), "H25 end H38 end end");
  EXPECT_EQ(response(head + "content", "GET"), "H38 b7 end end");
}

TEST(Reader, FailsWhenTheStreamEndsInsideAMessage) {
  EXPECT_EQ(request("GET / HT"), "more8 error:http_incomplete");
  EXPECT_EQ(response("HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\nabc"), "H38 b3 error:http_incomplete");
  EXPECT_EQ(chunks("5\r\nhel"), "f3 b3 error:http_incomplete");
  EXPECT_EQ(chunks("0\r\n"), "f3 error:http_incomplete");
}

TEST(Reader, MayFinishAfterTheEmptyLineBeforeARequest) {
  EXPECT_EQ(request("\r\n"), "more2 end");
  EXPECT_EQ(request("\r"), "more1 error:http_incomplete");
  EXPECT_EQ(request("\r\nG"), "more3 error:http_incomplete");
}

// A first byte that no request has is refused before a line is there: TLS to a plain service.
TEST(Reader, RefusesAnotherProtocolAtItsFirstControlByte) {
  Reader reader(Direction::request, {});
  const Step step = reader.next(as_bytes("\x16\x03\x01"));
  EXPECT_EQ(step.kind, StepKind::error);
  EXPECT_EQ(step.error, ErrorCode::http_bad_request_line);
}

TEST(Reader, RefusesABadLineWhenItEnds) {
  EXPECT_EQ(request("HELO\r\n"), "more5 error:http_bad_request_line");
  EXPECT_EQ(request(std::string(kGet.substr(0, 16)) + "Host : a\r\n"), "more25 error:http_space_before_colon");
}

TEST(Reader, BoundsAHead) {
  const auto size = static_cast<std::uint32_t>(kGet.size());
  EXPECT_EQ(request(std::string(kGet), {.head_bytes = size}), "H27 end end");
  EXPECT_EQ(request(std::string(kGet), {.head_bytes = size - 1}), "more25 error:http_head_too_large");
  EXPECT_EQ(request(std::string(kGet), {.head_bytes = 15}), "more14 error:http_target_too_long");
  EXPECT_EQ(request(std::string(kGet), {.headers = 0}), "more24 error:http_too_many_headers");
  EXPECT_EQ(labels(trace({.direction = Direction::response, .limits = {.head_bytes = 4}, .bytes = "HTTP/1.1 200"})),
            "more3 error:http_head_too_large");
}

TEST(Reader, StaysInError) {
  Reader reader(Direction::request, {});
  EXPECT_EQ(reader.next(as_bytes("\n")).error, ErrorCode::http_bare_lf);
  EXPECT_EQ(reader.next(as_bytes(kGet)).error, ErrorCode::http_bare_lf);
  EXPECT_EQ(reader.next({}).error, ErrorCode::http_bare_lf);
  EXPECT_EQ(reader.finish().error, ErrorCode::http_bare_lf);
  reader.become_opaque();
  EXPECT_EQ(reader.next(as_bytes(kGet)).error, ErrorCode::http_bare_lf);
  EXPECT_FALSE(reader.idle());
}

TEST(Reader, IsIdleOnlyBetweenMessages) {
  Reader reader(Direction::request, {});
  EXPECT_TRUE(reader.idle());
  EXPECT_EQ(reader.next(as_bytes(kGet.substr(0, 3))).kind, StepKind::more);
  EXPECT_FALSE(reader.idle());
  EXPECT_EQ(reader.next(as_bytes(kGet.substr(3))).kind, StepKind::head);
  EXPECT_FALSE(reader.idle());
  EXPECT_EQ(reader.next({}).kind, StepKind::message_end);
  EXPECT_TRUE(reader.idle());
}

TEST(Reader, KeepsAHeadInPlaceWhenItCameInOneRun) {
  Reader reader(Direction::request, {});
  const Bytes input = as_bytes(kGet);
  ASSERT_EQ(reader.next(input).kind, StepKind::head);
  EXPECT_EQ(reader.head().bytes.data(), input.data());
}

TEST(Reader, ReadsNoStructureAfterAnUpgrade) {
  const std::string head = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n";
  EXPECT_EQ(labels(trace({.direction = Direction::response, .bytes = head + "\n\n", .opaque_after_upgrade = true})),
            "H48 opaque2 end");
  EXPECT_EQ(labels(trace({.direction = Direction::response, .bytes = head + "\n\n"})), "H48 end error:http_bare_lf");
}

// The request's direction learns of the upgrade between its messages.
TEST(Reader, BecomesOpaqueBetweenMessages) {
  Reader reader(Direction::request, {});
  const std::string head = "CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n";
  ASSERT_EQ(reader.next(as_bytes(head)).kind, StepKind::head);
  EXPECT_TRUE(reader.head().upgrade);
  ASSERT_EQ(reader.next({}).kind, StepKind::message_end);
  reader.become_opaque();
  const Step step = reader.next(as_bytes("\n\n"));
  EXPECT_EQ(step.kind, StepKind::opaque);
  EXPECT_EQ(step.bytes, 2U);
  EXPECT_EQ(reader.finish().kind, StepKind::message_end);
}

}  // namespace
}  // namespace sluice::http1
