// A server that speaks as much of PostgreSQL's protocol as a replay asks of it, without any data: it takes one
// connection, notes what it is to do, and follows its transaction.
#pragma once

#include <gtest/gtest.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <array>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include "common/bytes.h"
#include "common/fd.h"
#include "tests/unit/control/loopback.h"

namespace sluice::control::test {

class StatementServer {
 public:
  StatementServer() {
    thread_ = std::jthread([this] { serve(); });
  }
  // What it was to do, in order: once its client has gone.
  const std::vector<std::string>& heard() {
    if (thread_.joinable()) thread_.join();
    return heard_;
  }
  [[nodiscard]] const Target& target() const { return listener_.target(); }

 private:
  void serve() {
    peer_ = listener_.accept();
    const int at_once = 1;
    EXPECT_EQ(::setsockopt(peer_.get(), IPPROTO_TCP, TCP_NODELAY, &at_once, sizeof at_once), 0);
    (void)read_message();
    say('R', std::string(4, '\0'));
    say('Z', {status_});
    for (;;) {
      char type = 0;
      if (::recv(peer_.get(), &type, 1, MSG_WAITALL) != 1 || type == 'X') return;
      const std::string body = read_message();
      if (type == 'Z' || (is_skipping_ && type != 'S')) continue;
      answer(type, body);
    }
  }
  std::string read_message() {
    std::array<std::uint8_t, 4> size{};
    if (::recv(peer_.get(), size.data(), size.size(), MSG_WAITALL) != 4) return {};
    std::string body(load_be32(size.data()) - 4, '\0');
    if (!body.empty()) (void)!::recv(peer_.get(), body.data(), body.size(), MSG_WAITALL);
    return body;
  }
  void answer(char type, const std::string& body) {
    const std::string first = body.c_str();
    const std::string second = body.size() > first.size() ? body.c_str() + first.size() + 1 : "";
    switch (type) {
      case 'Q':
        heard_.push_back(first);
        run(first);
        if (!is_copying_) say('Z', {status_});
        is_skipping_ = false;
        return;
      case 'P':
        heard_.push_back("prepare " + first + ": " + second);
        if (!first.empty() && prepared_.contains(first)) return refuse("42P05");
        prepared_[first] = second;
        return say('1', "");
      case 'B':
        bound_ = prepared_[second];
        return say('2', "");
      case 'D':
        return say('n', "");
      case 'E':
        heard_.push_back(bound_);
        return run(bound_);
      case 'S':
        is_skipping_ = false;
        return say('Z', {status_});
      case 'c':
      case 'f':
        heard_.emplace_back(type == 'c' ? "the data ends" : "the data fails");
        is_copying_ = false;
        type == 'c' ? done("COPY 1") : refuse("57014");
        is_skipping_ = false;
        return say('Z', {status_});
      default:
        return;
    }
  }
  void run(const std::string& sql) {
    const bool has_failed = status_ == 'E';
    if (sql == "commit" || sql == "rollback") {
      status_ = 'I';
      return done(has_failed || sql == "rollback" ? "ROLLBACK" : "COMMIT");
    }
    if (has_failed) return refuse("25P02");
    if (sql.starts_with("refused")) return refuse("42601");
    if (sql.starts_with("deallocate")) prepared_.erase(sql.substr(12, sql.size() - 13));
    if (sql == "begin") status_ = 'T';
    is_copying_ = sql.starts_with("copy");
    is_copying_ ? say('G', std::string(3, '\0')) : done(sql == "begin" ? "BEGIN" : "DONE");
  }
  void done(const std::string& tag) { say('C', tag + '\0'); }
  void refuse(const std::string& sqlstate) {
    using namespace std::string_literals;
    say('E', "SERROR\0VERROR\0C"s + sqlstate + "\0Mno\0\0"s);
    is_skipping_ = true;
    if (status_ == 'T') status_ = 'E';
  }
  void say(char type, const std::string& body) {
    std::string out(5, type);
    store_be32(reinterpret_cast<std::uint8_t*>(out.data()) + 1, static_cast<std::uint32_t>(body.size() + 4));
    out += body;
    (void)!::send(peer_.get(), out.data(), out.size(), MSG_NOSIGNAL);
  }

  Fd peer_;
  char status_ = 'I';
  bool is_skipping_ = false;  // until the next Sync
  bool is_copying_ = false;
  std::map<std::string, std::string> prepared_;
  std::string bound_;  // the statement of the only portal
  std::vector<std::string> heard_;
  Loopback listener_;
  std::jthread thread_;
};

}  // namespace sluice::control::test
