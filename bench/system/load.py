#!/usr/bin/env python3
"""Load on a real data plane over shared memory: sluice-load plays the network on both of its ports.

Usage: bench/system/load.py [--json] [--quick] [--case NAME], as root, after tools/build. Each case has an appliance of its
own: control, a data plane with two virtio_user ports on core 0, and sluice-load with their vhost-user ends on core 1.
Masking with pack pii and recording are on. Hugepages are raised for the bench and given back. Prints one JSON row a line
with --json, else a table. Threads of the appliance beside the worker share core 1 with the load, so latencies are a
ceiling, not what a machine with more cores would give.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import types

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "tools"))

from labkit.appliance import Appliance, binary  # noqa: E402
from labkit.namespaces import LabError  # noqa: E402
from labkit.processes import wait_until  # noqa: E402

HUGEPAGES = "/proc/sys/vm/nr_hugepages"
WANTED_PAGES = 1200  # of 2 MiB
CASES = {  # what sluice-load is told
    "1k/closed-256": ["--mix", "1k", "--connections", "256"],
    "64k/closed-256": ["--mix", "64k", "--connections", "256"],
    "1k/closed-10000": ["--mix", "1k", "--connections", "10000"],
    "64k/closed-10000": ["--mix", "64k", "--connections", "10000"],
    "1k/idle-100000": ["--mix", "1k", "--connections", "100000", "--rate", "5000"],
    "1k/fresh": ["--mix", "1k", "--connections", "256", "--requests-per-connection", "1"],
}
OPEN_OF = "1k/closed-256"  # whose peak is halved for the open loop
POLICY = """\
services:
  - name: orders
    address: 10.77.0.2:8080
    protocol: http
    mode: enforce
    record: {class: routine, durability: group}
    rules: [pii/*]
principals:
  - {name: load, from: 10.78.0.0/16}
retention: {routine: 90d}
"""
CONFIG = """\
ports:
  client: {{vdev: "net_virtio_user0,path={run}/client.sock,queues=1,queue_size=1024,mrg_rxbuf=1"}}
  server: {{vdev: "net_virtio_user1,path={run}/server.sock,queues=1,queue_size=1024,mrg_rxbuf=1"}}
worker_core: 0
idle: poll
hugepages: auto
sessions: 262144
buffers: {{frames: 131072, jumbos: 1024, views: 131072}}
archive: {{directory: {archive}, segment_bytes: 64MiB}}
channel: {run}/channel.sock
bundle: {state}/bundle
public_key: {state}/policy.pub
run: {run}
"""


class LoadAppliance(Appliance):
    def prepare(self):
        for folder in (self.state, self.run, self.archive):
            os.makedirs(folder, mode=0o700, exist_ok=True)
        with open(self.config, "w", encoding="utf-8") as file:
            file.write(CONFIG.format(run=self.run, state=self.state, archive=self.archive))


class Hugepages:
    """Raises the number of hugepages, and lowers it again unless somebody else has changed it meanwhile."""

    def __enter__(self):
        self.before = self._read()
        if self.before < WANTED_PAGES:
            self._write(WANTED_PAGES)
        self.given = self._read()
        if self.given < WANTED_PAGES:
            self.__exit__()
            raise LabError(f"the kernel gave {self.given} of {WANTED_PAGES} hugepages: vhost-user shares memory, and "
                           "there is too little of it in one piece")
        return self

    def __exit__(self, *_):
        if self.given != self.before and self._read() == self.given:
            self._write(self.before)

    @staticmethod
    def _read():
        with open(HUGEPAGES, encoding="ascii") as file:
            return int(file.read())

    @staticmethod
    def _write(pages):
        with open(HUGEPAGES, "w", encoding="ascii") as file:
            file.write(str(pages))


def run_case(name, arguments, seconds):
    """The rows of one case on an appliance of its own."""
    state = tempfile.mkdtemp(prefix="sluice-load-")
    appliance = LoadAppliance(types.SimpleNamespace(state=state))
    load = None
    try:
        appliance.prepare()
        appliance.start_control()
        load = subprocess.Popen(
            [binary("bench/load/sluice-load"), "--sockets", appliance.run, "--name", "load/http1/" + name, "--seconds",
             str(seconds), *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        sockets = [os.path.join(appliance.run, side + ".sock") for side in ("client", "server")]
        if not wait_until(lambda: load.poll() is not None or all(map(os.path.exists, sockets)), 20) or load.poll():
            raise LabError(f"sluice-load does not listen: {load.stderr.read() if load.poll() else ''}")
        appliance.start_dataplane()
        appliance.wait_connected()
        policy = os.path.join(state, "policy.yaml")
        with open(policy, "w", encoding="utf-8") as file:
            file.write(POLICY)
        appliance.push(policy)
        output, errors = load.communicate("\n", timeout=seconds + 180)
        if load.returncode != 0:  # 2: answers were wrong, unmasked or missing, and the rows say how many
            raise LabError(f"{name}: sluice-load ended with {load.returncode}: {(errors or output).strip()}\n"
                           f"{appliance.dataplane.log()[-2000:]}")
        return [json.loads(line) for line in output.splitlines() if line.startswith("{")]
    finally:
        if load is not None and load.poll() is None:
            load.kill()
            load.wait()
        appliance.stop()
        shutil.rmtree(state, ignore_errors=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--quick", action="store_true", help="a second a case")
    parser.add_argument("--case", choices=CASES, action="append", help="only this one")
    options = parser.parse_args()
    seconds = 1 if options.quick else 5
    cases = {name: CASES[name] for name in options.case or CASES}
    failed = []

    def measure(name, arguments):
        try:
            rows = run_case(name, arguments, seconds)
        except (LabError, subprocess.TimeoutExpired) as error:
            failed.append(name)
            print(f"load.py: {name}: {error}", file=sys.stderr)
            return None
        for row in rows:
            print(json.dumps(row) if options.json else f"{row['name']:40} {row['value']:12} {row['unit']}", flush=True)
        return rows[0]["value"]

    with Hugepages():
        peaks = {name: measure(name, arguments) for name, arguments in cases.items()}
        if peaks.get(OPEN_OF):
            measure("1k/open-half", ["--mix", "1k", "--connections", "1024", "--rate", str(peaks[OPEN_OF] / 2)])
    return 1 if failed else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except LabError as problem:
        sys.exit(f"load.py: {problem}")
