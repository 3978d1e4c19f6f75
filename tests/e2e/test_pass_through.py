#!/usr/bin/env python3
"""What is not for a protected service passes unchanged; what could carry one around the inspection does not."""

import socket
import struct

import lab
from labkit import namespaces


class PassThrough(lab.LabTest):
    def test_ping_and_arp_pass(self):
        namespaces.run("ip", "-n", self.lab.client, "neigh", "flush", "all")
        done = self.lab.in_client("ping", "-c", "3", "-i", "0.2", "-W", "2", self.lab.server_address)
        self.assertIn("3 received", done.stdout)
        neighbour = namespaces.run("ip", "-n", self.lab.client, "neigh").stdout
        self.assertIn("02:77:00:00:00:02", neighbour, "the client sees the server's own MAC address")

    def test_large_ping_passes_in_fragments_to_other_hosts_only(self):
        """Fragments to a protected address are refused and counted."""
        before = self.drops("fragment_refused")
        done = self.lab.in_client("ping", "-c", "1", "-s", "4000", "-W", "1", self.lab.server_address)
        self.assertIn("0 received", done.stdout)
        self.assert_counted("fragment_refused", before)

    def test_a_port_without_a_service_is_untouched(self):
        text = b"4111 1111 1111 1111 is nobody's business here\n"

        def echo(connection):
            while data := connection.recv(65536):
                connection.sendall(data)

        with lab.Server(self.lab, echo, port=9999), self.connect(9999) as client:
            client.sendall(text)
            self.assertEqual(client.recv(65536), text)

    def test_udp_to_another_port_passes(self):
        with self.udp_server(5353) as server, namespaces.open_socket(self.lab.client, socket.SOCK_DGRAM) as client:
            client.sendto(b"hello", (self.lab.server_address, 5353))
            self.assertEqual(server.recv(100), b"hello")

    def test_udp_to_a_protected_port_is_refused(self):
        before = self.drops("udp_refused")
        with self.udp_server(self.lab.port) as server, namespaces.open_socket(self.lab.client, socket.SOCK_DGRAM) as client:
            client.sendto(b"hello", (self.lab.server_address, self.lab.port))
            server.settimeout(1)
            with self.assertRaises(socket.timeout):
                server.recv(100)
        self.assert_counted("udp_refused", before)

    def udp_server(self, port):
        server = namespaces.open_socket(self.lab.server, socket.SOCK_DGRAM)
        server.settimeout(5)
        server.bind((self.lab.server_address, port))
        return server

    def test_a_segment_of_no_known_session_is_refused(self):
        """A bare ACK with data to the protected port, from the client's own address."""
        before = self.drops("unknown_flow_refused")
        source, target = (socket.inet_aton(address) for address in (self.lab.client_address, self.lab.server_address))
        payload = b"GET / HTTP/1.1\r\n\r\n"
        tcp = struct.pack("!HHIIBBHHH", 45678, self.lab.port, 1000, 2000, 5 << 4, 0x18, 1024, 0, 0)
        pseudo = source + target + struct.pack("!BBH", 0, 6, len(tcp) + len(payload))
        tcp = tcp[:16] + struct.pack("!H", lab.internet_checksum(pseudo + tcp + payload)) + tcp[18:]
        with namespaces.inside(self.lab.client):
            raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_TCP)
        with raw:
            raw.sendto(tcp + payload, (self.lab.server_address, 0))
        self.assert_counted("unknown_flow_refused", before)


if __name__ == "__main__":
    lab.main()
