#!/usr/bin/env python3
"""Routers between the appliance and both ends, with hops that take less than the ends send: the sizes are found from what
the routers say, IPv4 and IPv6, both ways; what a router cuts is put together; what a firewall says to a SYN is heard."""

import json
import os
import socket
import time

import lab
from labkit import namespaces
from labkit.lab import Lab

SIZE = 8 * 1024 * 1024
PROMPTLY_SECONDS = 10
POLICY = """\
services:
  - {name: orders, address: "10.77.0.2:8080", protocol: http, mode: enforce, after_window: stream, rules: [pii/*]}
  - {name: odd, address: "10.77.0.2:8081", protocol: http, mode: enforce}
  - {name: orders-ipv6, address: "[2001:db8:77::2]:8080", protocol: http, mode: enforce, after_window: stream, rules: [pii/*]}
  - {name: odd-ipv6, address: "[2001:db8:77::2]:8081", protocol: http, mode: enforce}
"""


class RoutedLab(Lab):
    """Each TAP is a router's, and the end a hop behind it; the routers' nets are 10.77.1.0/24 and 2001:db8:78::/64."""

    def __init__(self, name):
        super().__init__(name, ipv6=True)
        self.routers = {"client": self.name + "-rc", "server": self.name + "-rs"}
        self.client_port = f"{{tap: {self.client_tap}, netns: {self.routers['client']}}}"
        self.server_port = f"{{tap: {self.server_tap}, netns: {self.routers['server']}}}"

    def up_network(self):
        super().up_network()
        self.hops = []
        sides = (("client", self.client, self.client_tap, self.client_address, self.client_ipv6, 1, self.server_address, self.server_ipv6, 2),
                 ("server", self.server, self.server_tap, self.server_address, self.server_ipv6, 2, self.client_address, self.client_ipv6, 1))
        for side, end, tap, ipv4, ipv6, own, far4, far6, other in sides:
            router = self.routers[side]
            ip = lambda where, *what: namespaces.run("ip", "-n", where, *what)
            ip(end, "link", "delete", tap)
            namespaces.create(router, tap, f"02:77:01:00:00:0{own}", f"10.77.1.{own}/24", f"2001:db8:78::{own}/64")
            namespaces.run("ip", "netns", "exec", router, "sysctl", "-qw", "net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1")
            ip(router, "link", "add", "hop", "type", "veth", "peer", "name", "way", "netns", end)
            for where, device in ((router, "hop"), (end, "way")):
                ip(where, "link", "set", "dev", device, "up")
            ip(router, "address", "add", "10.77.2.1/32", "dev", "hop")
            ip(router, "address", "add", "2001:db8:79::1/128", "dev", "hop", "nodad")
            ip(end, "address", "add", ipv4 + "/32", "dev", "way")
            ip(end, "address", "add", ipv6 + "/128", "dev", "way", "nodad")
            ip(end, "route", "add", "10.77.2.1", "dev", "way")
            ip(end, "route", "add", "default", "via", "10.77.2.1", "src", ipv4)
            ip(end, "-6", "route", "add", "2001:db8:79::1", "dev", "way")
            ip(end, "-6", "route", "add", "default", "via", "2001:db8:79::1", "src", ipv6)
            ip(router, "route", "add", ipv4, "dev", "hop")
            ip(router, "-6", "route", "add", ipv6, "dev", "hop")
            ip(router, "route", "add", far4, "via", f"10.77.1.{other}")
            ip(router, "-6", "route", "add", far6, "via", f"2001:db8:78::{other}")

    def down(self):
        super().down()
        for router in self.routers.values():
            namespaces.remove(router)

    def set_hop(self, side, mtu, ipv6_mtu):
        """What the router takes toward its end."""
        router = self.routers[side]
        ipv4, ipv6 = (self.client_address, self.client_ipv6) if side == "client" else (self.server_address, self.server_ipv6)
        namespaces.run("ip", "-n", router, "route", "replace", ipv4, "dev", "hop", "mtu", "lock", str(mtu))
        namespaces.run("ip", "-n", router, "-6", "route", "replace", ipv6, "dev", "hop", "mtu", "lock", str(ipv6_mtu))


def statistic(namespace, family, name):
    """Of the namespace's own IP stack."""
    lines = namespaces.run("ip", "netns", "exec", namespace, "cat", "/proc/net/snmp").stdout.splitlines()
    rows = [line.split() for line in lines if line.startswith(family + ":")]
    return int(dict(zip(rows[0], rows[1]))[name])


class Routed(lab.LabTest):
    policy = POLICY

    @classmethod
    def new_lab(cls):
        return RoutedLab(super().new_lab().name)

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.source = os.path.join(cls.lab.state, "content")
        text = os.urandom(SIZE // 2).hex().translate(str.maketrans("0123456789", "ghijklmnop")).encode()
        for path in (cls.source, os.path.join(cls.lab.nginx_folder(), "site", "content")):
            with open(path, "wb") as file:
                file.write(text)
        cls.expected = lab.sha256(text)

    def drops(self, reason):
        counters = self.counters()
        return counters["drops"].get(reason, 0) if counters else 0

    def url(self, path, family):
        return f"http://{self.lab.server_address if family == 4 else '[' + self.lab.server_ipv6 + ']'}:{self.lab.port}{path}"

    def curl(self, path, family, *options):
        began = time.monotonic()
        done = self.lab.in_client("curl", "-gsS", "--max-time", "60", *options, self.url(path, family))
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertLess(time.monotonic() - began, PROMPTLY_SECONDS)

    def download(self, family=4):
        got = os.path.join(self.lab.state, "got")
        self.curl("/content", family, "-o", got)
        self.assert_content(got)

    def upload(self, family=4):
        self.curl("/upload/content", family, "-o", "/dev/null", "-T", self.source)
        self.assert_content(os.path.join(self.lab.nginx_folder(), "uploads/upload/content"))

    def assert_content(self, path):
        with open(path, "rb") as file:
            self.assertEqual(lab.sha256(file.read()), self.expected)


class SmallHops(Routed):
    def errors_heard(self):
        """By the ends, of paths that are not theirs."""
        return sum(statistic(end, "Icmp", "InDestUnreachs") for end in (self.lab.client, self.lab.server))

    def through(self, client, server, family=4):
        for side, mtu in (("client", client), ("server", server)):
            self.lab.set_hop(side, mtu, max(mtu, 1280))
        before, heard = self.drops("icmp_path_mtu"), self.errors_heard()
        self.download(family)
        self.upload(family)
        expected = before + (client < 1500) + (server < 1500)
        self.assertTrue(lab.wait_until(lambda: self.drops("icmp_path_mtu") >= expected, 5, 0.2), self.counters()["drops"])
        self.assertEqual(self.errors_heard(), heard, "what a leg sent is no matter of the far end")

    def test_the_client_is_behind_it(self):
        for mtu in (1400, 1280, 576):
            with self.subTest(mtu):
                self.through(mtu, 1500)

    def test_the_server_is_behind_it(self):
        for mtu in (1400, 1280, 576):
            with self.subTest(mtu):
                self.through(1500, mtu)

    def test_both_are(self):
        self.through(1280, 1400)

    def test_ipv6(self):
        self.through(1400, 1280, family=6)


class Fragments(Routed):
    def test_what_a_router_cuts_is_put_together(self):
        """The client does not discover its path, and its router cuts what it sends to the protected address."""
        router = self.lab.routers["client"]
        namespaces.run("ip", "netns", "exec", self.lab.client, "sysctl", "-qw", "net.ipv4.ip_no_pmtu_disc=1")
        namespaces.run("ip", "-n", router, "route", "replace", self.lab.server_address, "via", "10.77.1.2", "mtu", "lock", "1400")
        before = statistic(router, "Ip", "FragCreates")
        self.upload()
        self.download()
        self.assertGreater(statistic(router, "Ip", "FragCreates") - before, 1000)
        for reason in ("fragment_refused", "fragment_overlaps", "fragment_bad"):
            self.assertEqual(self.drops(reason), 0, reason)


class Firewalled(Routed):
    """The server's firewall answers SYNs with ICMP."""

    def reject(self, family, how):
        rules = os.path.join(self.lab.state, "reject.nft")
        with open(rules, "w", encoding="utf-8") as file:
            file.write(f"table {family} wall {{\n chain in {{\n type filter hook input priority 0\n"
                       f"tcp dport {lab.ODD_PORT} reject with {how}\n }}\n}}\n")
        namespaces.run("ip", "netns", "exec", self.lab.server, "nft", "-f", rules)
        self.addCleanup(namespaces.run, "ip", "netns", "exec", self.lab.server, "nft", "delete", "table", family, "wall")

    def connect_error(self, family, address):
        with namespaces.open_socket(self.lab.client, family=family) as client:
            client.settimeout(5)
            with self.assertRaises(OSError) as caught:
                client.connect((address, lab.ODD_PORT))
        return type(caught.exception)

    def test_a_closed_port_is_refused_at_once(self):
        self.reject("ip", "icmp port-unreachable")
        before = self.drops("icmp_relayed")
        self.assertIs(self.connect_error(socket.AF_INET, self.lab.server_address), ConnectionRefusedError)
        self.assertTrue(lab.wait_until(lambda: self.drops("icmp_relayed") > before, 5, 0.2))
        port = f":{lab.ODD_PORT}"
        flows = json.loads(self.lab.appliance.cli("--json", "flows", "--server", port).stdout)["flows"]
        self.assertEqual(flows, [], "there is nothing to wait for")

    def test_the_same_of_ipv6(self):
        self.reject("ip6", "icmpv6 port-unreachable")
        self.assertIs(self.connect_error(socket.AF_INET6, self.lab.server_ipv6), ConnectionRefusedError)

    def test_a_live_session_outlives_it(self):
        """From then on the server's firewall answers every segment with "port unreachable", for a while."""

        def answer(connection):
            while lab.read_head(connection):
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")

        with lab.Server(self.lab, answer), self.connect(lab.ODD_PORT, seconds=20) as client:
            client.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            self.assertEqual(lab.read_response(client).text, b"ok")
            before = self.drops("icmp_noted")
            self.reject("ip", "icmp port-unreachable")
            client.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            self.assertTrue(lab.wait_until(lambda: self.drops("icmp_noted") > before, 5, 0.2))
            namespaces.run("ip", "netns", "exec", self.lab.server, "nft", "flush", "table", "ip", "wall")
            self.assertEqual(lab.read_response(client).text, b"ok")


if __name__ == "__main__":
    lab.main()
