#!/usr/bin/env python3
"""Card numbers and addresses, cut at every byte, over plain and chunked bodies: none gets to the client or onto the disk."""

import json
import os
import resource
import signal
import time

import lab
from labkit import content

PEOPLE = content.customers(2, seed=4242)
BODY = json.dumps({"customers": PEOPLE}).encode()
SECRETS = sorted(content.secrets(PEOPLE), key=lambda secret: BODY.index(secret.encode()))
CORES = "/var/tmp/sluice-e2e-cores"


def plain(body):
    return b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body) + body


def chunked(parts):
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
    return head + b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts if part) + b"0\r\n\r\n"


def serve(connection):
    """GET /KIND/CUT: the body as one response of that kind, cut at that byte."""
    while (request := lab.read_head(connection)) is not None:
        _, kind, cut = request[0].split(" ")[1].split("/")
        cut = int(cut)
        if kind == "segments":  # two segments, cut anywhere in head or body
            response = plain(BODY)
            connection.sendall(response[:cut])
            time.sleep(0.001)
            connection.sendall(response[cut:])
        elif kind == "chunks":  # two chunks in one segment
            connection.sendall(chunked([BODY[:cut], BODY[cut:]]))
        elif kind == "chunk-segments":  # chunked, and two segments
            response = chunked([BODY[:40], BODY[40:]])
            connection.sendall(response[:cut])
            time.sleep(0.001)
            connection.sendall(response[cut:])
        elif kind == "bytes":  # every byte its own segment
            for byte in plain(BODY):
                connection.sendall(bytes([byte]))
        elif kind == "byte-chunks":  # every byte its own chunk
            connection.sendall(chunked([bytes([byte]) for byte in BODY]))
        elif kind == "close":  # until close, no length
            connection.sendall(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + BODY)
            return


class CutAnywhere(lab.LabTest):
    policy = lab.POLICY.replace("  - name: odd\n", """\
  - name: inbox
    address: 10.77.0.2:8180
    protocol: http
    mode: enforce
    record: {class: routine, durability: group}
    rules: [pii/*]
  - name: odd
""")

    @classmethod
    def raise_lab(cls):
        """The data plane may write a core file as large as it likes, if it would."""
        os.makedirs(CORES, exist_ok=True)
        lab_ = cls.lab
        lab_.up_network()
        lab_.up_servers()
        lab_.up_appliance(cls.policy, cwd=CORES, limits=lambda: resource.setrlimit(
            resource.RLIMIT_CORE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY)))

    def setUp(self):
        server = lab.Server(self.lab, serve)
        self.enterContext(server)

    def ask_all(self, kind, cuts):
        """All cuts over one connection; every body must be the same, and free of secrets."""
        bodies = {}
        with self.connect(lab.ODD_PORT) as client:
            for cut in cuts:
                client.sendall(b"GET /%s/%d HTTP/1.1\r\nHost: odd\r\n\r\n" % (kind.encode(), cut))
                bodies[cut] = lab.read_response(client).text
        for cut, body in bodies.items():
            for secret in SECRETS:
                self.assertNotIn(secret.encode(), body, f"{kind}, cut at {cut}: {secret} reached the client")
            self.assertEqual(body, self.masked(), f"{kind}, cut at {cut}: the mask differs from the uncut one")

    def masked(self):
        """What the uncut body becomes; computed here from what a mask must keep: everything but the secrets."""
        if not hasattr(type(self), "_masked"):
            response = self.get("/segments/0", port=lab.ODD_PORT)
            body = response.text
            self.assertEqual(len(body), len(BODY), "a mask in place keeps the length")
            position = 0
            for secret in SECRETS:
                begin = BODY.index(secret.encode(), position)
                self.assertEqual(body[position:begin], BODY[position:begin], "bytes outside of a secret have changed")
                self.assertNotEqual(body[begin:begin + len(secret)], secret.encode())
                position = begin + len(secret)
            self.assertEqual(body[position:], BODY[position:])
            type(self)._masked = body
        return type(self)._masked

    def test_two_segments_cut_at_every_byte(self):
        self.ask_all("segments", range(len(plain(BODY))))

    def test_two_chunks_cut_at_every_byte(self):
        self.ask_all("chunks", range(len(BODY)))

    def test_chunked_body_in_two_segments_cut_at_every_byte(self):
        self.ask_all("chunk-segments", range(len(chunked([BODY[:40], BODY[40:]]))))

    def test_every_byte_its_own_segment(self):
        self.ask_all("bytes", range(5))

    def test_every_byte_its_own_chunk(self):
        self.ask_all("byte-chunks", range(5))

    def test_body_until_close(self):
        for _ in range(5):
            self.assertEqual(self.get("/close/0", port=lab.ODD_PORT).text, self.masked())

    def test_secrets_in_requests_are_not_recorded(self):
        """The server needs what the client sends; the record does not."""
        received = []

        def take(connection):
            head, rest = lab.read_head(connection)
            length = int(head.lower().split("content-length:")[1].split("\r\n")[0])
            while len(rest) < length:
                rest += connection.recv(65536)
            received.append(rest)
            connection.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")

        with lab.Server(self.lab, take, port=lab.Lab.port + 100):
            for cut in range(0, len(BODY), 7):
                with self.connect(lab.Lab.port + 100) as client:
                    head = b"POST /in HTTP/1.1\r\nHost: odd\r\nContent-Length: %d\r\n\r\n" % len(BODY)
                    client.sendall(head + BODY[:cut])
                    time.sleep(0.001)
                    client.sendall(BODY[cut:])
                    self.assertEqual(lab.read_response(client, "POST").status, 204)
        self.assertTrue(all(len(body) == len(BODY) for body in received))
        self.assert_nowhere_on_disk(SECRETS)

    def test_z_nothing_is_left_on_disk(self):
        """Last of all: everything above is on disk by now, and a crash leaves no core file."""
        self.wait_for_sessions(1, of=lambda session: session["requests"] == len(plain(BODY)))
        self.assertGreater(self.archive_bytes(), len(BODY) * 1000, "the exchanges are in the archive")
        self.assert_nowhere_on_disk(SECRETS)
        os.kill(self.lab.appliance.dataplane.pid(), signal.SIGSEGV)
        self.assertTrue(self.lab.appliance.dataplane.wait_gone(10))
        self.assertEqual(os.listdir(CORES), [], "a core file was written")
        os.rmdir(CORES)
        self.assert_nowhere_on_disk(SECRETS)


if __name__ == "__main__":
    lab.main()
