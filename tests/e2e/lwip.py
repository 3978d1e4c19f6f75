"""Hosts that have lwIP for a stack, on the wire of a lab's namespace beside the kernel: a bridge joins both to the
appliance's TAP. A Unix socket stands for each of their sockets (tests/e2e/peers/lwip_peer.cc)."""

import json
import os

from labkit import namespaces
from labkit.appliance import binary
from labkit.processes import Daemon, wait_until

TAP = "lwip0"


def join_wire(namespace, device):
    """A bridge takes the place of the kernel's device, with its addresses, and gets a TAP for lwIP."""
    link = json.loads(namespaces.run("ip", "-n", namespace, "-j", "address", "show", device).stdout)[0]
    namespaces.run("ip", "-n", namespace, "tuntap", "add", "dev", TAP, "mode", "tap")
    namespaces.run("ip", "-n", namespace, "link", "add", "bridge", "address", link["address"], "type", "bridge",
                   "stp_state", "0", "mcast_snooping", "0")
    for port in (device, TAP):
        namespaces.run("ip", "-n", namespace, "link", "set", port, "master", "bridge", "up")
    namespaces.run("ip", "-n", namespace, "address", "flush", "dev", device)
    namespaces.run("ip", "-n", namespace, "link", "set", "bridge", "up")
    for address in link["addr_info"]:
        namespaces.run("ip", "-n", namespace, "address", "add", f"{address['local']}/{address['prefixlen']}", "dev", "bridge")


class LwipHost:
    def __init__(self, lab, namespace, device, address, mtu=1500):
        self.name = f"lwip-{device}"
        self.namespace, self.device, self.address, self.mtu = namespace, device, address, mtu
        self.folder = os.path.join(lab.state, self.name)
        self.daemon = Daemon(self.name, lab.state)
        self.roles = []

    def calls(self, address, port):
        """The path of a Unix socket whose callers reach the address over lwIP."""
        path = os.path.join(self.folder, f"to-{address}-{port}")
        self.roles.append(f"call={path}={address}:{port}")
        return path

    def serves(self, port):
        """The path of the Unix socket where callers of lwIP's port come to; somebody must listen there."""
        path = os.path.join(self.folder, f"at-{port}")
        self.roles.append(f"serve={port}={path}")
        return path

    def start(self):
        join_wire(self.namespace, self.device)
        os.makedirs(self.folder, mode=0o700, exist_ok=True)
        mac = "02:77:00:00:01:%02x" % int(self.address.rpartition(".")[2])
        self.daemon.start([binary("tests/e2e/lwip_peer"), TAP, mac, f"{self.address}/255.255.255.0", str(self.mtu), *self.roles],
                          namespace=self.namespace)
        wait_until(lambda: self.daemon.pid() is None or "ready" in self.daemon.log(), 10)
        if self.daemon.pid() is None:
            raise namespaces.LabError(f"lwip_peer ended at once:\n{self.daemon.log()}")

    def stop(self):
        self.daemon.stop()
