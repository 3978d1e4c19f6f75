#!/usr/bin/env python3
"""The client learns the truth about the server: refused stays refused, silence stays silence, a reset stays a reset."""

import socket
import struct
import time

import lab
from labkit import namespaces


class Truth(lab.LabTest):
    def test_a_refused_connection_is_refused_end_to_end(self):
        started = time.monotonic()
        with self.assertRaises(ConnectionRefusedError):
            self.connect(lab.ODD_PORT)
        self.assertLess(time.monotonic() - started, 2)

    def test_a_silent_server_is_silence_for_the_client(self):
        """Nothing answers the SYN: the client's own timeout ends it, nobody answers in the server's name."""
        rule = ("ip", "netns", "exec", self.lab.server, "ip", "route", "add", "blackhole", self.lab.client_address)
        namespaces.run(*rule)
        try:
            with self.assertRaises(socket.timeout):
                self.connect(self.lab.port, seconds=2.5)
        finally:
            namespaces.run("ip", "-n", self.lab.server, "route", "del", "blackhole", self.lab.client_address)
        self.assertEqual(self.get("/1k").status, 200)

    def test_a_reset_by_the_server_reaches_the_client(self):
        def reset(connection):
            lab.read_head(connection)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

        with lab.Server(self.lab, reset), self.connect(lab.ODD_PORT) as client:
            client.sendall(b"GET / HTTP/1.1\r\nHost: odd\r\n\r\n")
            data, was_reset = lab.read_to_end(client)
            self.assertEqual((data, was_reset), (b"", True))

    def test_a_reset_by_the_client_reaches_the_server(self):
        ends = []

        def wait(connection):
            lab.read_head(connection)
            ends.append(lab.read_to_end(connection))

        with lab.Server(self.lab, wait):
            client = self.connect(lab.ODD_PORT)
            client.sendall(b"GET / HTTP/1.1\r\nHost: odd\r\n\r\n")
            time.sleep(0.2)
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            client.close()
            self.assertTrue(lab.wait_until(lambda: ends, 5))
        self.assertEqual(ends[0], (b"", True))

    def test_half_close_by_the_client_still_gets_the_answer(self):
        def late(connection):
            lab.read_head(connection)
            time.sleep(0.3)
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nlate")

        with lab.Server(self.lab, late), self.connect(lab.ODD_PORT) as client:
            client.sendall(b"GET / HTTP/1.1\r\nHost: odd\r\nConnection: close\r\n\r\n")
            client.shutdown(socket.SHUT_WR)
            self.assertEqual(lab.read_response(client).text, b"late")

    def test_the_server_sees_the_clients_own_address_and_port(self):
        peers = []
        with lab.Server(self.lab, lambda connection: peers.append(connection.getpeername())):
            with self.connect(lab.ODD_PORT) as client:
                mine = client.getsockname()
                lab.wait_until(lambda: peers, 5)
        self.assertEqual(peers, [mine])
        self.assertEqual(mine[0], self.lab.client_address)


if __name__ == "__main__":
    lab.main()
