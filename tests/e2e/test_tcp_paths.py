#!/usr/bin/env python3
"""TCP between Linux hosts of all kinds: each congestion control, each MTU, paths that lose, double and reorder frames,
thousands of short connections. What arrives is what was sent, and an observer finds nothing wrong on either leg."""

import json
import os
import threading

import lab
import observer
from labkit import content, impairment, namespaces
from labkit.processes import Daemon

SIZE = 8 * 1024 * 1024
SHORT_CONNECTIONS = 20_000 if lab.BIG else 2_000
SHORT_ANSWER = content.filler(1024).encode()
CALLERS = 8
FEW_PORTS = (40_000, 40_063)
IPERF_PORT = 5201
IPERF_BYTES = "30000000"


class Paths(lab.LabTest):
    policy = lab.POLICY.replace("    rules: [pii/*]\n", "    rules: [pii/*]\n    after_window: stream\n", 1)
    size = SIZE

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.source = os.path.join(cls.lab.state, "content")
        text = os.urandom(cls.size // 2).hex().translate(str.maketrans("0123456789", "ghijklmnop")).encode()
        for path in (cls.source, os.path.join(cls.lab.nginx_folder(), "site", "content")):
            with open(path, "wb") as file:
                file.write(text)
        cls.expected = lab.sha256(text)

    def download(self):
        got = os.path.join(self.lab.state, "got")
        done = self.lab.in_client("curl", "-sS", "--max-time", "120", "-o", got, self.lab.url("/content"))
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assert_content(got)

    def upload(self):
        done = self.lab.in_client("curl", "-sS", "--max-time", "120", "-w", "%{http_code}", "-T", self.source, self.lab.url("/upload/content"))
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn(done.stdout[-3:], ("201", "204"))
        self.assert_content(os.path.join(self.lab.nginx_folder(), "uploads/upload/content"))

    def assert_content(self, path):
        with open(path, "rb") as file:
            self.assertEqual(lab.sha256(file.read()), self.expected)

    def short_connections(self, count):
        """One request each; the server closes first."""
        failed = []

        def call():
            for _ in range(count // CALLERS):
                try:
                    with self.connect(seconds=30) as client:
                        client.sendall(b"GET /1k HTTP/1.1\r\nHost: orders\r\nConnection: close\r\n\r\n")
                        data, was_reset = lab.read_to_end(client)
                    if was_reset or not data.startswith(b"HTTP/1.1 200 ") or not data.endswith(SHORT_ANSWER):
                        failed.append(data[:100])
                except OSError as error:
                    failed.append(error)

        callers = [threading.Thread(target=call) for _ in range(CALLERS)]
        for caller in callers:
            caller.start()
        for caller in callers:
            caller.join()
        self.assertEqual(failed, [])

    def set_mtu(self, client, server):
        for (namespace, device), mtu in zip(self.lab.ends(), (client, server)):
            namespaces.run("ip", "-n", namespace, "link", "set", device, "mtu", str(mtu))

    def set_congestion_control(self, name):
        for namespace, device in self.lab.ends():
            namespaces.run("ip", "-n", namespace, "route", "change", "10.77.0.0/24", "dev", device, "congctl", name)


class SoundPaths(observer.Observer, Paths):
    def test_each_congestion_control_without_a_flaw(self):
        for name in ("cubic", "reno", "bbr"):
            with self.subTest(name):
                self.set_congestion_control(name)
                with self.observed():
                    self.download()
                    self.upload()
                    self.short_connections(200)

    def test_each_mtu(self):
        self.addCleanup(self.set_mtu, 1500, 1500)
        for client, server in ((576, 1500), (1500, 576), (1280, 9000), (9000, 9000), (9000, 1500)):
            with self.subTest(client=client, server=server):
                self.set_mtu(client, server)
                with self.observed():
                    self.download()
                    self.upload()


class ManyConnections(Paths):
    """Programs and habits that TCPs are tried with: iperf3, and the same ports again and again."""

    policy = Paths.policy.replace("principals:", """\
  - name: measured
    address: 10.77.0.2:5201
    protocol: http
    mode: observe
    record: off
principals:""")
    size = 1024

    def test_iperf3_both_ways(self):
        """It speaks no HTTP, which a service that observes lets pass; both legs are the appliance's own TCP."""
        server = Daemon("iperf3", self.lab.state)
        server.start(["iperf3", "-s", "-p", str(IPERF_PORT)], core=self.lab.peer_core, namespace=self.lab.server)
        self.addCleanup(server.stop)
        listens = ["ip", "netns", "exec", self.lab.server, "ss", "-Hltn", f"sport = {IPERF_PORT}"]
        self.assertTrue(lab.wait_until(lambda: namespaces.run(*listens).stdout.strip(), 10), server.log())
        for name in ("cubic", "reno", "bbr"):
            self.set_congestion_control(name)
            for way in ([], ["-R"], ["--bidir"], ["-P", "8"]):
                with self.subTest(name, way=way):
                    before = self.sessions_of("measured")
                    done = self.lab.in_client("iperf3", "-c", self.lab.server_address, "-p", str(IPERF_PORT), "-n", IPERF_BYTES, "-J", *way)
                    told = json.loads(done.stdout)
                    self.assertNotIn("error", told)
                    end = told["end"]
                    print(f"{name} {' '.join(way) or 'up'}: {end['sum_received']['bits_per_second'] / 1e9:.2f} Gbit/s")
                    # The receiver counts until it hears over another connection that all is written.
                    self.assertGreater(end["sum_received"]["bytes"], 1_000_000)
                    self.assertTrue(lab.wait_until(lambda: self.sessions_of("measured") > before + 1, 10, 0.2), "they were no sessions")

    def sessions_of(self, service):
        return self.counters()["services"].get(service, {}).get("sessions", 0)

    def test_the_same_few_ports_again_and_again(self):
        """The server closes first and waits; the client calls anew from the same port with a later number (RFC 6191)."""
        ports = ["ip", "netns", "exec", self.lab.client, "sysctl", "-qw"]
        namespaces.run(*ports, f"net.ipv4.ip_local_port_range={FEW_PORTS[0]} {FEW_PORTS[1]}")
        self.addCleanup(namespaces.run, *ports, "net.ipv4.ip_local_port_range=32768 60999")
        self.short_connections(SHORT_CONNECTIONS // 2)

    def test_thousands_of_short_connections(self):
        before = self.counters()["drops"]
        self.short_connections(SHORT_CONNECTIONS)
        after = self.counters()["drops"]
        # On a busy machine a kernel repeats what is only late.
        self.assertLessEqual({reason for reason, count in after.items() if count != before.get(reason, 0)}, {"tcp_out_of_window"})


class WiredLab(lab.Lab):
    """The appliance between two cables and not two TAPs: every checksum on them is made and checked by somebody."""

    def __init__(self, name):
        super().__init__(name)
        self.box = self.name + "-box"
        self.client_port, self.server_port = "{vdev: 'net_af_packet0,iface=client'}", "{vdev: 'net_af_packet1,iface=server'}"

    def up_network(self):
        super().up_network()
        namespaces.run("ip", "netns", "add", self.box)
        namespaces.run("ip", "netns", "exec", self.box, "sysctl", "-qw", "net.ipv6.conf.default.disable_ipv6=1")
        for side, namespace, device, address in (("client", self.client, self.client_tap, self.client_address),
                                                 ("server", self.server, self.server_tap, self.server_address)):
            mac = json.loads(namespaces.run("ip", "-n", namespace, "-j", "link", "show", device).stdout)[0]["address"]
            namespaces.run("ip", "-n", namespace, "link", "delete", device)
            namespaces.run("ip", "-n", namespace, "link", "add", device, "address", mac, "type", "veth", "peer", "name", side, "netns", self.box)
            for where, end in ((namespace, device), (self.box, side)):
                namespaces.run("ip", "netns", "exec", where, "ethtool", "-K", end, "tx", "off", "rx", "off", "tso", "off", "gso", "off", "gro", "off")
                namespaces.run("ip", "-n", where, "link", "set", end, "mtu", "9000" if end == side else "1500", "up")
            namespaces.run("ip", "-n", namespace, "address", "add", address + "/24", "dev", device)

    def up_appliance(self, policy=lab.POLICY):
        super().up_appliance(policy, namespace=self.box)

    def down(self):
        super().down()
        namespaces.remove(self.box)


class WiredPaths(SoundPaths):
    """No offload anywhere: the observer checks every checksum, and so does the kernel. A ring of the path may run over."""

    size = SIZE // 8
    capture_bytes = 0  # all of a frame
    options = ("-o", "tcp.check_checksum:TRUE", "-o", "ip.check_checksum:TRUE")
    # Linux writes 0xffff for 0, which tshark minds and RFC 1071 does not.
    late = "frame.number == 0"
    wrong = "tcp.checksum.status == Bad && tcp.checksum != 0xffff || ip.checksum.status == Bad"

    @classmethod
    def new_lab(cls):
        return WiredLab(super().new_lab().name)


class BadPaths(Paths):
    def impair(self, **how):
        for namespace, device in self.lab.ends():
            impairment.impair(namespace, device, os.path.join(self.lab.state, device + ".nft"), **how)

    def through(self, **how):
        self.impair(**how)
        for name in ("cubic", "reno", "bbr"):
            with self.subTest(name):
                self.set_congestion_control(name)
                self.download()
                self.upload()
        self.short_connections(SHORT_CONNECTIONS // 10)
        for namespace, _ in self.lab.ends():
            self.assertGreater(impairment.frames_harmed(namespace), 0, namespace)

    def test_loss(self):
        self.through(drop=20, double=0, reorder=0)

    def test_doubled_frames(self):
        self.through(drop=0, double=100, reorder=0)

    def test_reordered_frames(self):
        self.through(drop=0, double=0, reorder=100)

    def test_all_of_it_at_a_small_mtu(self):
        self.addCleanup(self.set_mtu, 1500, 1500)
        self.set_mtu(800, 1500)
        self.through(drop=10, double=10, reorder=20)


if __name__ == "__main__":
    lab.main()
