#!/usr/bin/env python3
"""Connections that nothing looks at: the peers' own segments pass, as `sluice flows` says, and all of it arrives."""

import hashlib
import json
import os
import random
import socket
import subprocess
import threading
import time

import lab
from labkit import namespaces

SIZE = (1024 if lab.BIG else 64) * 1024 * 1024
PIECE = 1 << 20

TCP_PORT = 9100
WATCHED_PORT = 9101
WEB_PORT = 9102
RECORDED_PORT = 9103
IPERF_PORT = 5201

POLICY = f"""\
services:
  - {{name: database, address: "10.77.0.2:{TCP_PORT}", protocol: tcp, mode: enforce}}
  - {{name: watched, address: "10.77.0.2:{WATCHED_PORT}", protocol: tcp, mode: observe}}
  - {{name: iperf, address: "10.77.0.2:{IPERF_PORT}", protocol: tcp, mode: enforce, record: off}}
  - name: live
    address: 10.77.0.2:{WEB_PORT}
    protocol: http
    mode: enforce
    rules: [pii/*]
    allow_upgrade: true
    after_upgrade: pass
  - name: kept
    address: 10.77.0.2:{RECORDED_PORT}
    protocol: http
    mode: enforce
    allow_upgrade: true
  - {{name: orders, address: "10.77.0.2:8080", protocol: http, mode: enforce}}
principals:
  - {{name: lab-client, from: 10.77.0.64/26}}
"""

# The empty line in front is taken away, so that what follows lies at a distance.
UPGRADE = ("\r\nGET /live HTTP/1.1\r\nHost: live\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n").encode()
AGREED = b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"


def blocks(seed):
    """SIZE bytes that only the seed knows."""
    source = random.Random(seed)
    for _ in range(SIZE // PIECE):
        yield source.randbytes(PIECE)


def digest_of(seed):
    digest = hashlib.sha256()
    for block in blocks(seed):
        digest.update(block)
    return digest.hexdigest()


def send_all(connection, seed):
    for block in blocks(seed):
        connection.sendall(block)


def digest_to_end(connection):
    digest = hashlib.sha256()
    while block := connection.recv(PIECE):
        digest.update(block)
    return digest.hexdigest()


def echo(connection):
    while data := connection.recv(65536):
        connection.sendall(data)


def upgrade(connection):
    while lab.read_head(connection):
        connection.sendall(AGREED)
        return echo(connection)


class Ladder(lab.LabTest):
    policy = POLICY

    def flow_of(self, client):
        name = "%s:%d" % client.getsockname()
        done = self.lab.appliance.cli("--json", "flows", "--client", name)
        self.assertEqual(done.returncode, 0, done.stdout)
        flows = json.loads(done.stdout)["flows"]
        return flows[0] if flows else None

    def wait_for_handling(self, client, handling):
        seen = []

        def there():
            seen[:] = [self.flow_of(client)]
            return seen[0] is not None and seen[0]["handling"] == handling

        self.assertTrue(lab.wait_until(there, 10, 0.1), f"not {handling}: {seen[0]}")
        return seen[0]

    def ask_and_hear(self, client, text):
        client.sendall(text)
        got = b""
        while len(got) < len(text):
            got += client.recv(65536)
        self.assertEqual(got, text)

    def exchange_both_ways(self, client):
        """What both sides hear of a big stream each way at once; the client finishes first."""
        at_client = []
        reader = threading.Thread(target=lambda: at_client.append(digest_to_end(client)))
        reader.start()
        send_all(client, 1)
        client.shutdown(socket.SHUT_WR)
        reader.join(300)
        return at_client[0]

    def test_a_big_transfer_each_way_at_once_is_forwarded(self):
        at_server = []

        def serve(connection):
            reader = threading.Thread(target=lambda: at_server.append(digest_to_end(connection)))
            reader.start()
            send_all(connection, 2)
            reader.join(300)

        with lab.Server(self.lab, serve, port=TCP_PORT), self.connect(TCP_PORT, seconds=60) as client:
            name = client.getsockname()
            self.wait_for_handling(client, "forwarded")
            self.assertEqual(self.exchange_both_ways(client), digest_of(2), "at the client")
        self.assertTrue(lab.wait_until(lambda: at_server, 10, 0.1))
        self.assertEqual(at_server[0], digest_of(1), "at the server")
        session = self.session_of(name)
        self.assertEqual((session["request_bytes"], session["response_bytes"]), (SIZE, SIZE))
        self.assertEqual(session["service"], "database")
        self.assertEqual(session["principal"], "lab-client")

    def test_half_closed_for_a_while_and_silent_for_a_while(self):
        heard = []

        def serve(connection):
            while data := connection.recv(65536):
                heard.append(data)
            time.sleep(3)
            connection.sendall(b"late")

        with lab.Server(self.lab, serve, port=TCP_PORT), self.connect(TCP_PORT, seconds=20) as client:
            client.sendall(b"all I have")
            client.shutdown(socket.SHUT_WR)
            self.assertEqual(client.recv(100), b"late")
            self.assertEqual(client.recv(100), b"")
        self.assertEqual(b"".join(heard), b"all I have")

    def test_keepalives_of_the_peers_own_pass(self):
        with lab.Server(self.lab, echo, port=TCP_PORT), self.connect(TCP_PORT) as client:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 1)
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 1)
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 2)
            time.sleep(5)
            self.ask_and_hear(client, b"still here")

    def test_a_reset_arrives_and_ends_the_session(self):
        ended = []

        def serve(connection):
            connection.sendall(b"x")
            try:
                ended.append(connection.recv(100))
            except ConnectionResetError:
                ended.append("reset")

        with lab.Server(self.lab, serve, port=TCP_PORT):
            client = self.connect(TCP_PORT)
            name = client.getsockname()
            client.recv(1)
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
            client.close()
            self.assertTrue(lab.wait_until(lambda: ended, 5, 0.1))
        self.assertEqual(ended, ["reset"])
        self.assertEqual(self.session_of(name)["error"], "tcp_reset_by_client")

    def test_a_refused_connection_stays_refused(self):
        with self.assertRaises(ConnectionRefusedError):
            self.connect(TCP_PORT)

    def test_iperf_both_ways(self):
        server = subprocess.Popen(["ip", "netns", "exec", self.lab.server, "iperf3", "-s", "-p", str(IPERF_PORT)],
                                  stdout=subprocess.DEVNULL)
        self.addCleanup(server.wait)
        self.addCleanup(server.kill)
        time.sleep(1)
        for direction in ([], ["-R"]):
            done = self.lab.in_client("iperf3", "-c", self.lab.server_address, "-p", str(IPERF_PORT), "-t", "2",
                                      "--json", *direction)
            result = json.loads(done.stdout)
            self.assertNotIn("error", result)
            rate = result["end"]["sum_received"]["bits_per_second"]
            print(f"iperf3 {' '.join(direction) or 'forth'}: {rate / 1e9:.2f} Gbit/s")
            self.assertGreater(rate, 1e8)
        self.assertGreaterEqual(self.counters()["services"]["iperf"]["forwarded"], 4)

    def test_after_an_upgrade_it_is_spliced_and_what_follows_is_not_kept(self):
        card = b"4111 1111 1111 1111"
        with lab.Server(self.lab, upgrade, port=WEB_PORT), self.connect(WEB_PORT) as client:
            name = client.getsockname()
            client.sendall(UPGRADE)
            self.assertEqual(client.recv(65536), AGREED)
            self.ask_and_hear(client, b"early")
            flow = self.wait_for_handling(client, "spliced")
            for n in range(50):
                self.ask_and_hear(client, card + b" %d" % n)
            self.ask_and_hear(client, os.urandom(30_000))
            text = self.lab.appliance.cli("flows", "--session", flow["session"]).stdout
            self.assertIn(" spliced http ", text)
            trace = self.lab.appliance.cli("trace", "--session", flow["session"]).stdout
            self.assertRegex(trace, r"handling .*spliced")
            client.shutdown(socket.SHUT_WR)
            self.assertEqual(client.recv(100), b"")
        session = self.session_of(name)
        self.assertGreater(session["request_bytes"], 30_000)
        self.assert_nowhere_on_disk([card.decode()])

    def test_what_goes_on_the_record_stays_terminated(self):
        with lab.Server(self.lab, upgrade, port=RECORDED_PORT), self.connect(RECORDED_PORT) as client:
            client.sendall(UPGRADE)
            self.assertEqual(client.recv(65536), AGREED)
            self.ask_and_hear(client, b"hello")
            time.sleep(0.5)
            self.ask_and_hear(client, b"again")
            self.assertEqual(self.flow_of(client)["handling"], "terminated")

    def test_a_data_plane_that_dies_takes_no_observed_connection_with_it(self):
        """And one that is enforced is reset."""
        with lab.Server(self.lab, echo, port=WATCHED_PORT), lab.Server(self.lab, echo, port=TCP_PORT), \
                self.connect(WATCHED_PORT, seconds=30) as watched, self.connect(TCP_PORT, seconds=30) as enforced:
            self.ask_and_hear(watched, b"before")
            self.ask_and_hear(enforced, b"before")
            self.wait_for_handling(watched, "forwarded")
            self.lab.appliance.dataplane.kill()
            self.lab.appliance.start_dataplane()
            self.assertTrue(lab.wait_until(self.lab.is_ready, 20, 0.1), "the restarted data plane does not serve")
            self.ask_and_hear(watched, b"after")
            with self.assertRaises(ConnectionResetError):
                enforced.sendall(b"after")
                enforced.recv(100)


if __name__ == "__main__":
    lab.main()
