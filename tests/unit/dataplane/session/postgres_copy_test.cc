// COPY in the binary format: each value is one by itself, however messages and segments cut the data.
#include <gtest/gtest.h>

#include <set>
#include <string>

#include "tests/support/postgres_peers.h"

namespace sluice::session {
namespace {

const std::string kBegin("PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0", 19);
const std::string kEnd("\xff\xff", 2);
const std::string kSignature = kBegin.substr(0, 10) + ";";  // as the record has it
const std::string kCopies = '\1' + be16(2) + be16(1) + be16(1);

// Two rows of two values; the length of the second value ends with a byte that is a digit.
std::string data_of(const std::string& secret) {
  const std::string noted = "card " + secret + std::string(0x30 - 5 - secret.size(), '.');
  return kBegin + be16(2) + sized(secret) + sized(noted) + be16(2) + kNull + sized("") + kEnd;
}

std::string messages_of(const std::string& data, std::size_t bytes) {
  std::string out;
  for (std::size_t at = 0; at < data.size(); at += bytes) out += message('d', data.substr(at, bytes));
  return out;
}

std::string told_of(const std::string& secret) {
  return kSignature + "|" + secret + "|card " + secret + std::string(0x30 - 5 - secret.size(), '.') +
         "|row(2)|NULL||row(2)";
}

TEST(PostgresCopy, BinaryDataOfAServerIsMaskedValueByValue) {
  for (const std::size_t bytes : {1, 7, 19, 40, 1000})
    for (const std::size_t cut : {0, 1, 11}) {
      Connected h(policy(), cut);
      h.says(query("copy t to stdout binary"));
      h.answers(message('H', kCopies) + messages_of(data_of(kCard), bytes) + message('c', "") + complete("COPY 2") +
                ready());
      EXPECT_EQ(h.to_client, message('H', kCopies) + messages_of(data_of(kStarred), bytes) + message('c', "") +
                                 complete("COPY 2") + ready())
          << bytes << " " << cut;
      EXPECT_NE(told(h.response(0).body).find(told_of(kStarred)), std::string::npos) << told(h.response(0).body);
    }
}

TEST(PostgresCopy, BinaryDataOfAClientIsReadValueByValue) {
  for (const std::size_t bytes : {1, 7, 40, 1000})
    for (const std::size_t cut : {0, 1, 11}) {
      Connected h(policy(), cut);
      h.says(query("copy t from stdin binary"));
      h.answers(message('G', kCopies));
      h.to_server.clear();
      h.says(messages_of(data_of(kCard), bytes) + message('c', ""));
      EXPECT_EQ(h.to_server, messages_of(data_of(kStarred), bytes) + message('c', "")) << bytes << " " << cut;
      EXPECT_EQ(told(h.request(1).body), told_of(kStarred));
      h.answers(complete("COPY 2") + ready());
      h.says(query("copy t from stdin"));  // and the next is a text again
      h.answers(message('G', '\0' + be16(0)));
      h.says(message('d', "1\t" + kCard + "\n") + message('c', ""));
      EXPECT_EQ(told(h.request(3).body), "1\t" + kStarred + "\n;");
    }
}

// Marks of values and rows are content that is not on the wire.
TEST(PostgresCopy, TheWindowEndsAtTheSameByteHoweverBinaryDataComes) {
  const std::string more = "    window: 1KiB\n    after_window: stream";
  std::set<std::string> seen;
  for (std::size_t length = 700; length < 860; length += 3) {
    std::string told;
    for (const std::size_t cut : {0, 1, 7, 16, 400}) {
      Connected h(policy("enforce", more), cut);
      h.says(query("copy t from stdin binary"));
      h.answers(message('G', kCopies));
      h.to_server.clear();
      std::string rows;
      for (int i = 0; i < 60; ++i) rows += be16(0);
      rows += be16(2) + sized(std::string(length, 'y')) + sized("x drop table users " + std::string(900, 'z'));
      h.says(message('d', kBegin + rows + kEnd) + message('c', ""));
      const bool went = h.to_server.find("yyy") != std::string::npos;  // how much of it hangs on the cut
      const std::string all = (went ? "late " : "whole ") + std::string(error_name(h.request(1).end.error));
      if (cut == 0) told = all;
      EXPECT_EQ(all, told) << length << " " << cut;
      seen.insert(all);
    }
  }
  EXPECT_EQ(seen.size(), 2U);
}

// As asyncpg sends it: not waiting for the server, which alone knows the format.
TEST(PostgresCopy, DataThatComesBeforeTheServerAskedForItIsReadAsWell) {
  Connected h(policy());
  h.says(query("copy t from stdin binary") + messages_of(data_of(kCard), 40) + message('c', ""));
  h.answers(message('G', kCopies) + complete("COPY 2") + ready());
  EXPECT_EQ(told(h.request(1).body), told_of(kStarred));
}

TEST(PostgresCopy, ATextThatBeginsAsASignatureDoesIsAText) {
  for (std::size_t bytes = 1; bytes <= 11; ++bytes) {
    Connected h(policy());
    h.says(query("copy t from stdin"));
    h.answers(message('G', '\0' + be16(0)));
    const std::string begin = kBegin.substr(0, std::min<std::size_t>(bytes, 10)) + "\t";
    h.says(messages_of(begin + kCard, bytes) + message('c', ""));
    EXPECT_EQ(told(h.request(1).body), begin + kStarred + ";");
  }
}

TEST(PostgresCopy, ManyRowsOfNothingAreKeptInBounds) {
  std::string rows;
  for (int i = 0; i < 40'000; ++i) rows += i % 2 == 0 ? be16(0) : be16(1) + kNull;
  Connected h(policy());
  h.says(query("copy t from stdin binary"));
  h.answers(message('G', kCopies));
  h.to_server.clear();
  h.says(message('d', kBegin + rows + kEnd) + message('c', ""));
  EXPECT_EQ(h.to_server, message('d', kBegin + rows + kEnd) + message('c', ""));
  h.answers(complete("COPY 40000") + ready());
  h.says(query("copy t to stdout binary"));
  h.to_client.clear();
  h.answers(message('H', kCopies) + message('d', kBegin + rows + kEnd) + message('c', "") + ready());
  EXPECT_TRUE(h.to_client.ends_with(rows + kEnd + message('c', "") + ready()));
}

TEST(PostgresCopy, WhatIsNotSoundIsAText) {
  Connected h(policy());
  h.says(query("copy t from stdin binary"));
  h.answers(message('G', kCopies));
  h.says(message('d', kBegin + be16(1) + be32(0x80000000) + kCard) + message('c', ""));
  EXPECT_EQ(told(h.request(1).body), kSignature + kStarred + ";");
}

// In a row that has not ended, no mark stands behind the last value yet.
TEST(PostgresCopy, WhyAClientFailsItIsNoPartOfTheValueBefore) {
  for (const std::string& value : {sized("1"), be32(9) + "1"}) {
    Connected h(policy());
    h.says(query("copy t from stdin binary"));
    h.answers(message('G', kCopies));
    h.says(message('d', kBegin + be16(2) + value) + message('f', text(kCard)));
    EXPECT_EQ(h.at_server(kCard), 0U);
    EXPECT_NE(told(h.request(1).body).find(kStarred), std::string::npos) << told(h.request(1).body);
  }
}

TEST(PostgresCopy, WhyAClientFailsItStandsBehindTheValues) {
  Connected h(policy());
  h.says(query("copy t from stdin binary"));
  h.answers(message('G', kCopies));
  h.says(message('d', kBegin + be16(1) + sized("ab")) + message('f', text("no more")));
  EXPECT_EQ(told(h.request(1).body), kSignature + "|ab|row(1)no more;");
}

}  // namespace
}  // namespace sluice::session
