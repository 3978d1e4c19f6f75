#!/usr/bin/env python3
"""A TCP that is not Linux's at either end: lwIP speaks neither SACK nor timestamps, counts its timeouts in half seconds,
and announces windows of its own kind. It calls a protected service of the kernel's, it is one that the kernel calls, and
it is both. What arrives is what was sent, the masks are the same, and an observer finds nothing wrong on either leg."""

import os
import socket
import threading
import time

import lab
import lwip
import observer
from labkit import content, impairment, nginx
from labkit.processes import Daemon

LWIP_CLIENT = "10.77.0.70"
LWIP_SERVER = "10.77.0.3"
# Around a segment, around a window of lwIP's, and far beyond both.
SIZES = (1, 2, 1459, 1460, 1461, 10_000, 65_534, 65_535, 65_536, 131_073, 1_048_576, 3_000_001)
SIZES_OF_BAD_PATHS = (1, 1461, 65_536, 150_001)
SHORT_CONNECTIONS = 150
SHORT_ANSWER = content.filler(1024).encode()


class SecondStack(observer.Observer, lab.LabTest):
    policy = lab.POLICY.replace("    rules: [pii/*]\n", "    rules: [pii/*]\n    after_window: stream\n")
    server_address = lab.Lab.server_address
    odd_path = None  # where the odd server listens when lwIP is in front of it

    @classmethod
    def raise_lab(cls):
        policy = cls.policy.replace(lab.Lab.server_address, cls.server_address)
        cls.lab.up(lab.POLICY)
        cls.masked = cls.lab.curl("/customers.json").stdout
        cls.folder = cls.lab.nginx_folder()
        cls.hosts = []
        cls.put_hosts()
        for host in cls.hosts:
            host.start()
        cls.addClassCleanup(lambda: [host.stop() for host in cls.hosts])
        cls.lab.write_policy(policy)
        cls.lab.appliance.push(cls.lab.policy)
        cls.bodies = {size: content.filler(size).encode() for size in SIZES + SIZES_OF_BAD_PATHS}
        for size, body in cls.bodies.items():
            with open(os.path.join(cls.folder, f"site/body-{size}"), "wb") as file:
                file.write(body)

    @classmethod
    def show_logs(cls, lines=25):
        super().show_logs(lines)
        for host in cls.hosts:
            print(f"--- {host.name} {'runs' if host.daemon.pid() else 'does not run'}; its log:", host.daemon.log()[-2000:])

    @classmethod
    def lwip_calls(cls):
        """lwIP in the client's namespace; every connection of the tests goes through it."""
        host = lwip.LwipHost(cls.lab, *cls.lab.ends()[0], LWIP_CLIENT)
        cls.paths = {port: host.calls(cls.server_address, port) for port in (cls.lab.port, lab.ODD_PORT)}
        cls.hosts.append(host)

    @classmethod
    def lwip_serves(cls):
        """lwIP in the server's namespace, with an nginx behind it that has the same site."""
        host = lwip.LwipHost(cls.lab, *cls.lab.ends()[1], LWIP_SERVER)
        cls.odd_path = host.serves(lab.ODD_PORT)
        behind = Daemon("nginx-behind", cls.lab.state)
        cls.folder = os.path.join(cls.lab.state, behind.name)
        os.makedirs(host.folder, mode=0o700)
        behind.start(nginx.prepare(cls.folder, "unix:" + host.serves(cls.lab.port)))
        content.write_site(os.path.join(cls.folder, "site"))
        cls.addClassCleanup(behind.stop)
        cls.hosts.append(host)

    def serve(self, handle):
        return lab.Server(self.lab, handle, path=self.odd_path)


class Exchanges:
    """The tests, for every role."""

    def download(self, client, size):
        client.sendall(b"GET /body-%d HTTP/1.1\r\nHost: orders\r\n\r\n" % size)
        response = lab.read_response(client)
        self.assertEqual((response.status, lab.sha256(response.text)), (200, lab.sha256(self.bodies[size])), size)

    def upload(self, client, size):
        client.sendall(b"PUT /upload/body-%d HTTP/1.1\r\nHost: orders\r\nContent-Length: %d\r\n\r\n" % (size, size) + self.bodies[size])
        self.assertIn(lab.read_response(client, "PUT").status, (201, 204))
        with open(os.path.join(self.folder, f"uploads/upload/body-{size}"), "rb") as file:
            self.assertEqual(lab.sha256(file.read()), lab.sha256(self.bodies[size]), size)

    def test_bodies_of_every_size_without_a_flaw(self):
        with self.observed(), self.connect() as client:
            for size in SIZES:
                self.download(client, size)
                self.upload(client, size)

    def test_chunked_bodies_and_half_close(self):
        """The client ends its stream with the request; the server answers after it has seen the end."""
        seen = []

        def answer(connection):
            head, data = lab.read_head(connection)
            while part := connection.recv(65536):
                data += part
            seen.append((head, unchunked(data)))
            connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunked(seen[-1][1]))

        body = self.bodies[131_073]
        with self.serve(answer), self.observed():
            for _ in range(5):
                with self.connect(lab.ODD_PORT) as client:
                    client.sendall(b"POST /odd HTTP/1.1\r\nHost: odd\r\nTransfer-Encoding: chunked\r\n\r\n" + chunked(body))
                    client.shutdown(socket.SHUT_WR)
                    self.assertEqual(lab.sha256(lab.read_response(client, "POST").text), lab.sha256(body))
        self.assertEqual([lab.sha256(data) for _, data in seen], [lab.sha256(body)] * 5)

    def test_a_body_that_ends_with_the_stream(self):
        def answer(connection):
            lab.read_head(connection)
            connection.sendall(b"HTTP/1.0 200 OK\r\n\r\n" + self.bodies[1_048_576])

        with self.serve(answer), self.observed(), self.connect(lab.ODD_PORT) as client:
            client.sendall(b"GET / HTTP/1.0\r\n\r\n")
            self.assertEqual(lab.sha256(lab.read_response(client).text), lab.sha256(self.bodies[1_048_576]))

    def test_masks_are_those_that_linux_sees(self):
        with self.connect() as client:
            client.sendall(b"GET /chunked/customers.json HTTP/1.1\r\nHost: orders\r\nConnection: close\r\n\r\n")
            text = lab.read_response(client).text.decode()
        self.assertEqual([secret for secret in content.secrets(content.customers()) if secret in text], [])
        self.assertEqual(text, self.masked)
        self.assertIn("city", text)

    def test_readers_that_stop_for_a_while_close_the_window(self):
        with self.observed(), self.connect() as client:
            client.sendall(b"GET /body-3000001 HTTP/1.1\r\nHost: orders\r\n\r\n")
            time.sleep(1)
            response = lab.read_response(client)
            self.assertEqual(lab.sha256(response.text), lab.sha256(self.bodies[3_000_001]))

    def test_many_short_connections(self):
        failed = []

        def call():
            for _ in range(SHORT_CONNECTIONS // 5):
                with self.connect() as client:
                    client.sendall(b"GET /1k HTTP/1.1\r\nHost: orders\r\nConnection: close\r\n\r\n")
                    data, was_reset = lab.read_to_end(client)
                    if was_reset or not data.startswith(b"HTTP/1.1 200") or not data.endswith(SHORT_ANSWER):
                        failed.append(data)

        callers = [threading.Thread(target=call) for _ in range(5)]
        for caller in callers:
            caller.start()
        for caller in callers:
            caller.join()
        self.assertEqual(failed, [])

    def test_loss_doubled_and_reordered_frames(self):
        for namespace, device in self.lab.ends():
            impairment.impair(namespace, device, os.path.join(self.lab.state, device + ".nft"), drop=8, double=10, reorder=20)
            self.addCleanup(impairment.clear, namespace)
        # Where Linux sends superframes there are few to harm.
        for _ in range(20):
            with self.connect(seconds=60) as client:
                for size in SIZES_OF_BAD_PATHS:
                    self.download(client, size)
                    self.upload(client, size)
            if all(impairment.frames_harmed(namespace) > 2 for namespace, _ in self.lab.ends()):
                return
        self.fail("nothing was harmed")


class LwipCalls(Exchanges, SecondStack):
    @classmethod
    def put_hosts(cls):
        cls.lwip_calls()

    def connect(self, port=lab.Lab.port, seconds=20):
        client = socket.socket(socket.AF_UNIX)
        client.settimeout(seconds)
        client.connect(self.paths[port])
        return client

    def test_a_refused_connection_ends_at_once(self):
        with self.connect(lab.ODD_PORT) as client:  # nobody listens there now
            self.assertEqual(client.recv(1), b"")


class LwipServes(Exchanges, SecondStack):
    server_address = LWIP_SERVER

    @classmethod
    def put_hosts(cls):
        cls.lwip_serves()

    def connect(self, port=lab.Lab.port, seconds=20):
        return super().connect(port, seconds, address=LWIP_SERVER)


class LwipOnBothSides(LwipCalls):
    server_address = LWIP_SERVER

    @classmethod
    def put_hosts(cls):
        cls.lwip_serves()
        cls.lwip_calls()


def chunked(body, at_most=1000):
    pieces = [body[at:at + at_most] for at in range(0, len(body), at_most)]
    return b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"


def unchunked(data):
    body = b""
    while True:
        size, _, data = data.partition(b"\r\n")
        if int(size, 16) == 0:
            return body
        body, data = body + data[:int(size, 16)], data[int(size, 16) + 2:]


if __name__ == "__main__":
    lab.main()
