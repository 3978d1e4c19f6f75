// A server that speaks as much of PostgreSQL's protocol as a replay asks of it, almost without data: it takes one
// connection, notes what it is to do, and follows its transaction. "flood BYTES" has rows of this size without end,
// until it is cancelled over a connection beside it; "sleep" says nothing until then.
#pragma once

#include <gtest/gtest.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <array>
#include <atomic>
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
  // Over the connection beside it: once its client has gone.
  [[nodiscard]] const std::string& asked_beside() const { return asked_beside_; }
  // Its startup packet.
  [[nodiscard]] const std::string& began_beside() const { return began_beside_; }
  // Before it is done; before a client connects.
  void break_off_at(std::string statement) { last_ = std::move(statement); }
  [[nodiscard]] const Target& target() const { return listener_.target(); }

 private:
  void serve() {
    peer_ = listener_.accept();
    const int at_once = 1;
    EXPECT_EQ(::setsockopt(peer_.get(), IPPROTO_TCP, TCP_NODELAY, &at_once, sizeof at_once), 0);
    (void)welcome(peer_, '\1');
    for (;;) {
      char type = 0;
      if (::recv(peer_.get(), &type, 1, MSG_WAITALL) != 1 || type == 'X') return;
      const std::string body = read_message();
      if (type == 'Z' || (is_skipping_ && type != 'S')) continue;
      answer(type, body);
    }
  }
  static std::string welcome(const Fd& peer, char process) {
    std::string packet = read_message(peer);
    say(peer, 'R', std::string(4, '\0'));
    say(peer, 'K', std::string(3, '\0') + process + "keys");
    say(peer, 'Z', "I");
    return packet;
  }
  std::string read_message() { return read_message(peer_); }
  static std::string read_message(const Fd& peer) {
    std::array<std::uint8_t, 4> size{};
    if (::recv(peer.get(), size.data(), size.size(), MSG_WAITALL) != 4) return {};
    std::string body(load_be32(size.data()) - 4, '\0');
    if (!body.empty()) (void)!::recv(peer.get(), body.data(), body.size(), MSG_WAITALL);
    return body;
  }
  // The connection beside it.
  void cancel() {
    const Fd peer = listener_.accept();
    began_beside_ = welcome(peer, '\2');
    char type = 0;
    if (::recv(peer.get(), &type, 1, MSG_WAITALL) != 1) return;
    asked_beside_ = read_message(peer).c_str();
    is_cancelled_ = true;
    say_columns(peer);
    say_row(peer, "t");
    say(peer, 'C', std::string("SELECT 1") + '\0');
    say(peer, 'Z', "I");
  }
  void flood(std::size_t bytes) {
    const std::jthread beside([this] { cancel(); });
    say_columns(peer_);
    while (!is_cancelled_ && say_row(peer_, std::string(bytes, 'x'))) {
    }
    refuse("57014");
  }
  void sleep() {
    cancel();
    refuse("57014");
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
    if (sql == last_) {
      (void)::shutdown(peer_.get(), SHUT_RDWR);
      return;
    }
    if (sql == "commit" || sql == "rollback") {
      status_ = 'I';
      return done(has_failed || sql == "rollback" ? "ROLLBACK" : "COMMIT");
    }
    if (has_failed) return refuse("25P02");
    if (sql.starts_with("rollback to")) return done("ROLLBACK");
    if (sql.starts_with("refused")) return refuse("42601");
    if (sql.starts_with("deallocate \""))
      return prepared_.erase(sql.substr(12, sql.size() - 13)) == 1 ? done("DEALLOCATE") : refuse("26000");
    if (sql == "discard all") prepared_.clear();
    if (sql.starts_with("select name")) return tell_prepared();
    is_deferred_ |= sql == "defer";
    if (sql.starts_with("set constraints") && is_deferred_) return refuse("23503");
    if (sql == "sleep") return sleep();
    if (sql.starts_with("flood")) return flood(std::stoul(sql.substr(6)));
    if (sql == "begin") status_ = 'T';
    is_copying_ = sql.starts_with("copy");
    is_copying_ ? say('G', std::string(3, '\0'))
                : done(sql == "begin"         ? "BEGIN"
                       : sql == "discard all" ? "DISCARD ALL"
                                              : "DONE");
  }
  void tell_prepared() {
    say_columns(peer_);
    for (const auto& [name, text] : prepared_)
      if (!name.empty()) say_row(peer_, name);
    done("SELECT");
  }
  void done(const std::string& tag) { say('C', tag + '\0'); }
  void refuse(const std::string& sqlstate) {
    using namespace std::string_literals;
    say('E', "SERROR\0VERROR\0C"s + sqlstate + "\0Mno\0\0"s);
    is_skipping_ = true;
    if (status_ == 'T') status_ = 'E';
  }
  void say(char type, const std::string& body) const { say(peer_, type, body); }
  static bool say(const Fd& peer, char type, const std::string& body) {
    std::string out(5, type);
    store_be32(reinterpret_cast<std::uint8_t*>(out.data()) + 1, static_cast<std::uint32_t>(body.size() + 4));
    out += body;
    return ::send(peer.get(), out.data(), out.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(out.size());
  }
  // Rows of one value come, as text.
  static void say_columns(const Fd& peer) { say(peer, 'T', std::string("\0\1n", 3) + std::string(19, '\0')); }
  static bool say_row(const Fd& peer, const std::string& value) {
    std::array<std::uint8_t, 4> size{};
    store_be32(size.data(), static_cast<std::uint32_t>(value.size()));
    return say(peer, 'D', std::string("\0\1", 2) + std::string(size.begin(), size.end()) + value);
  }

  Fd peer_;
  char status_ = 'I';
  bool is_skipping_ = false;  // until the next Sync
  bool is_copying_ = false;
  bool is_deferred_ = false;  // a constraint is not kept to
  std::map<std::string, std::string> prepared_;
  std::string bound_;  // the statement of the only portal
  std::vector<std::string> heard_;
  std::string last_;
  std::string asked_beside_;
  std::string began_beside_;
  std::atomic<bool> is_cancelled_{false};
  Loopback listener_;
  std::jthread thread_;
};

}  // namespace sluice::control::test
