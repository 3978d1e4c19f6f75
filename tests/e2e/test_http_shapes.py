#!/usr/bin/env python3
"""The shapes that HTTP/1.1 comes in, end to end: bodies and none, interim answers, pipelines, ranges, slow ends."""

import socket
import time

import lab
from labkit import content


class Shapes(lab.LabTest):
    def serve(self, *responses):
        """A server that answers the requests of each connection with these, in order; collects the heads."""
        self.heads = []

        def handle(connection):
            for response in responses:
                request = lab.read_head(connection)
                if request is None:
                    return
                self.heads.append(request[0])
                connection.sendall(response)

        self.enterContext(lab.Server(self.lab, handle))

    def test_head_has_no_body(self):
        self.serve(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        with self.connect(lab.ODD_PORT) as client:
            client.sendall(b"HEAD / HTTP/1.1\r\nHost: odd\r\n\r\n")
            self.assertEqual(lab.read_response(client, "HEAD").headers["Content-Length"], "1000")
            client.sendall(b"GET / HTTP/1.1\r\nHost: odd\r\n\r\n")
            self.assertEqual(lab.read_response(client).text, b"ok")

    def test_no_content_and_not_modified_have_no_body(self):
        self.serve(b"HTTP/1.1 204 No Content\r\n\r\n", b"HTTP/1.1 304 Not Modified\r\n\r\n",
                   b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        with self.connect(lab.ODD_PORT) as client:
            for status in (204, 304, 200):
                client.sendall(b"GET / HTTP/1.1\r\nHost: odd\r\n\r\n")
                self.assertEqual(lab.read_response(client).status, status)

    def test_interim_answers_pass(self):
        self.serve(b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        with self.connect(lab.ODD_PORT) as client:
            client.sendall(b"GET / HTTP/1.1\r\nHost: odd\r\n\r\n")
            data = b""
            while not data.endswith(b"ok"):
                data += client.recv(65536)
        self.assertTrue(data.startswith(b"HTTP/1.1 103"), data)
        self.assertIn(b"\r\n\r\nHTTP/1.1 200", data)

    def test_expect_continue(self):
        body = content.filler(200_000).encode()
        path = "/upload/expect"
        with self.connect() as client:
            client.sendall(b"PUT %s HTTP/1.1\r\nHost: orders\r\nExpect: 100-continue\r\nContent-Length: %d\r\n\r\n"
                           % (path.encode(), len(body)))
            self.assertTrue(client.recv(65536).startswith(b"HTTP/1.1 100"))
            client.sendall(body)
            self.assertEqual(lab.read_response(client, "PUT").status, 201)
        with open(self.lab.nginx_folder() + "/uploads" + path, "rb") as file:
            self.assertEqual(lab.sha256(file.read()), lab.sha256(body))

    def test_a_pipeline_is_answered_in_order(self):
        with self.connect() as client:
            client.sendall(b"GET /1k HTTP/1.1\r\nHost: o\r\n\r\nGET /64k HTTP/1.1\r\nHost: o\r\n\r\nGET /1k HTTP/1.1\r\nHost: o\r\n\r\n")
            sizes = [len(lab.read_response(client).text) for _ in range(3)]
        self.assertEqual(sizes, [1024, 65536, 1024])

    def test_ranges_cannot_be_used_to_see_a_secret_in_pieces(self):
        whole = self.get("/customers.json")
        part = self.get("/customers.json", "Range: bytes=100-107")
        self.assertEqual(part.status, 200, "the range was taken out of the request")
        self.assertEqual(part.text, whole.text)

    def test_a_compressed_answer_is_not_asked_for(self):
        self.serve(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        self.get("/", "Accept-Encoding: gzip, br", port=lab.ODD_PORT)
        offered = [line for line in self.heads[0].lower().split("\r\n") if line.startswith("accept-encoding")]
        self.assertFalse(any("gzip" in line or "br" in line for line in offered), offered)

    def test_chunked_trailers_pass(self):
        self.serve(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n2\r\nok\r\n0\r\nX-Sum: 17\r\n\r\n")
        with self.connect(lab.ODD_PORT) as client:
            client.sendall(b"GET / HTTP/1.1\r\nHost: odd\r\n\r\n")
            data = b""
            while b"\r\n0\r\n" not in data or not data.endswith(b"\r\n\r\n"):
                data += client.recv(65536)
        self.assertIn(b"X-Sum: 17", data)

    def test_a_server_that_closes_early_is_no_complete_answer(self):
        self.serve(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly this")
        with self.connect(lab.ODD_PORT) as client:
            client.sendall(b"GET / HTTP/1.1\r\nHost: odd\r\n\r\n")
            data, _ = lab.read_to_end(client)
        self.assertLess(len(data.partition(b"\r\n\r\n")[2]), 100)

    def test_a_slow_client_gets_everything(self):
        """Back-pressure from leg to leg: the server is faster than its client by far."""
        with self.connect(seconds=60) as client:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
            client.sendall(b"GET /1m HTTP/1.1\r\nHost: orders\r\n\r\n")
            time.sleep(1)
            body = lab.read_response(client).text
        self.assertEqual(lab.sha256(body), lab.sha256(content.filler(1024 * 1024).encode()))

    def test_http_1_0_until_close(self):
        self.serve(b"HTTP/1.0 200 OK\r\n\r\nthe end is the end")
        with self.connect(lab.ODD_PORT) as client:
            client.sendall(b"GET / HTTP/1.0\r\n\r\n")
            data, was_reset = lab.read_to_end(client)
        self.assertEqual((data.partition(b"\r\n\r\n")[2], was_reset), (b"the end is the end", False))


if __name__ == "__main__":
    lab.main()
