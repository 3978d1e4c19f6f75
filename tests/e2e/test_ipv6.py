#!/usr/bin/env python3
"""A protected service over IPv6, from curl to the record and back, beside the same one over IPv4."""

import json
import os
import socket
import struct
import subprocess

import lab
from labkit import content, namespaces
from labkit.lab import Lab

POLICY = """\
services:
  - name: orders
    address: 10.77.0.2:8080
    protocol: http
    mode: enforce
    rules: [pii/*]
  - name: orders-ipv6
    address: "[2001:db8:77::2]:8080"
    protocol: http
    mode: enforce
    rules: [pii/*]
  - name: nobody-ipv6
    address: "[2001:db8:77::2]:8081"
    protocol: http
    mode: enforce
principals:
  - {name: lab-client, from: 10.77.0.64/26}
  - {name: lab-ipv6, from: "2001:db8:77::/64"}
"""


class Ipv6Test(lab.LabTest):
    policy = POLICY
    mtu = 1500

    @classmethod
    def new_lab(cls):
        return Lab(os.environ.get("SLUICE_LAB", "sluice") + "-e2e", ipv6=True, mtu=cls.mtu)

    def url6(self, path):
        return f"http://[{self.lab.server_ipv6}]:{self.lab.port}{path}"

    def curl6(self, path, *options):
        done = self.lab.in_client("curl", "-gsS", "--max-time", "30", *options, self.url6(path))
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def big_transfers(self):
        """A megabyte each way, whole."""
        self.assertEqual(len(self.curl6("/1m")), 1 << 20)
        path = os.path.join(self.lab.state, "upload")
        with open(path, "w", encoding="ascii") as file:
            file.write(content.filler(1 << 20))
        self.assertEqual(self.curl6("/upload/ipv6", "-T", path, "-o", "/dev/null", "-w", "%{http_code}"), "201")
        with open(path, "rb") as sent, open(self.lab.nginx_folder() + "/uploads/upload/ipv6", "rb") as arrived:
            self.assertEqual(lab.sha256(sent.read()), lab.sha256(arrived.read()))


class Ipv6(Ipv6Test):
    def test_masks_and_record_are_those_of_ipv4(self):
        ipv4 = self.lab.curl("/customers.json").stdout
        port = 41234
        ipv6 = self.curl6("/customers.json", "--local-port", str(port))
        self.assertEqual(ipv6, ipv4)
        secrets = content.secrets(content.customers())
        for secret in secrets:
            self.assertNotIn(secret, ipv6)
        client = f"[{self.lab.client_ipv6}]:{port}"
        session = self.wait_for_sessions(1, of=lambda one: one["client"] == client)[0]
        self.assertEqual(session["server"], f"[{self.lab.server_ipv6}]:{self.lab.port}")
        self.assertEqual((session["service"], session["principal"]), ("orders-ipv6", "lab-ipv6"))
        self.assertGreater(session["masked"], 0)
        self.assertEqual(self.recorded_body(session["id"], 0, "response").decode(), ipv6)
        self.assert_nowhere_on_disk(secrets)
        shown = self.lab.appliance.cli("sessions", "show", session["id"]).stdout
        self.assertIn(client, shown)
        self.assertIn(client, self.lab.appliance.cli("sessions", "list").stdout)
        replayed = self.lab.appliance.cli("replay", session["id"], "--to", f"[{self.lab.server_ipv6}]:{self.lab.port}")
        self.assertIn("protected", replayed.stderr)

    def test_the_server_sees_the_client_itself(self):
        self.curl6("/1k", "--local-port", "41235", "-o", "/dev/null")
        with open(self.lab.nginx_folder() + "/access.log", encoding="utf-8") as log:
            self.assertTrue(any(line.startswith(f"{self.lab.client_ipv6}:41235 ") for line in log))

    def test_big_transfers(self):
        self.big_transfers()

    def test_a_refused_connection_stays_refused(self):
        before = self.drops("tcp_refused_by_server")
        with namespaces.open_socket(self.lab.client, family=socket.AF_INET6) as client:
            client.settimeout(5)
            with self.assertRaises(ConnectionRefusedError):
                client.connect((self.lab.server_ipv6, lab.ODD_PORT))
        self.assert_counted("tcp_refused_by_server", before)

    def test_flows_and_filters(self):
        curl = subprocess.Popen(["ip", "netns", "exec", self.lab.client, "curl", "-gsS", "-o", "/dev/null",
                                 "--limit-rate", "100k", self.url6("/1m")])
        self.addCleanup(curl.wait)
        self.addCleanup(curl.kill)

        def flows(*filters):
            done = self.lab.appliance.cli("--json", "flows", *filters)
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
            return json.loads(done.stdout)["flows"]

        self.assertTrue(lab.wait_until(lambda: flows("--client", "2001:db8:77::/48"), 10, 0.1))
        flow = flows("--client", "2001:db8:77::/48")[0]
        self.assertEqual(flow["server"], f"[{self.lab.server_ipv6}]:{self.lab.port}")
        self.assertEqual(len(flows("--client", flow["client"])), 1)
        self.assertEqual(flows("--client", "2001:db8:78::/48"), [])
        self.assertEqual(flows("--client", "192.0.2.0/24"), [])
        self.assertEqual(flow["client_leg"]["mss"], self.mtu - 60 - 12)

    def test_neighbours_and_ping_pass(self):
        namespaces.run("ip", "-n", self.lab.client, "-6", "neigh", "flush", "all")
        done = self.lab.in_client("ping", "-6", "-c", "2", "-i", "0.2", "-W", "2", self.lab.server_ipv6)
        self.assertIn("2 received", done.stdout)
        neighbour = namespaces.run("ip", "-n", self.lab.client, "-6", "neigh").stdout
        self.assertIn("02:77:00:00:00:02", neighbour, "the client sees the server's own MAC address")

    def test_udp_to_the_protected_port_is_refused(self):
        before = self.drops("udp_refused")
        with namespaces.open_socket(self.lab.client, socket.SOCK_DGRAM, socket.AF_INET6) as client:
            client.sendto(b"hello", (self.lab.server_ipv6, self.lab.port))
        self.assert_counted("udp_refused", before)

    def test_headers_that_are_not_followed_are_refused(self):
        """A SYN behind a mobility header: nobody here knows what the server would make of it."""
        before = self.drops("ipv6_extension_unknown")
        tcp = struct.pack("!HHIIBBHHH", 45678, self.lab.port, 1000, 0, 5 << 4, 0x02, 1024, 0, 0)
        with namespaces.inside(self.lab.client):
            raw = socket.socket(socket.AF_INET6, socket.SOCK_RAW, 135)
        with raw:
            raw.sendto(struct.pack("!BBBBHH", 6, 0, 0, 0, 0, 0) + tcp, (self.lab.server_ipv6, 0))
        self.assert_counted("ipv6_extension_unknown", before)


class SmallestMtu(Ipv6Test):
    mtu = 1280

    def test_big_transfers(self):
        self.big_transfers()

    def test_masks(self):
        self.assertEqual(self.curl6("/customers.json"), self.lab.curl("/customers.json").stdout)


if __name__ == "__main__":
    lab.main()
