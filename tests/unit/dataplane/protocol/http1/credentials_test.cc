#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "dataplane/protocol/http1/rewrite.h"

namespace sluice::http1 {
namespace {

struct Parsed {
  std::string text;
  Head head;
  explicit Parsed(const std::string& fields) : text("GET / HTTP/1.1\r\nHost: a\r\n" + fields + "\r\n") {
    EXPECT_EQ(parse_request_head(as_bytes(text), {}, head), ErrorCode::ok);
  }
};

std::vector<std::string> hidden(const std::string& fields) {
  const Parsed parsed(fields);
  std::vector<Range> ranges;
  credential_ranges(parsed.head, ranges);
  std::vector<std::string> out;
  for (const Range& range : ranges) out.push_back(parsed.text.substr(range.begin, range.end - range.begin));
  return out;
}

std::string user(const std::string& value) {
  return basic_user(Parsed("Authorization: " + value + "\r\n").head);
}

TEST(CredentialRanges, LeaveTheSchemeReadable) {
  using Texts = std::vector<std::string>;
  EXPECT_EQ(hidden("Authorization: Basic  eDp5\r\nA: b\r\nproxy-authorization: Digest a=\"b\", c\r\n"),
            (Texts{"eDp5", "a=\"b\", c"}));
  EXPECT_EQ(hidden("A: b\r\n"), Texts{});
  EXPECT_EQ(hidden("Authorization:\r\n"), Texts{});
}

TEST(CredentialRanges, HideAllOfAValueWithoutAScheme) {
  using Texts = std::vector<std::string>;
  EXPECT_EQ(hidden("Authorization: s3cret\r\n"), Texts{"s3cret"});
  EXPECT_EQ(hidden("Authorization: a=b c\r\n"), Texts{"a=b c"});
  EXPECT_EQ(hidden("Authorization: a\tb\r\n"), Texts{"a\tb"});
}

TEST(BasicUser, IsWhatStandsBeforeTheColon) {
  EXPECT_EQ(user("Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="), "Aladdin");  // RFC 7617 section 2
  EXPECT_EQ(user("basic   QWxhZGRpbjpvcGVuIHNlc2FtZQ=="), "Aladdin");
  EXPECT_EQ(user("Basic YTpiOmM="), "a");    // a:b:c
  EXPECT_EQ(user("Basic YSBiOg=="), "a b");  // "a b:"
  EXPECT_EQ(user("Basic YTr//w=="), "a");    // the password may be any bytes
}

TEST(BasicUser, IsEmptyWhenMalformed) {
  EXPECT_EQ(user("Basic"), "");
  EXPECT_EQ(user("Bearer YTpi"), "");
  EXPECT_EQ(user("Basic YWI="), "");    // no colon
  EXPECT_EQ(user("Basic OmE="), "");    // no user
  EXPECT_EQ(user("Basic YTpi"), "a");   // the sound neighbour of those below
  EXPECT_EQ(user("Basic YTpi="), "");   // length
  EXPECT_EQ(user("Basic YTpiYw"), "");  // no padding
  EXPECT_EQ(user("Basic YTpiYw=="), "a");
  EXPECT_EQ(user("Basic YTpiYx=="), "");  // unused bits are set
  EXPECT_EQ(user("Basic YTpi===="), "");  // too much padding
  EXPECT_EQ(user("Basic YT=i"), "");      // padding inside
  EXPECT_EQ(user("Basic YTp-"), "");      // the other alphabet
  EXPECT_EQ(user("Basic YT pi"), "");     // white space
  EXPECT_EQ(user("Basic YQpiOmM="), "");  // a line feed in the user
  EXPECT_EQ(user("Basic YQBiOmM="), "");  // NUL
  EXPECT_EQ(user("Basic w6k6YQ=="), "");  // not ASCII
  EXPECT_EQ(user("Basic fzphYQ=="), "");  // DEL
  EXPECT_EQ(basic_user(Parsed("A: b\r\n").head), "");
}

TEST(BasicUser, IsBounded) {
  std::string longest;  // 126 + 2 characters: "YWFh" is "aaa", "YWE6" is "aa:"
  for (int i = 0; i < 42; ++i) longest.append("YWFh");
  EXPECT_EQ(user("Basic " + longest + "YWE6"), std::string(128, 'a'));
  EXPECT_EQ(user("Basic " + longest + "YWFhOmFh"), "");
  std::string password;
  for (int i = 0; i < 1000; ++i) password.append("YWFh");
  EXPECT_EQ(user("Basic YTpi" + password), "a");
  EXPECT_EQ(user("Basic YTpi" + password + password), "");
}

TEST(BasicUser, IsNobodyWhenTwoAreNamed) {
  EXPECT_EQ(basic_user(Parsed("Authorization: Basic YTpi\r\nAuthorization: Basic YjpiYw==\r\n").head), "");
}

}  // namespace
}  // namespace sluice::http1
