#!/usr/bin/env python3
"""A SYN flood from addresses that nobody has: what is established goes on, and who really calls is served."""

import random
import socket
import struct

import lab
from labkit import content, namespaces

SOURCES = 100  # the table of half-open connections holds 16,384, and 1,024 of a source
MOST_SYNS = 400_000


def syn_frame(source, source_port, target, port, seq):
    tcp = struct.pack("!HHIIBBHHHBBH", source_port, port, seq, 0, 6 << 4, 0x02, 64240, 0, 0, 2, 4, 1460)
    tcp = tcp[:16] + struct.pack("!H", lab.internet_checksum(source + target + struct.pack("!BBH", 0, 6, len(tcp)) + tcp)) + tcp[18:]
    ip = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(tcp), 0, 0x4000, 64, 6, 0, source, target)
    ip = ip[:10] + struct.pack("!H", lab.internet_checksum(ip)) + ip[12:]
    return bytes.fromhex("027700000002" "027700000064" "0800") + ip + tcp


class SynFlood(lab.LabTest):
    def flood(self):
        """Until the table is full; what the TAP has no room for is lost, as in any flood."""
        seeded = random.Random(4987)
        target = socket.inet_aton(self.lab.server_address)
        with namespaces.inside(self.lab.client):
            raw = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
        with raw:
            raw.bind((self.lab.client_tap, 0))
            for number in range(MOST_SYNS):
                if number % 1000 == 0 and self.drops("syn_cookie_sent") > 1000:
                    return
                source = socket.inet_aton(f"10.77.0.{100 + number % SOURCES}")
                raw.send(syn_frame(source, 1024 + number // SOURCES % 60_000, target, self.lab.port, seeded.getrandbits(32)))

    def test_callers_are_served_and_what_is_established_goes_on(self):
        with self.connect(self.lab.port) as established:
            self.ask(established)
            self.flood()
            self.assertGreater(self.drops("syn_cookie_sent"), 1000)
            self.ask(established)
            for _ in range(5):  # each calls through a full table
                done = self.lab.curl("/customers.json", "-f")
                self.assertEqual(done.returncode, 0, done.stderr)
                self.assertIn("city", done.stdout)
                self.assertEqual([secret for secret in content.secrets(content.customers()) if secret in done.stdout], [])
            self.assertTrue(lab.wait_until(lambda: self.drops("syn_cookie_accepted") >= 5, 5, 0.2))
            self.ask(established)

    def ask(self, client):
        client.sendall(b"GET /1k HTTP/1.1\r\nHost: orders\r\n\r\n")
        self.assertEqual(lab.read_response(client, "GET").status, 200)


if __name__ == "__main__":
    lab.main()
