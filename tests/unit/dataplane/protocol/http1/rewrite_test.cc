#include "dataplane/protocol/http1/rewrite.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace sluice::http1 {
namespace {

// `text` with its edits applied, or the name of the error.
std::string applied(const std::string& text, const std::vector<Edit>& edits) {
  std::string out;
  std::size_t at = 0;
  for (const Edit& edit : edits) {
    EXPECT_GE(edit.offset, at);
    out.append(text, at, edit.offset - at).append(edit.insert);
    at = edit.offset + edit.remove;
  }
  EXPECT_LE(at, text.size());
  return out.append(text, at);
}

std::string request(const std::string& fields, const RewritePolicy& policy, const std::string& line = "POST /") {
  const std::string text = line + " HTTP/1.1\r\nHost: a:1\r\n" + fields + "\r\n";
  Head head;
  EXPECT_EQ(parse_request_head(as_bytes(text), {}, head), ErrorCode::ok);
  std::vector<Edit> edits;
  const ErrorCode error = rewrite_request(head, policy, edits);
  if (error != ErrorCode::ok) return std::string(error_name(error));
  const std::string out = applied(text, edits);
  const std::string before = line + " HTTP/1.1\r\nHost: a:1\r\n";
  EXPECT_TRUE(out.starts_with(before) && out.ends_with("\r\n"));
  return out.substr(before.size(), out.size() - before.size() - 2);
}

std::string response(const std::string& status, const std::string& fields, const RewritePolicy& policy,
                     std::string_view method = "GET") {
  const std::string before = "HTTP/1.1 " + status + "\r\n";
  const std::string text = before + fields + "\r\n";
  Head head;
  EXPECT_EQ(parse_response_head(as_bytes(text), {}, method, head), ErrorCode::ok);
  std::vector<Edit> edits;
  const ErrorCode error = rewrite_response(head, policy, edits);
  if (error != ErrorCode::ok) return std::string(error_name(error));
  const std::string out = applied(text, edits);
  return out.substr(before.size(), out.size() - before.size() - 2);
}

constexpr RewritePolicy kNothing{};
constexpr RewritePolicy kMasksResponse{.masks_response_body = true};
constexpr RewritePolicy kMasksRequest{.masks_request_body = true};
constexpr RewritePolicy kUpgrades{.allow_upgrade = true};

TEST(RewriteRequest, ChangesNothingWithoutAReason) {
  const std::string fields =
      "Range: bytes=0-7\r\nAccept-Encoding: gzip\r\nTE: trailers\r\nDigest: x\r\nContent-Encoding: gzip\r\n"
      "Content-Length: 5\r\nExpect: 100-continue\r\nVia: 1.1 x\r\nConnection: close\r\n";
  EXPECT_EQ(request(fields, kNothing), fields);
}

TEST(RewriteRequest, RemovesTheEmptyLineBeforeIt) {
  const std::string text = "\r\nGET / HTTP/1.1\r\nHost: a\r\nTE: x\r\n\r\n";
  Head head;
  ASSERT_EQ(parse_request_head(as_bytes(text), {}, head), ErrorCode::ok);
  std::vector<Edit> edits;
  ASSERT_EQ(rewrite_request(head, kMasksResponse, edits), ErrorCode::ok);
  EXPECT_EQ(applied(text, edits), "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
}

TEST(RewriteRequest, AsksForNoRangeWhenResponsesAreMasked) {
  EXPECT_EQ(request("range: bytes=0-7\r\nA: b\r\nIf-Range: \"x\"\r\nA-IM: gzip\r\nTE: gzip\r\n", kMasksResponse),
            "A: b\r\n");
}

TEST(RewriteRequest, AsksForIdentityWhenResponsesAreMasked) {
  EXPECT_EQ(request("Accept-Encoding: br\r\n", kMasksResponse), "Accept-Encoding: identity\r\n");
  EXPECT_EQ(request("Accept-Encoding:\r\n", kMasksResponse), "Accept-Encoding:identity\r\n");
  EXPECT_EQ(request("Accept-Encoding: Identity\r\n", kMasksResponse), "Accept-Encoding: Identity\r\n");
  EXPECT_EQ(request("Accept-Encoding: gzip\r\nA: b\r\naccept-encoding: br\r\n", kMasksResponse),
            "Accept-Encoding: identity\r\nA: b\r\n");
}

// Nothing moves in the chain when there is room for the word.
TEST(RewriteRequest, KeepsTheLengthOfAnAcceptEncodingThatIsLongEnough) {
  EXPECT_EQ(request("Accept-Encoding: gzip, deflate, br\r\n", kMasksResponse),
            "Accept-Encoding: identity         \r\n");
}

TEST(RewriteRequest, RefusesUpgradesUnlessAllowed) {
  const std::string fields = "Upgrade: h2c\r\nConnection: Upgrade\r\n";
  EXPECT_EQ(request(fields, kNothing), "http_upgrade_refused");
  EXPECT_EQ(request(fields, kUpgrades), fields);
  EXPECT_EQ(request("", kNothing, "CONNECT a:1"), "http_upgrade_refused");
  EXPECT_EQ(request("", kUpgrades, "CONNECT a:1"), "");
}

TEST(RewriteRequest, StripsAnExpectationThatIsMet) {
  const std::string fields = "Expect: 100-continue\r\nContent-Length: 5\r\nexpect: 100-continue\r\n";
  EXPECT_EQ(request(fields, {.strip_expect = true}), "Content-Length: 5\r\n");
}

TEST(RewriteRequest, RemovesDigestsOfContentThatMayChange) {
  const std::string fields = "Digest: a\r\nContent-MD5: b\r\nContent-Digest: c\r\nRepr-Digest: d\r\nA: e\r\n";
  EXPECT_EQ(request(fields, kMasksRequest), "A: e\r\n");
  EXPECT_EQ(request(fields, kMasksResponse), fields);
}

TEST(RewriteRequest, RefusesContentThatCannotBeRead) {
  const std::string length = "Content-Length: 5\r\n";
  EXPECT_EQ(request(length + "Content-Encoding: gzip\r\n", kMasksRequest), "http_encoding_unreadable");
  EXPECT_EQ(request(length + "Content-Encoding:\r\n", kMasksRequest), "http_encoding_unreadable");
  EXPECT_EQ(request("Content-Encoding: identity, gzip\r\n" + length, kMasksRequest), "http_encoding_unreadable");
  EXPECT_EQ(request(length + "Content-Encoding: identity\r\nContent-Encoding: br\r\n", kMasksRequest),
            "http_encoding_unreadable");
  EXPECT_EQ(request(length + "Content-Encoding: IDENTITY\r\n", kMasksRequest),
            length + "Content-Encoding: IDENTITY\r\n");
  EXPECT_EQ(request("Content-Encoding: gzip\r\n", kMasksRequest), "Content-Encoding: gzip\r\n");  // of no content
  EXPECT_EQ(request(length + "Content-Range: bytes 0-4/10\r\n", kMasksRequest), "http_unexpected_range");
}

TEST(RewriteResponse, ChangesNothingWithoutMasks) {
  const std::string fields =
      "ETag: \"x\"\r\nDigest: a\r\nContent-Encoding: gzip\r\nAccept-Ranges: bytes\r\nContent-Range: bytes 0-1/2\r\n";
  EXPECT_EQ(response("206 Partial Content", fields, kNothing), fields);
  EXPECT_EQ(response("200 OK", fields, kMasksRequest), fields);
}

TEST(RewriteResponse, RemovesWhatTellsOfTheTrueBytes) {
  EXPECT_EQ(response("200 OK",
                     "Digest: a\r\nContent-Length: 5\r\nContent-MD5: b\r\nContent-Digest: c\r\nRepr-Digest: d\r\n"
                     "Accept-Ranges: bytes\r\nA: b\r\n",
                     kMasksResponse),
            "Content-Length: 5\r\nA: b\r\n");
}

TEST(RewriteResponse, WeakensAnETag) {
  EXPECT_EQ(response("200 OK", "ETag: \"x\"\r\n", kMasksResponse), "ETag: W/\"x\"\r\n");
  EXPECT_EQ(response("304 Not Modified", "ETag:\"x\"\r\n", kMasksResponse), "ETag:W/\"x\"\r\n");
  EXPECT_EQ(response("200 OK", "ETag: W/\"x\"\r\n", kMasksResponse), "ETag: W/\"x\"\r\n");
  EXPECT_EQ(response("200 OK", "ETag: x\r\nA: b\r\n", kMasksResponse), "A: b\r\n");
  EXPECT_EQ(response("200 OK", "ETag: w/\"x\"\r\n", kMasksResponse), "");
}

TEST(RewriteResponse, RefusesWhatCannotBeMasked) {
  EXPECT_EQ(response("206 Partial Content", "", kMasksResponse), "http_unexpected_range");
  EXPECT_EQ(response("200 OK", "Content-Range: bytes 0-1/2\r\n", kMasksResponse), "http_unexpected_range");
  EXPECT_EQ(response("226 IM Used", "IM: gzip\r\n", kMasksResponse), "http_encoding_unreadable");
  EXPECT_EQ(response("200 OK", "Content-Encoding: gzip\r\n", kMasksResponse), "http_encoding_unreadable");
  EXPECT_EQ(response("200 OK", "Content-Encoding: identity\r\n", kMasksResponse), "Content-Encoding: identity\r\n");
  // An answer to HEAD has no content that could leak.
  EXPECT_EQ(response("200 OK", "Content-Encoding: gzip\r\n", kMasksResponse, "HEAD"), "Content-Encoding: gzip\r\n");
}

TEST(RewriteResponse, RefusesAnUpgradeThatIsNotAllowed) {
  EXPECT_EQ(response("101 Switching Protocols", "", kNothing), "http_upgrade_refused");
  EXPECT_EQ(response("101 Switching Protocols", "", kUpgrades), "");
  EXPECT_EQ(response("200 OK", "", kNothing, "CONNECT"), "http_upgrade_refused");
}

std::vector<std::string> texts(const Head& head, const std::vector<Range>& ranges) {
  std::vector<std::string> out;
  for (const Range& range : ranges) out.emplace_back(as_text(head.bytes.subspan(range.begin, range.end - range.begin)));
  return out;
}

TEST(MaskableRanges, AreTheTargetAndEveryValueThatDoesNotFrame) {
  const std::string text =
      "POST /a?b HTTP/1.1\r\nHost: a\r\nCookie:  c=d \r\nContent-Length: 5\r\nContent-Type: text/plain\r\nX: \r\n"
      "Connection: close\r\nAuthorization: Basic eDp5\r\nReferer: /z\r\n\r\n";
  Head head;
  ASSERT_EQ(parse_request_head(as_bytes(text), {}, head), ErrorCode::ok);
  std::vector<Range> ranges;
  maskable_ranges(head, ranges);
  EXPECT_EQ(texts(head, ranges), (std::vector<std::string>{"/a?b", "c=d", "Basic eDp5", "/z"}));
}

TEST(MaskableRanges, OfAResponseAreItsValues) {
  const std::string text = "HTTP/1.1 200 OK\r\nSet-Cookie: a=b\r\nTransfer-Encoding: chunked\r\n\r\n";
  Head head;
  ASSERT_EQ(parse_response_head(as_bytes(text), {}, "GET", head), ErrorCode::ok);
  std::vector<Range> ranges;
  maskable_ranges(head, ranges);
  EXPECT_EQ(texts(head, ranges), (std::vector<std::string>{"a=b"}));
}

}  // namespace
}  // namespace sluice::http1
