#!/usr/bin/env python3
"""Requests that two parsers could read differently are refused with a JSON body, and none of their bytes reach the server."""

import json

import lab

# name → the bytes that a client sends; each is refused by RFC 9112, with 400 unless it is named below.
ATTEMPTS = {
    "two lengths": b"POST / HTTP/1.1\r\nHost: odd\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!",
    "length and chunked": b"POST / HTTP/1.1\r\nHost: odd\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "chunked twice": b"POST / HTTP/1.1\r\nHost: odd\r\nTransfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n",
    "an encoding that is no chunked": b"POST / HTTP/1.1\r\nHost: odd\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    "a length with a sign": b"POST / HTTP/1.1\r\nHost: odd\r\nContent-Length: +5\r\n\r\nhello",
    "a length beyond 64 bits": b"POST / HTTP/1.1\r\nHost: odd\r\nContent-Length: 99999999999999999999\r\n\r\nhello",
    "space before the colon": b"GET / HTTP/1.1\r\nHost : odd\r\n\r\n",
    "a folded header": b"GET / HTTP/1.1\r\nHost: odd\r\nX-A: b\r\n c\r\n\r\n",
    "a bare CR in a value": b"GET / HTTP/1.1\r\nHost: odd\r\nX-A: b\rc\r\n\r\n",
    "a bare LF": b"GET / HTTP/1.1\nHost: odd\n\n",
    "no host": b"GET / HTTP/1.1\r\nX-A: b\r\n\r\n",
    "two hosts": b"GET / HTTP/1.1\r\nHost: odd\r\nHost: even\r\n\r\n",
    "a NUL in a name": b"GET / HTTP/1.1\r\nHost: odd\r\nX\0A: b\r\n\r\n",
    "no version": b"GET /\r\nHost: odd\r\n\r\n",
}
NOT_IMPLEMENTED = {"chunked twice", "an encoding that is no chunked"}  # 501, RFC 9112 section 6.1


class Smuggling(lab.LabTest):
    def setUp(self):
        self.heads = []
        self.enterContext(lab.Server(self.lab, self.serve))

    def serve(self, connection):
        while (request := lab.read_head(connection)) is not None:
            self.heads.append(request[0])
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")

    def assert_refused(self, response, name=""):
        self.assertEqual(response.status, 501 if name in NOT_IMPLEMENTED else 400)
        self.assertEqual(response.headers.get_content_type(), "application/json")
        self.assertIn("error", json.loads(response.text))

    def test_each_attempt_is_refused_and_never_reaches_the_server(self):
        for name, attempt in ATTEMPTS.items():
            with self.subTest(name), self.connect(lab.ODD_PORT) as client:
                client.sendall(attempt)
                self.assert_refused(lab.read_response(client, "POST"), name)
                self.assertEqual(self.heads, [], "the server saw it")

    def test_each_attempt_is_refused_after_a_good_request_too(self):
        for name, attempt in ATTEMPTS.items():
            with self.subTest(name), self.connect(lab.ODD_PORT) as client:
                self.heads.clear()
                client.sendall(b"GET /good HTTP/1.1\r\nHost: odd\r\n\r\n" + attempt)
                self.assertEqual(lab.read_response(client).text, b"ok")
                self.assert_refused(lab.read_response(client, "POST"), name)
                self.assertEqual(len(self.heads), 1, "the server saw the second one")

    def test_bad_chunk_sizes_are_refused(self):
        for chunk in (b"zz\r\n", b"-1\r\n", b"0x5\r\nhello\r\n", b"5 \r\nhello\r\n", b"11111111111111111\r\n", b"5\nhello\r\n"):
            with self.subTest(chunk), self.connect(lab.ODD_PORT) as client:
                client.sendall(b"POST / HTTP/1.1\r\nHost: odd\r\nTransfer-Encoding: chunked\r\n\r\n" + chunk)
                self.assert_refused(lab.read_response(client, "POST"))

    def test_a_refusal_is_on_the_record(self):
        with self.connect(lab.ODD_PORT) as client:
            client.sendall(ATTEMPTS["two lengths"])
            lab.read_response(client, "POST")
            address = client.getsockname()
        unit = self.session(self.session_of(address)["id"])["units"][0]
        self.assertEqual(unit["request"]["error"], "http_bad_content_length")
        self.assertTrue(unit["response"]["synthesized"])


if __name__ == "__main__":
    lab.main()
