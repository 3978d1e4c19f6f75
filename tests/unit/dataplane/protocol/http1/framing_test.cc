#include <gtest/gtest.h>

#include <string>

#include "dataplane/protocol/http1/head.h"

namespace sluice::http1 {
namespace {

// A head from its lines, without the last empty one; the error when it is refused.
struct Parsed {
  ErrorCode error = ErrorCode::ok;
  Head head;
};

Parsed request(const std::string& fields, const std::string& line = "POST / HTTP/1.1") {
  static std::string text;  // the head's views stay good until the next call
  text = line + "\r\nHost: a:1\r\n" + fields + "\r\n";
  Parsed parsed;
  parsed.error = parse_request_head(as_bytes(text), {}, parsed.head);
  return parsed;
}
Parsed response(const std::string& status, const std::string& fields, std::string_view method = "GET") {
  static std::string text;
  text = status + "\r\n" + fields + "\r\n";
  Parsed parsed;
  parsed.error = parse_response_head(as_bytes(text), {}, method, parsed.head);
  return parsed;
}

constexpr auto kChunked = "Transfer-Encoding: chunked\r\n";

TEST(RequestFraming, IsNoneWithoutALength) {
  const Parsed parsed = request("");
  EXPECT_EQ(parsed.error, ErrorCode::ok);
  EXPECT_EQ(parsed.head.framing, Framing::none);
  EXPECT_FALSE(parsed.head.has_body());
}

TEST(RequestFraming, FollowsContentLength) {
  const Parsed parsed = request("content-LENGTH: \t 0012 \r\n");
  EXPECT_EQ(parsed.error, ErrorCode::ok);
  EXPECT_EQ(parsed.head.framing, Framing::length);
  EXPECT_EQ(parsed.head.content_length, 12U);
  EXPECT_TRUE(parsed.head.has_body());
  EXPECT_FALSE(request("Content-Length: 0\r\n").head.has_body());
  EXPECT_EQ(request("Content-Length: 9223372036854775807\r\n").head.content_length, 9223372036854775807U);
}

TEST(RequestFraming, RefusesWhatIsNoLength) {
  for (const std::string value : {"", "-1", "+1", "1 2", "1,1", "1, 1", "0x1", "1.0", "a", "1;", "9223372036854775808",
                                  "18446744073709551616", "00000000000000000001"})
    EXPECT_EQ(request("Content-Length: " + value + "\r\n").error, ErrorCode::http_bad_content_length) << value;
}

TEST(RequestFraming, RefusesTwoLengthsEvenWhenEqual) {
  EXPECT_EQ(request("Content-Length: 5\r\nContent-Length: 6\r\n").error, ErrorCode::http_bad_content_length);
  EXPECT_EQ(request("Content-Length: 5\r\nA: b\r\ncontent-length: 5\r\n").error, ErrorCode::http_bad_content_length);
}

TEST(RequestFraming, FollowsChunked) {
  const Parsed parsed = request("transfer-encoding: CHUNKED\r\n");
  EXPECT_EQ(parsed.error, ErrorCode::ok);
  EXPECT_EQ(parsed.head.framing, Framing::chunked);
  EXPECT_TRUE(parsed.head.has_body());
}

TEST(RequestFraming, RefusesEveryOtherTransferEncoding) {
  for (const std::string value : {"", "gzip", "gzip, chunked", "chunked, gzip", "chunked, chunked", "chunked;q=1",
                                  "identity", "xchunked", "chunked,", "\"chunked\"",
                                  "\x80"
                                  "chunked"})
    EXPECT_EQ(request("Transfer-Encoding: " + value + "\r\n").error, ErrorCode::http_bad_transfer_encoding) << value;
  EXPECT_EQ(request(std::string(kChunked) + kChunked).error, ErrorCode::http_bad_transfer_encoding);
  EXPECT_EQ(request(kChunked, "POST / HTTP/1.0").error, ErrorCode::http_bad_transfer_encoding);
}

TEST(RequestFraming, RefusesLengthAndChunkedTogether) {
  const std::string length = "Content-Length: 5\r\n";
  EXPECT_EQ(request(length + kChunked).error, ErrorCode::http_length_and_chunked);
  EXPECT_EQ(request(kChunked + length).error, ErrorCode::http_length_and_chunked);
  EXPECT_EQ(response("HTTP/1.1 200 OK", kChunked + length).error, ErrorCode::http_length_and_chunked);
}

TEST(ResponseFraming, FollowsTheFields) {
  EXPECT_EQ(response("HTTP/1.1 200 OK", "Content-Length: 5\r\n").head.framing, Framing::length);
  EXPECT_EQ(response("HTTP/1.1 200 OK", kChunked).head.framing, Framing::chunked);
  EXPECT_EQ(response("HTTP/1.1 200 OK", "").head.framing, Framing::until_close);
  EXPECT_EQ(response("HTTP/1.0 200 OK", kChunked).error, ErrorCode::http_bad_transfer_encoding);
}

TEST(ResponseFraming, IsNoneWhereNoContentMayCome) {
  for (const std::string status : {"100", "101", "103", "204", "304"}) {
    const Parsed parsed = response("HTTP/1.1 " + status, "Content-Length: 5\r\n");
    EXPECT_EQ(parsed.error, ErrorCode::ok) << status;
    EXPECT_EQ(parsed.head.framing, Framing::none) << status;
    EXPECT_EQ(parsed.head.content_length, 0U) << status;
  }
  for (const std::string fields : {"", "Content-Length: 5\r\n", kChunked}) {
    EXPECT_EQ(response("HTTP/1.1 200", fields, "HEAD").head.framing, Framing::none);
    EXPECT_EQ(response("HTTP/1.1 404", fields, "HEAD").head.framing, Framing::none);
    EXPECT_EQ(response("HTTP/1.1 200", fields, "CONNECT").head.framing, Framing::none);
    EXPECT_EQ(response("HTTP/1.1 304", fields).head.framing, Framing::none);
    EXPECT_NE(response("HTTP/1.1 403", fields, "CONNECT").head.framing, Framing::none);
    EXPECT_NE(response("HTTP/1.1 200", fields, "head").head.framing, Framing::none);  // methods have case
  }
}

// RFC 9112 section 6.1: a server must not send it there, and readers differ about what follows.
TEST(ResponseFraming, RefusesChunkedWhereNoContentMayCome) {
  for (const std::string status : {"100", "101", "204"})
    EXPECT_EQ(response("HTTP/1.1 " + status, kChunked).error, ErrorCode::http_bad_transfer_encoding) << status;
}

TEST(KeepAlive, IsTheRuleInHttp11AndAChoiceInHttp10) {
  EXPECT_TRUE(request("").head.keep_alive);
  EXPECT_FALSE(request("Connection: close\r\n").head.keep_alive);
  EXPECT_FALSE(request("Connection: keep-alive , , CLOSE\r\n").head.keep_alive);
  EXPECT_FALSE(request("Connection: keep-alive\r\nConnection: x,close\r\n").head.keep_alive);
  EXPECT_TRUE(request("Connection: closed\r\n").head.keep_alive);
  EXPECT_FALSE(request("", "GET / HTTP/1.0").head.keep_alive);
  EXPECT_TRUE(request("Connection: x, Keep-Alive\r\n", "GET / HTTP/1.0").head.keep_alive);
  EXPECT_FALSE(request("Connection: keep-alive, close\r\n", "GET / HTTP/1.0").head.keep_alive);
}

TEST(KeepAlive, EndsWithAResponseUntilClose) {
  EXPECT_FALSE(response("HTTP/1.1 200 OK", "Connection: keep-alive\r\n").head.keep_alive);
  EXPECT_TRUE(response("HTTP/1.1 200 OK", "Content-Length: 0\r\n").head.keep_alive);
  EXPECT_FALSE(response("HTTP/1.0 200 OK", "Content-Length: 0\r\n").head.keep_alive);
}

TEST(Expect, MeansSomethingOnlyBeforeContentInHttp11) {
  const std::string fields = "Expect: 100-Continue\r\nContent-Length: 5\r\n";
  EXPECT_TRUE(request(fields).head.expect_continue);
  EXPECT_FALSE(request(fields, "POST / HTTP/1.0").head.expect_continue);
  EXPECT_FALSE(request("Expect: 100-continue\r\n").head.expect_continue);
  EXPECT_FALSE(request("Expect: other\r\nContent-Length: 5\r\n").head.expect_continue);
}

TEST(Upgrade, IsAskedForByHeaderOrConnect) {
  EXPECT_FALSE(request("").head.upgrade);
  EXPECT_TRUE(request("Upgrade: h2c\r\n").head.upgrade);
  EXPECT_TRUE(request("", "CONNECT a:1 HTTP/1.1").head.upgrade);
}

// An Upgrade header in another response only offers one.
TEST(Upgrade, IsGrantedBy101OrATunnel) {
  EXPECT_TRUE(response("HTTP/1.1 101", "Upgrade: websocket\r\n").head.upgrade);
  EXPECT_TRUE(response("HTTP/1.1 200", "", "CONNECT").head.upgrade);
  EXPECT_FALSE(response("HTTP/1.1 403", "", "CONNECT").head.upgrade);
  EXPECT_FALSE(response("HTTP/1.1 200", "Upgrade: h2\r\n").head.upgrade);
}

}  // namespace
}  // namespace sluice::http1
