"""The lab with more than one way from the client to the server, all up at once so that they can be measured in turn.

    sluice      client TAP - appliance - server TAP
    plain       the same, to a service of which nothing is masked or recorded
    tap-relay   client TAP - bare relay of frames - server TAP
    router      client veth - middle namespace, the kernel routes - server veth
    PEER        client veth - middle namespace, PEER listens there and calls the server - server veth

One nginx serves all of them, and where it is asked for one PostgreSQL. What is measured is pinned to one core, client and server share the other.
"""

import os
import re

from benchkit import holds, payload, postgres_load
from benchkit.machine import ROOT
from labkit import namespaces
from labkit.appliance import binary
from labkit.lab import POLICY, Lab
from labkit.namespaces import LabError, run
from labkit.processes import Daemon, wait_until

CONFIGURATIONS = os.path.join(ROOT, "bench", "peers")
ORIGIN_PORT, PLAIN_PORT = 8080, 8082
_PLAIN = f"""\
  - name: plain
    address: {Lab.server_address}:{PLAIN_PORT}
    protocol: http
    mode: enforce
    record: off
"""
_HELD = holds.SERVICE.format(address=Lab.server_address)
PEERS = ("nginx", "nginx-sub", "haproxy-tcp", "haproxy-splice", "haproxy-http")
MASKING = ("sluice", "nginx-sub")
_MIDDLE_CLIENT, _MIDDLE_SERVER = "10.78.1", "10.78.2"
_RELAY = "10.79.0"
# Else the kernel probes for tails that are only waiting for a delayed ACK. Where frames are lost it does, as by default.
_KERNEL_TCP = "net.ipv4.tcp_early_retrans=0"
_KERNEL_TCP_ON_LOSS = "net.ipv4.tcp_early_retrans=3"
# Said on the routes, which are the lab's own: a namespace may not always choose for all its sockets.
_CONGESTION_CONTROL = ("congctl", "cubic")
_NO_OFFLOADS = ("rx", "off", "tx", "off", "tso", "off", "gso", "off", "gro", "off")


class Way:
    """One way to the server: where the client calls, and which process carries the bytes (None: the kernel does)."""

    def __init__(self, name, address, port, daemon):
        self.name, self.address, self.port, self.daemon = name, address, port, daemon

    def url(self, path):
        return f"http://{self.address}:{self.port}/{path}"

    def pid(self):
        if self.daemon is None:
            return None
        pid = self.daemon.pid()
        if pid is None:
            raise LabError(f"{self.name} has ended:\n{self.daemon.log()[-2000:]}")
        return pid


class BenchLab(Lab):
    def __init__(self, wanted, offloads=True):
        super().__init__(os.environ.get("SLUICE_LAB", "sluice-bench"))
        self.middle = self.name + "-middle"
        self.offloads = offloads
        self.ways = {}
        self.wanted = wanted
        self.daemons = {name: Daemon("peer-" + name, self.state) for name in ("tap-relay", *postgres_load.PACKET_BYTES, *PEERS)}

    def raise_all(self):
        """Everything that the wanted ways need, ready to be asked. down() takes it away, also half raised."""
        self.up()
        self.ways["sluice"] = Way("sluice", self.server_address, self.port, self.appliance.dataplane)
        self.ways["plain"] = Way("plain", self.server_address, PLAIN_PORT, self.appliance.dataplane)
        if "tap-relay" in self.wanted:
            self._raise_relay()
        if set(self.wanted) & {"router", *PEERS}:
            self._raise_middle()
        for peer in PEERS:
            if peer in self.wanted:
                self._raise_peer(peer, 8001 + PEERS.index(peer))
        self._change_routes([one for one in (self.client, self.server, self.middle) if namespaces.exists(one)],
                            *_CONGESTION_CONTROL)
        for way in self.ways.values():
            if not wait_until(lambda way=way: self.answers(way), 10, 0.1):
                raise LabError(f"no answer comes through {way.name}: {way.daemon.log()[-2000:] if way.daemon else ''}")
        for name in MASKING:
            if name in self.ways:
                self._check_masks(self.ways[name])
        if not self.offloads:
            self._switch_offloads_off()

    def up_network(self):
        super().up_network()
        for namespace in (self.client, self.server):
            run("ip", "netns", "exec", namespace, "sysctl", "-qw", _KERNEL_TCP)

    def up_appliance(self, policy=POLICY, **how):
        services = _PLAIN + _HELD + postgres_load.SERVICE.format(address=self.server_address)
        super().up_appliance(policy.replace("principals:", services + "principals:"), **how)

    def up_servers(self):
        payload.write_site(os.path.join(self.state, self.nginx.name, "site"))
        self._start_configured(self.nginx, "nginx", "origin.conf", {}, self.peer_core, self.server)

    def down(self):
        for daemon in self.daemons.values():
            daemon.stop()
        namespaces.remove(self.middle)
        super().down()

    def answers(self, way):
        return self.in_client("curl", "-sf", "--max-time", "5", "-o", "/dev/null", way.url("ping")).returncode == 0

    def _check_masks(self, way):
        """A way that is measured as masking masks."""
        text = self.in_client("curl", "-sf", "--max-time", "10", way.url("64k"), check=True).stdout
        shown = [secret for secret in payload.secrets("64k") if secret in text]
        if shown or len(text) < payload.SIZES["64k"] // 2:
            raise LabError(f"{way.name} shows what it should mask: {len(shown)} secrets in 64 KiB")

    def answer_bytes(self, way, path):
        """What one answer takes on this way, head and all: masks and heads differ."""
        done = self.in_client("curl", "-sf", "--max-time", "20", "-o", "/dev/null", "-w", "%{size_header} %{size_download}",
                              way.url(path), check=True)
        return sum(int(size) for size in done.stdout.split())

    def quick_acknowledgements(self, on):
        """Routes of both ends acknowledge at once, as a measurement of the slowest exchanges needs."""
        self._change_routes((self.client, self.server), "quickack", "1" if on else "0")

    def probe_tails(self, on):
        """Whether the kernel's TCP probes after a tail that may be lost (RFC 8985), as it does where nobody forbids it."""
        for namespace in (self.client, self.server):
            run("ip", "netns", "exec", namespace, "sysctl", "-qw", _KERNEL_TCP_ON_LOSS if on else _KERNEL_TCP)

    def _change_routes(self, wanted, name, value):
        """Sets one attribute of all routes of the namespaces."""
        for namespace in wanted:
            for route in run("ip", "-n", namespace, "route", "show").stdout.splitlines():
                # What the kernel tells of a TAP that nobody has opened yet is not for it to be told.
                plain = re.sub(rf" {name} \S+| linkdown\b", "", route)
                run("ip", "-n", namespace, "route", "change", *plain.split(), name, value)

    def _raise_relay(self):
        for namespace, tap, host, mac in ((self.client, "slc1", 64, "64"), (self.server, "sls1", 2, "02")):
            run("ip", "-n", namespace, "tuntap", "add", "dev", tap, "mode", "tap", "vnet_hdr")
            run("ip", "-n", namespace, "link", "set", tap, "address", f"02:79:00:00:00:{mac}", "up")
            run("ip", "-n", namespace, "address", "add", f"{_RELAY}.{host}/24", "dev", tap)
        daemon = self.daemons["tap-relay"]
        daemon.start([binary("bench/peers/tap_relay"), self.client, "slc1", self.server, "sls1"], core=self.dataplane_core)
        self.ways["tap-relay"] = Way("tap-relay", f"{_RELAY}.2", ORIGIN_PORT, daemon)

    def _raise_middle(self):
        run("ip", "netns", "add", self.middle)
        run("ip", "-n", self.middle, "link", "set", "lo", "up")
        run("ip", "netns", "exec", self.middle, "sysctl", "-qw", "net.ipv6.conf.all.disable_ipv6=1",
            "net.ipv6.conf.default.disable_ipv6=1", "net.ipv4.ip_forward=1", _KERNEL_TCP)
        ends = ((self.client, "slc2", "slm0", _MIDDLE_CLIENT, 64, _MIDDLE_SERVER),
                (self.server, "sls2", "slm1", _MIDDLE_SERVER, 2, _MIDDLE_CLIENT))
        for namespace, device, middle_device, network, host, far in ends:
            run("ip", "-n", namespace, "link", "add", device, "type", "veth", "peer", "name", middle_device, "netns", self.middle)
            run("ip", "-n", namespace, "address", "add", f"{network}.{host}/24", "dev", device)
            run("ip", "-n", self.middle, "address", "add", f"{network}.1/24", "dev", middle_device)
            run("ip", "-n", namespace, "link", "set", device, "up")
            run("ip", "-n", self.middle, "link", "set", middle_device, "up")
            run("ip", "-n", namespace, "route", "add", f"{far}.0/24", "via", f"{network}.1")
        if "router" in self.wanted:
            self.ways["router"] = Way("router", f"{_MIDDLE_SERVER}.2", ORIGIN_PORT, None)

    def _raise_peer(self, peer, port):
        values = {"LISTEN": f"{_MIDDLE_CLIENT}.1:{port}", "ORIGIN": f"{_MIDDLE_SERVER}.2:{ORIGIN_PORT}"}
        program, ending = ("haproxy", "cfg") if peer.startswith("haproxy") else ("nginx", "conf")
        self._start_configured(self.daemons[peer], program, f"{peer}.{ending}", values, self.dataplane_core, self.middle)
        self.ways[peer] = Way(peer, f"{_MIDDLE_CLIENT}.1", port, self.daemons[peer])

    def postgres_ways(self, packet_bytes):
        """{name: way} to PostgreSQL, whose server runs already: the appliance, the relay, the router, and a PgBouncer each."""
        ways = {"sluice": Way("sluice", self.server_address, postgres_load.PORT, self.appliance.dataplane),
                postgres_load.RELAY: Way(postgres_load.RELAY, f"{_RELAY}.2", postgres_load.PORT, self.daemons["tap-relay"]),
                "router": Way("router", f"{_MIDDLE_SERVER}.2", postgres_load.PORT, None)}
        for number, (name, packet) in enumerate(packet_bytes.items()):
            daemon, port = self.daemons[name], postgres_load.PORT + number
            values = {"LISTEN": f"{_MIDDLE_CLIENT}.1", "PORT": str(port), "SERVER": f"{_MIDDLE_SERVER}.2",
                      "SERVER_PORT": str(postgres_load.PORT), "PACKET": str(packet)}
            self._start_configured(daemon, "pgbouncer", "pgbouncer.ini", values, self.dataplane_core, self.middle)
            ways[name] = Way(name, f"{_MIDDLE_CLIENT}.1", port, daemon)
        return ways

    def _start_configured(self, daemon, program, configuration, values, core, namespace):
        folder = os.path.join(self.state, daemon.name)
        os.makedirs(folder, exist_ok=True)
        with open(os.path.join(CONFIGURATIONS, configuration), encoding="utf-8") as file:
            text = file.read()
        for name, value in (values | {"FOLDER": folder}).items():
            text = text.replace(f"@{name}@", value)
        path = os.path.join(folder, configuration)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        command = {"nginx": ["nginx", "-e", os.path.join(folder, "error.log"), "-p", folder, "-c", path],
                   "haproxy": ["haproxy", "-db", "-f", path],
                   "pgbouncer": ["pgbouncer", path]}[program]
        daemon.start(command, core=core, namespace=namespace)

    def _switch_offloads_off(self):
        """After the appliance and the relay have attached: they ask for offloads when they do."""
        devices = [(self.client, "slc0"), (self.server, "sls0")]
        if "tap-relay" in self.ways:
            devices += [(self.client, "slc1"), (self.server, "sls1")]
        if namespaces.exists(self.middle):
            devices += [(self.client, "slc2"), (self.server, "sls2"), (self.middle, "slm0"), (self.middle, "slm1")]
        for namespace, device in devices:
            run("ip", "netns", "exec", namespace, "ethtool", "-K", device, *_NO_OFFLOADS)
