"""A whole lab: client namespace — appliance — server namespace, one subnet, and a staging server beside it.

Everything on disk lies in one state folder, every process has a pid file there, and down() ends only those. A lab has
a name (SLUICE_LAB, "sluice" when it is not set), so that tests and a person can have one each.
"""

import os
import shutil
import zlib

from labkit import content, namespaces, nginx
from labkit.appliance import Appliance
from labkit.namespaces import LabError
from labkit.processes import Daemon, wait_until

POLICY = """\
# The policy of the lab: one protected service, whose responses show no card number and no e-mail address.
services:
  - name: orders
    address: 10.77.0.2:8080
    protocol: http
    mode: enforce
    record: {class: routine, durability: group}
    rules: [pii/*]
principals:
  - {name: lab-client, from: 10.77.0.64/26}
retention: {routine: 90d}
"""


class Lab:
    server_address = "10.77.0.2"
    client_address = "10.77.0.64"
    # With IPv6 beside it, both ends have an address of each family.
    server_ipv6 = "2001:db8:77::2"
    client_ipv6 = "2001:db8:77::64"
    port = 8080

    def __init__(self, name=None, staging_port=None, ipv6=False, mtu=1500):
        self.name = name = name or os.environ.get("SLUICE_LAB", "sluice")
        self.state = f"/var/lib/{name}-lab"
        self.ipv6, self.mtu = ipv6, mtu
        self.client, self.server = name + "-client", name + "-server"
        self.client_tap, self.server_tap = "slc0", "sls0"
        # The ports of the appliance, as its configuration names them.
        self.client_port = f"{{tap: {self.client_tap}, netns: {self.client}}}"
        self.server_port = f"{{tap: {self.server_tap}, netns: {self.server}}}"
        self.staging_port = staging_port or 18080 + (0 if name == "sluice" else 1 + zlib.crc32(name.encode()) % 900)
        cores = sorted(os.sched_getaffinity(0))
        self.dataplane_core, self.peer_core = cores[0], cores[min(1, len(cores) - 1)]
        self.policy = os.path.join(self.state, "policy.yaml")
        self.appliance = Appliance(self)
        self.nginx = Daemon("nginx", self.state)
        self.staging = Daemon("nginx-staging", self.state)

    # Raising and taking down.

    def up(self, policy=POLICY):
        self.up_network()
        self.up_servers()
        self.up_appliance(policy)

    def up_network(self):
        if os.geteuid() != 0:
            raise LabError("the lab makes network namespaces: run it as root")
        if not os.path.exists("/dev/net/tun"):
            raise LabError("/dev/net/tun is not there: load the tun module (modprobe tun)")
        self.down()  # whatever an interrupted run has left
        os.makedirs(self.state, mode=0o700)
        for name, tap, mac, ipv4, ipv6 in ((self.client, self.client_tap, "02:77:00:00:00:64", self.client_address, self.client_ipv6),
                                           (self.server, self.server_tap, "02:77:00:00:00:02", self.server_address, self.server_ipv6)):
            namespaces.create(name, tap, mac, ipv4 + "/24", *([ipv6 + "/64"] if self.ipv6 else []), mtu=self.mtu)

    def up_servers(self):
        at = [f"{self.server_address}:{self.port}"] + ([f"[{self.server_ipv6}]:{self.port}"] if self.ipv6 else [])
        for daemon, listen, namespace in ((self.nginx, at, self.server), (self.staging, [f"127.0.0.1:{self.staging_port}"], None)):
            folder = os.path.join(self.state, daemon.name)
            command = nginx.prepare(folder, *listen)
            content.write_site(os.path.join(folder, "site"), staging=daemon is self.staging)
            daemon.start(command, core=self.peer_core, namespace=namespace)
            ready = os.path.join(folder, "nginx.pid")
            if not wait_until(lambda: daemon.pid() is None or os.path.exists(ready), 10) or daemon.pid() is None:
                raise LabError(f"{daemon.name} does not start on {listen[0]}:\n{daemon.log()}")

    def up_appliance(self, policy=POLICY, **how):
        self.appliance.prepare()
        self.appliance.start_control()
        self.appliance.start_dataplane(**how)
        self.appliance.wait_connected()
        self.write_policy(policy)
        self.appliance.push(self.policy)
        if not wait_until(self.is_ready, 20, 0.1):
            raise LabError(f"no answer comes through the appliance; its log: {self.appliance.dataplane.log_file}")

    def write_policy(self, text):
        with open(self.policy, "w", encoding="utf-8") as file:
            file.write(text)

    def down(self):
        """Ends what this lab started and removes its namespaces and its state."""
        self.appliance.stop()
        self.nginx.stop()
        self.staging.stop()
        namespaces.remove(self.client)
        namespaces.remove(self.server)
        self._unmount()
        shutil.rmtree(self.state, ignore_errors=True)

    def mount_memory(self, folder, mebibytes):
        """A small file system of its own at a folder of the lab's state; down() takes it away."""
        os.makedirs(folder, mode=0o700, exist_ok=True)
        namespaces.run("mount", "-t", "tmpfs", "-o", f"size={mebibytes}m,mode=0700", f"{self.name}-memory", folder)

    def _unmount(self):
        with open("/proc/mounts", encoding="utf-8") as file:
            for line in file:
                if line.split()[1].startswith(self.state + "/"):
                    namespaces.run("umount", "-l", line.split()[1], check=False)

    # Looking at it.

    def parts(self):
        """(name, what about it) of everything that makes up the lab."""
        for name in (self.client, self.server):
            yield f"namespace {name}", "up" if namespaces.exists(name) else "missing"
        for daemon in (self.nginx, self.staging, self.appliance.control, self.appliance.dataplane):
            pid = daemon.pid()
            yield daemon.name, f"up, pid {pid}" if pid else "down"

    def is_up(self):
        return all(state.startswith("up") for _, state in self.parts())

    def is_ready(self):
        return self.curl("/1k", "-o", "/dev/null").returncode == 0

    # Using it.

    def url(self, path, port=None):
        return f"http://{self.server_address}:{port or self.port}{path}"

    def in_client(self, *command, core=True, check=False):
        pin = ["taskset", "-c", str(self.peer_core)] if core else []
        return namespaces.run("ip", "netns", "exec", self.client, *pin, *command, check=check)

    def ends(self):
        """(namespace, device) of the client and of the server."""
        return (self.client, self.client_tap), (self.server, self.server_tap)

    def curl(self, path, *options, port=None):
        return self.in_client("curl", "-sS", "--max-time", "10", *options, self.url(path, port))

    def nginx_folder(self):
        return os.path.join(self.state, self.nginx.name)
