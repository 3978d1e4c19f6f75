#include "dataplane/protocol/http1/head.h"

#include <gtest/gtest.h>

#include <string>

namespace sluice::http1 {
namespace {

ErrorCode parse_request(const std::string& text, Head& head, Limits limits = {}) {
  return parse_request_head(as_bytes(text), limits, head);
}
ErrorCode parse_response(const std::string& text, Head& head, std::string_view method = "GET") {
  return parse_response_head(as_bytes(text), {}, method, head);
}

ErrorCode request_line(const std::string& line) {
  Head head;
  return parse_request(line + "\r\nHost: a\r\n\r\n", head);
}
// Further fields of a request that has a Host.
ErrorCode fields(const std::string& lines) {
  Head head;
  return parse_request("POST / HTTP/1.1\r\nHost: a\r\n" + lines + "\r\n", head);
}
ErrorCode host(const std::string& lines, const std::string& line = "GET / HTTP/1.1") {
  Head head;
  return parse_request(line + "\r\n" + lines + "\r\n", head);
}

TEST(Head, KnowsWhereEverythingLies) {
  const std::string text =
      "PUT /a?b=c HTTP/1.1\r\nHost: example.org:80\r\nX-One: \t two words \t\r\nEmpty:\r\n\r\nbody";
  Head head;
  ASSERT_EQ(parse_request(text, head), ErrorCode::ok);
  EXPECT_EQ(head.bytes.size(), text.size() - 4);
  EXPECT_EQ(head.method, "PUT");
  EXPECT_EQ(head.target, "/a?b=c");
  EXPECT_EQ(text.substr(head.target_begin, head.target.size()), "/a?b=c");
  ASSERT_EQ(head.fields.size(), 3U);
  const Field& one = head.fields[1];
  EXPECT_EQ(head.name(one), "X-One");
  EXPECT_EQ(head.value(one), "two words");
  EXPECT_EQ(text.substr(one.begin, one.end - one.begin), "X-One: \t two words \t\r\n");
  EXPECT_EQ(head.value(head.fields[2]), "");
  EXPECT_EQ(head.find("x-ONE"), &one);
  EXPECT_EQ(head.find("x-on"), nullptr);
  EXPECT_EQ(head.find(FieldId::host), &head.fields[0]);
  EXPECT_EQ(head.find(FieldId::te), nullptr);
}

TEST(Head, TakesOneEmptyLineBeforeARequest) {
  const std::string text = "\r\nGET /x HTTP/1.1\r\nHost: a\r\n\r\n";
  Head head;
  ASSERT_EQ(parse_request(text, head), ErrorCode::ok);
  EXPECT_EQ(head.bytes.size(), text.size());
  EXPECT_EQ(head.method, "GET");
  EXPECT_EQ(text.substr(head.target_begin, 2), "/x");
  EXPECT_EQ(parse_request("\r\n" + text, head), ErrorCode::http_bad_request_line);
}

TEST(Head, IsReusable) {
  Head head;
  ASSERT_EQ(parse_request("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nExpect: 100-continue\r\n"
                          "Connection: close\r\nUpgrade: x\r\n\r\n",
                          head),
            ErrorCode::ok);
  ASSERT_EQ(parse_response("HTTP/1.0 204\r\nConnection: keep-alive\r\n\r\n", head), ErrorCode::ok);
  EXPECT_EQ(head.method, "");
  EXPECT_EQ(head.target, "");
  EXPECT_EQ(head.fields.size(), 1U);
  EXPECT_EQ(head.framing, Framing::none);
  EXPECT_EQ(head.content_length, 0U);
  EXPECT_TRUE(head.keep_alive);
  EXPECT_FALSE(head.expect_continue);
  EXPECT_FALSE(head.upgrade);
}

TEST(Head, IsIncompleteWithoutItsEmptyLine) {
  Head head;
  EXPECT_EQ(parse_request("GET / HTTP/1.1\r\nHost: a\r\n\r", head), ErrorCode::http_incomplete);
  EXPECT_EQ(parse_request("", head), ErrorCode::http_incomplete);
}

TEST(RequestLine, HasFourFormsOfTarget) {
  EXPECT_EQ(request_line("GET /a/b%20c?d=[e]|f HTTP/1.1"), ErrorCode::ok);
  EXPECT_EQ(request_line("GET http://a/b HTTP/1.1"), ErrorCode::ok);
  EXPECT_EQ(request_line("GET HTTPS://A?x HTTP/1.1"), ErrorCode::ok);
  EXPECT_EQ(request_line("OPTIONS * HTTP/1.1"), ErrorCode::ok);
  EXPECT_EQ(request_line("CONNECT a:443 HTTP/1.1"), ErrorCode::ok);
  EXPECT_EQ(request_line("CONNECT [::1]:443 HTTP/1.1"), ErrorCode::ok);
}

TEST(RequestLine, RefusesEverythingElse) {
  for (const std::string line : {"GET /",
                                 "GET / HTTP/1.1 ",
                                 " GET / HTTP/1.1",
                                 "GET  / HTTP/1.1",
                                 "GET /  HTTP/1.1",
                                 "GET / x HTTP/1.1",
                                 "GET\t/ HTTP/1.1",
                                 "GET /\t HTTP/1.1",
                                 "/ HTTP/1.1",
                                 "G(T / HTTP/1.1",
                                 "GET HTTP/1.1",
                                 "GET  HTTP/1.1",
                                 "GET / http/1.1",
                                 "GET / HTTP/1",
                                 "GET / HTTP/11",
                                 "GET / HTTP/1.10",
                                 "GET / HTTP/a.1",
                                 "GET /#f HTTP/1.1",
                                 "GET /\x80 HTTP/1.1",
                                 "GET /\x01 HTTP/1.1",
                                 "GET a HTTP/1.1",
                                 "GET * HTTP/1.1",
                                 "GET ftp://a/ HTTP/1.1",
                                 "GET http:///x HTTP/1.1",
                                 "GET http://u@a/ HTTP/1.1",
                                 "GET http://a:x/ HTTP/1.1",
                                 "CONNECT / HTTP/1.1",
                                 "CONNECT a HTTP/1.1",
                                 "CONNECT a: HTTP/1.1",
                                 "CONNECT [::1] HTTP/1.1",
                                 "CONNECT http://a:1 HTTP/1.1",
                                 "HTTP/1.1 200 OK",
                                 "x"})
    EXPECT_EQ(request_line(line), ErrorCode::http_bad_request_line) << line;
}

TEST(RequestLine, TakesTwoVersions) {
  Head head;
  ASSERT_EQ(parse_request("GET / HTTP/1.0\r\n\r\n", head), ErrorCode::ok);
  EXPECT_EQ(head.minor_version, 0);
  for (const std::string version : {"0.9", "1.2", "1.9", "2.0", "3.0", "9.9"})
    EXPECT_EQ(request_line("GET / HTTP/" + version), ErrorCode::http_version_unsupported) << version;
}

TEST(StatusLine, IsChecked) {
  Head head;
  for (const std::string line : {"HTTP/1.1 200 OK", "HTTP/1.1 200 ", "HTTP/1.1 200", "HTTP/1.0 599 \xc3\xa9\t!"})
    EXPECT_EQ(parse_response(line + "\r\n\r\n", head), ErrorCode::ok) << line;
  EXPECT_EQ(head.status, 599);
  for (const std::string line :
       {"HTTP/1.1 099 x", "HTTP/1.1 600 x", "HTTP/1.1 20", "HTTP/1.1 2000", "HTTP/1.1  200", "HTTP/1.1\t200",
        "HTTP/1.1 20x", "HTTP/1.1 200OK", "HTTP/1.1", "", "ICY 200 OK", "HTTP/1.1 200 \x7f", "GET / HTTP/1.1"})
    EXPECT_EQ(parse_response(line + "\r\n\r\n", head), ErrorCode::http_bad_status_line) << line;
  EXPECT_EQ(parse_response("HTTP/2.0 200 OK\r\n\r\n", head), ErrorCode::http_version_unsupported);
}

TEST(Fields, AreChecked) {
  EXPECT_EQ(fields("!#$%&'*+-.^_`|~09azAZ: \x80\xff\tx\r\n"), ErrorCode::ok);
  EXPECT_EQ(fields("A:b\r\n"), ErrorCode::ok);
  for (const std::string line : {"A", "A b", ":b", "A(: b", "A\x80: b", "A\x01: b", "\"A\": b"})
    EXPECT_NE(fields(line + "\r\n"), ErrorCode::ok) << line;
  EXPECT_EQ(fields("A\r\n"), ErrorCode::http_bad_header_name);
  EXPECT_EQ(fields(":b\r\n"), ErrorCode::http_bad_header_name);
  EXPECT_EQ(fields("A\x01: b\r\n"), ErrorCode::http_bad_header_name);
  EXPECT_EQ(fields("A : b\r\n"), ErrorCode::http_space_before_colon);
  EXPECT_EQ(fields("A\t: b\r\n"), ErrorCode::http_space_before_colon);
  EXPECT_EQ(fields("A: b\r\n c\r\n"), ErrorCode::http_obs_fold);
  EXPECT_EQ(fields("A: b\r\n\tc: d\r\n"), ErrorCode::http_obs_fold);
  EXPECT_EQ(fields("A: b\r\n \r\n"), ErrorCode::http_obs_fold);
  EXPECT_EQ(fields("A: b\rc\r\n"), ErrorCode::http_bare_cr);
  EXPECT_EQ(fields("A: b\nC: d\r\n"), ErrorCode::http_bare_lf);
}

// Wherever in the vector or after it the byte stands.
TEST(Fields, MayHoldNoControlCharacterAnywhere) {
  for (int byte = 0; byte < 0x100; ++byte) {
    const bool allowed = byte == '\t' || (byte >= 0x20 && byte != 0x7f);
    if (byte == '\r' || byte == '\n') continue;
    for (std::size_t at = 0; at < 40; ++at) {
      std::string value(40, 'v');
      value[at] = static_cast<char>(byte);
      ASSERT_EQ(fields("A:" + value + "\r\n"), allowed ? ErrorCode::ok : ErrorCode::http_bad_header_value)
          << byte << " at " << at;
    }
  }
}

TEST(Fields, AreCounted) {
  const std::string text = "GET / HTTP/1.1\r\nHost: a\r\nA: b\r\n\r\n";
  Head head;
  EXPECT_EQ(parse_request(text, head, {.headers = 2}), ErrorCode::ok);
  EXPECT_EQ(parse_request(text, head, {.headers = 1}), ErrorCode::http_too_many_headers);
}

TEST(Host, StandsExactlyOnceInHttp11) {
  EXPECT_EQ(host(""), ErrorCode::http_bad_host);
  EXPECT_EQ(host("", "GET / HTTP/1.0"), ErrorCode::ok);
  EXPECT_EQ(host("Host: a\r\nhost: a\r\n"), ErrorCode::http_bad_host);
  EXPECT_EQ(host("Host: a\r\nhost: a\r\n", "GET / HTTP/1.0"), ErrorCode::http_bad_host);
}

TEST(Host, IsAHostAndAPort) {
  for (const std::string value : {"", "a", "a.b-c_d~e", "10.0.0.1:8080", "[::1]", "[fe80::1.2.3.4]:65535", "a:", "%41"})
    EXPECT_EQ(host("Host: " + value + "\r\n"), ErrorCode::ok) << value;
  for (const std::string value : {"a b", "a,b", "a/b", "u@a", "a:b", "a:123456", "a:1:2", ":80", "[::1", "[]", "[x]",
                                  "::1", "[::1]80", "a?b", "a#b", "a\\b", "%4", "%4g", "\x80"})
    EXPECT_EQ(host("Host: " + value + "\r\n"), ErrorCode::http_bad_host) << value;
}

TEST(Host, AgreesWithAnAbsoluteTarget) {
  EXPECT_EQ(host("Host: a:80\r\n", "GET http://A:80/x HTTP/1.1"), ErrorCode::ok);
  EXPECT_EQ(host("Host: b\r\n", "GET http://a/x HTTP/1.1"), ErrorCode::http_bad_host);
  EXPECT_EQ(host("Host: a\r\n", "GET http://a:80/x HTTP/1.1"), ErrorCode::http_bad_host);
  EXPECT_EQ(host("Host: b\r\n", "GET /http://a/x HTTP/1.1"), ErrorCode::ok);
}

}  // namespace
}  // namespace sluice::http1
