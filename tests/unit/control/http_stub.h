// A server of scripted answers on loopback: reads a request to the end of its body, answers the next one.
#pragma once

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include <string>
#include <thread>
#include <vector>

#include "common/fd.h"

namespace sluice::control::test {

class HttpStub {
 public:
  explicit HttpStub(std::vector<std::string> answers) : answers_(std::move(answers)) {
    listener_ = Fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    auto* generic = static_cast<sockaddr*>(static_cast<void*>(&address));
    (void)::bind(listener_.get(), generic, sizeof address);
    (void)::listen(listener_.get(), 8);
    socklen_t size = sizeof address;
    (void)::getsockname(listener_.get(), generic, &size);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { run(); });
  }
  ~HttpStub() { stop(); }
  // Ends when the connection at hand does; from then on `requests` may be read.
  void stop() {
    ::shutdown(listener_.get(), SHUT_RDWR);
    if (thread_.joinable()) thread_.join();
  }
  [[nodiscard]] std::uint16_t port() const { return port_; }
  [[nodiscard]] std::string address() const { return "127.0.0.1:" + std::to_string(port_); }
  // What it was sent.
  std::vector<std::string> requests;

 private:
  static bool is_whole(const std::string& in, std::size_t& length) {
    const auto end = in.find("\r\n\r\n");
    if (end == std::string::npos) return false;
    length = end + 4;
    if (in.find("chunked") < end) {
      const auto last = in.find("0\r\n\r\n", end + 4);
      if (last == std::string::npos) return false;
      length = last + 5;
    } else if (const auto at = in.find("Content-Length: "); at < end) {
      length += std::stoul(in.substr(at + 16));
    }
    return in.size() >= length;
  }

  void serve(const Fd& socket) {
    std::string in;
    char buffer[4096];
    for (;;) {
      std::size_t length = 0;
      while (!is_whole(in, length)) {
        const ssize_t n = ::read(socket.get(), buffer, sizeof buffer);
        if (n <= 0) return;
        in.append(buffer, static_cast<std::size_t>(n));
      }
      if (requests.size() >= answers_.size()) return;
      const std::string answer = answers_[requests.size()];
      requests.push_back(in.substr(0, length));
      in.erase(0, length);
      for (const char c : answer)  // every byte its own write
        if (::send(socket.get(), &c, 1, MSG_NOSIGNAL) != 1) return;
      if (answer.find("Connection: close") != std::string::npos) return;
    }
  }

  void run() {
    for (;;) {
      const Fd socket(::accept(listener_.get(), nullptr, nullptr));
      if (!socket.valid()) return;
      serve(socket);
    }
  }

  const std::vector<std::string> answers_;
  Fd listener_;
  std::uint16_t port_ = 0;
  std::thread thread_;
};

}  // namespace sluice::control::test
