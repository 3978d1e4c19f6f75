"""lab/rtt/*: what the appliance adds to the time of a small exchange, over the kernel's router on the same machine."""

import gc
import math
import os
import socket
import time

from benchkit.figures import Figure, wanted
from labkit import namespaces
from labkit.namespaces import LabError

NAMES = {"lab/rtt/p50": 0.5, "lab/rtt/p99": 0.99}
_REQUEST = b"GET /ping HTTP/1.1\r\nHost: bench\r\n\r\n"


def ways_for(filters):
    return {"router"} if any(wanted(name, filters) for name in NAMES) else set()


def quantile(values, share):
    """The smallest of the values that at least this share of them does not exceed."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


class Pinger:
    """One keep-alive connection from the client's namespace."""

    def __init__(self, lab, way):
        self.name = way.name
        self.socket = namespaces.open_socket(lab.client)
        self.socket.settimeout(10)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.connect((way.address, way.port))
        self.answer_bytes = 0
        self.socket.sendall(_REQUEST)
        time.sleep(0.2)
        self.answer_bytes = len(self.socket.recv(65536))

    def ping_us(self):
        started = time.perf_counter_ns()
        self.socket.sendall(_REQUEST)
        missing = self.answer_bytes
        while missing > 0:
            got = len(self.socket.recv(65536))
            if got == 0:
                raise LabError(f"{self.name} closed the connection between pings")
            missing -= got
        return (time.perf_counter_ns() - started) / 1000

    def close(self):
        self.socket.close()


def measure(pinger, count):
    for _ in range(count // 10):
        pinger.ping_us()
    gc.disable()
    try:
        return [pinger.ping_us() for _ in range(count)]
    finally:
        gc.enable()


def figures(lab, filters, runs, pings, say):
    chosen = {name: share for name, share in NAMES.items() if wanted(name, filters)}
    if not chosen:
        return []
    cores = os.sched_getaffinity(0)
    lab.quick_acknowledgements(True)
    os.sched_setaffinity(0, {lab.peer_core})
    pingers = []
    try:
        times = {name: {"sluice": [], "router": []} for name in chosen}
        pingers = [Pinger(lab, lab.ways[name]) for name in ("sluice", "router")]
        for number in range(runs):
            say(f"lab/rtt round {number + 1} of {runs}")
            for pinger in pingers:
                measured = measure(pinger, pings)
                for name, share in chosen.items():
                    times[name][pinger.name].append(quantile(measured, share))
    finally:
        for pinger in pingers:
            pinger.close()
        os.sched_setaffinity(0, cores)
        lab.quick_acknowledgements(False)
    return [Figure(name, "us added", [ours - kernel for ours, kernel in zip(by["sluice"], by["router"])],
                   "peer/" + name.removeprefix("lab/") + "/router", by["router"], {"pings": pings})
            for name, by in times.items()]
