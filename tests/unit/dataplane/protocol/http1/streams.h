// Streams that hold what HTTP/1 has and what is wrong with it, for tests that cut them.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "tests/unit/dataplane/protocol/http1/trace.h"

namespace sluice::http1 {

inline std::vector<Stream> request_streams() {
  const std::string host = "Host: a\r\n";
  const std::string get = "GET / HTTP/1.1\r\n";
  const std::string chunked = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
  std::vector<std::string> texts = {
      // sound
      get + host + "\r\n",
      "\r\n" + get + host + "\r\n",
      get + host + "\r\n" + get + host + "A: b\t\x80\xff c \r\nEmpty:\r\n\r\n",
      "POST /p?q HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nab\r\nc" + get + host + "\r\n",
      "POST / HTTP/1.0\r\nContent-Length: 0\r\nConnection: keep-alive\r\n\r\nGET / HTTP/1.0\r\n\r\n",
      chunked + "5\r\nhello\r\n00A;x=y;z=\"\\\"q\"\r\n0123456789\r\n0\r\n\r\n" + get + host + "\r\n",
      chunked + "0\r\nX: 1\r\nLonger-Than-Any-Known-Name: \t2 \r\n\r\n",
      chunked + "1\r\na\r\n0;e\r\n\r\n",
      "CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\nopaque \r\n bytes",
      "GET /chat HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n\x81\x05hello",
      // wrong line ends
      "GET / HTTP/1.1\nHost: a\n\n",
      get + "Host: a\n\r\n",
      get + "Host: a\r\rA: b\r\n\r\n",
      get + "Host: a\r \nA: b\r\n\r\n",
      get + host + "\r\r\n",
      "\r\n\r\n" + get + host + "\r\n",
      "\r" + get,
      "\n" + get,
      // wrong lines
      "GET  / HTTP/1.1\r\nHost: a\r\n\r\n",
      "GET /\r\n\r\n",
      "GET / HTTP/2.0\r\nHost: a\r\n\r\n",
      "\x16\x03\x01\x02 TLS",
      get + "Host : a\r\n\r\n",
      get + " Host: a\r\n\r\n",
      get + host + "A: b\r\n c\r\n\r\n",
      get + host + "A\r\n\r\n",
      get + host + ": b\r\n\r\n",
      get + host + "A: b\x01\r\n\r\n",
      get + host + "A\x7f: b\r\n\r\n",
      get + "\r\n",
      get + host + host + "\r\n",
      // wrong framing
      "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\nhello",
      "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
      "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
      chunked + "5\nhello\r\n0\r\n\r\n",
      chunked + "5\rhello\r\n0\r\n\r\n",
      chunked + "5 \r\nhello\r\n0\r\n\r\n",
      chunked + "\r\nhello",
      chunked + "fffffffffffffffff\r\n",
      chunked + "5;\r\nhello\r\n0\r\n\r\n",
      chunked + "5;a=\"\n\"\r\nhello\r\n0\r\n\r\n",
      chunked + "5;" + std::string(300, 'e') + "\r\nhello",
      chunked + "5\r\nhello!\r\n0\r\n\r\n",
      chunked + "5\r\nhello\n0\r\n\r\n",
      chunked + "5\r\nhello\r0\r\n\r\n",
      // wrong trailers
      chunked + "0\r\nContent-Length: 1\r\n\r\n",
      chunked + "0\r\nhost: 1\r\n\r\n",
      chunked + "0\r\nA : 1\r\n\r\n",
      chunked + "0\r\n A: 1\r\n\r\n",
      chunked + "0\r\nA: 1\n\r\n",
      chunked + "0\r\nA: 1\rB: 2\r\n\r\n",
      chunked + "0\r\nA: \x02\r\n\r\n",
      chunked + "0\r\n\rX",
      chunked + "0\r\n\n",
      // cut short
      "GET / HT",
      "\r\n",
      "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nabc",
      chunked + "5\r\nhel",
      chunked + "0\r\n\r",
      "",
  };
  std::vector<Stream> streams;
  for (std::string& text : texts)
    streams.push_back({.direction = Direction::request, .bytes = std::move(text), .opaque_after_upgrade = true});
  return streams;
}

inline std::vector<Stream> response_streams() {
  const std::string ok = "HTTP/1.1 200 OK\r\n";
  const std::vector<std::string> texts = {
      ok + "Content-Length: 5\r\n\r\nhello" + ok + "Content-Length: 0\r\n\r\n",
      ok + "\r\nuntil \r\n\r\n close",
      "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nokHTTP/1.0 404\r\n\r\ngone",
      "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + ok + "Content-Length: 1\r\n\r\n!",
      ok + "Transfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\nETag: \"x\"\r\n\r\nHTTP/1.1 304 \r\n\r\n",
      "HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\nHTTP/1.1 200 \xc3\xa9t\xc3\xa9\r\nContent-Length: 0\r\n\r\n",
      "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n\x81\x05hello",
      "\r\n" + ok + "\r\n",
      "HTTP/1.1 20 OK\r\n\r\n",
      "HTTP/1.1 2000 OK\r\n\r\n",
      "HTTP/1.1 200 O\x01K\r\n\r\n",
      "HTTP/3.0 200 OK\r\n\r\n",
      "SSH-2.0-OpenSSH_9.2\r\n",
      ok + "Content-Length: x\r\n\r\n",
      ok + "Content-Length: 10\r\n\r\nhello",
      "HTTP/1.1 204 No\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
      "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
  };
  std::vector<Stream> streams;
  for (const std::string& text : texts)
    for (const char* method : {"GET", "HEAD", "CONNECT"})
      streams.push_back(
          {.direction = Direction::response, .request_method = method, .bytes = text, .opaque_after_upgrade = true});
  return streams;
}

inline std::vector<Stream> all_streams() {
  std::vector<Stream> streams = request_streams();
  for (Stream& stream : response_streams()) streams.push_back(std::move(stream));
  return streams;
}

}  // namespace sluice::http1
