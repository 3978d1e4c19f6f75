#include "bench/support/http_content.h"

#include "tests/unit/dataplane/inspect/corpus.h"

namespace sluice::bench {

std::string browser_request() {
  std::string text =
      "GET /api/v1/orders?customer=1042&state=open&limit=50 HTTP/1.1\r\n"
      "Host: orders.example.internal:8080\r\n"
      "User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0\r\n"
      "Accept: application/json, text/plain, */*\r\n"
      "Accept-Language: en-US,en;q=0.5\r\n"
      "Accept-Encoding: gzip, deflate, br\r\n"
      "Referer: http://orders.example.internal:8080/dashboard\r\n"
      "Connection: keep-alive\r\n"
      "Cookie: session=0123456789abcdef0123456789abcdef\r\n"
      "Sec-Fetch-Dest: empty\r\n"
      "Sec-Fetch-Mode: cors\r\n"
      "Sec-Fetch-Site: same-origin\r\n"
      "Cache-Control: no-cache\r\n"
      "X-Request-Id: ";
  return text.append(600 - 4 - text.size(), '7').append("\r\n\r\n");
}

std::string response_head(std::size_t body_bytes) {
  return "HTTP/1.1 200 OK\r\n"
         "Server: nginx/1.22.1\r\n"
         "Date: Fri, 14 Aug 2026 09:15:42 GMT\r\n"
         "Content-Type: application/json\r\n"
         "Content-Length: " +
         std::to_string(body_bytes) +
         "\r\n"
         "Last-Modified: Fri, 14 Aug 2026 08:00:00 GMT\r\n"
         "Connection: keep-alive\r\n"
         "ETag: \"66bc5f00-400\"\r\n"
         "Accept-Ranges: bytes\r\n"
         "\r\n";
}

std::vector<std::string> responses(std::size_t count, std::size_t body_bytes) {
  std::vector<std::string> all;
  for (std::size_t i = 0; i < count; ++i)
    all.push_back(response_head(body_bytes) + inspect::json_corpus(kContentSeed + i, body_bytes, kBytesBetweenMatches));
  return all;
}

}  // namespace sluice::bench
