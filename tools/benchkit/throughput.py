"""lab/iperf/*: how fast one connection runs. `tap` is iperf3 to a port that no service protects, whose frames the
appliance passes through, beside the bare relay. `loss1` is a download which the appliance's own TCP sends again where 1 %
of what comes to the client's kernel is dropped, beside the kernel's TCP on the same path: two TAPs, and the bare relay
between them. `loss1/masked` is one that is masked and recorded too."""

import json
import os
import re
import statistics
import time

from benchkit.figures import Figure, tidy, wanted
from benchkit.payload import BULK
from labkit import namespaces
from labkit.namespaces import LabError, run
from labkit.processes import Daemon, wait_until

TAP, LOSS, MASKED = "lab/iperf/tap", "lab/iperf/loss1", "lab/iperf/loss1/masked"
NAMES = (TAP, LOSS, MASKED)
# The router's path has no TAPs, and takes twice as much without any loss: it is told beside, and no measure.
BESIDE = {TAP: ("tap-relay",), LOSS: ("tap-relay", "router"), MASKED: ("tap-relay", "router")}
_PORT = 5201
_REQUEST = f"GET /{BULK} HTTP/1.1\r\nHost: bench\r\n\r\n".encode()
# A loss costs a few round trips or a timeout of 200 ms, as it falls: a sample is the mean of so many downloads.
_DOWNLOADS = 4


def ways_for(filters):
    return {way for name in NAMES if wanted(name, filters) for way in BESIDE[name]}


def iperf_gbit(lab, way, seconds):
    done = lab.in_client("iperf3", "-c", way.address, "-p", str(_PORT), "-t", str(seconds), "-J")
    try:
        return json.loads(done.stdout)["end"]["sum_received"]["bits_per_second"] / 1e9
    except (ValueError, KeyError) as problem:
        raise LabError(f"iperf3 through {way.name}: {done.stdout[-500:]}{done.stderr}") from problem


def download_gbit(lab, way, seconds):
    """By a client that reads and does nothing else: a busier one would be what is measured."""
    with namespaces.open_socket(lab.client) as connection:
        connection.settimeout(30)
        connection.connect((way.address, way.port))
        buffer = bytearray(1 << 20)
        received = left = 0
        began = now = time.perf_counter()
        while now < began + seconds:
            if left == 0:
                connection.sendall(_REQUEST)
                head, beginning = _answer_head(connection, way)
                left = int(re.search(rb"(?i)content-length: *(\d+)", head).group(1)) - beginning
                received += beginning
            got = connection.recv_into(buffer, min(left, len(buffer)))
            if got == 0:
                raise LabError(f"{way.name} closed the connection in a download")
            left -= got
            received += got
            now = time.perf_counter()
    return received * 8 / (now - began) / 1e9


def _answer_head(connection, way):
    """The head, and how many bytes of the body came with it."""
    text = b""
    while b"\r\n\r\n" not in text:
        got = connection.recv(65536)
        if not got:
            raise LabError(f"{way.name} closed the connection before its answer: {text[:500]}")
        text += got
    head, _, beginning = text.partition(b"\r\n\r\n")
    return head, len(beginning)


def _turns(lab, name, ours, runs, say, measure, repeats=1):
    """{way: samples}; a sample is the mean of `repeats` measurements, for which the ways take turns."""
    ways = [lab.ways[way] for way in (*ours, *BESIDE[name])]
    samples = {way.name: [] for way in ways}
    for number in range(runs):
        say(f"{name} round {number + 1} of {runs}")
        rounds = [[measure(way) for way in ways] for _ in range(repeats)]
        for way, measured in zip(ways, zip(*rounds)):
            samples[way.name].append(statistics.mean(measured))
    return samples


def _figure(name, ours, samples, extra):
    beside = BESIDE[name][0]
    return Figure(name, "Gbit/s", samples[ours], f"peer/{name.removeprefix('lab/')}/{beside}", samples[beside], extra)


def tap(lab, runs, seconds, say):
    server = Daemon("iperf3", lab.state)
    server.start(["iperf3", "-s", "-p", str(_PORT)], core=lab.peer_core, namespace=lab.server)
    try:
        ready = ["ip", "netns", "exec", lab.server, "ss", "-Hltn", f"sport = {_PORT}"]
        if not wait_until(lambda: run(*ready).stdout.strip(), 5):
            raise LabError(f"iperf3 does not listen: {server.log()}")
        samples = _turns(lab, TAP, ("sluice",), runs, say, lambda way: iperf_gbit(lab, way, seconds))
    finally:
        server.stop()
    return _figure(TAP, "sluice", samples, {"load": "iperf3, one connection, frames passed through"})


def loss(lab, runs, seconds, say):
    rules = ("add table inet loss; add chain inet loss input { type filter hook input priority 0; }; "
             "add rule inet loss input tcp sport { 8080, 8082 } numgen random mod 100 == 0 drop")
    run("ip", "netns", "exec", lab.client, "nft", rules)
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {lab.peer_core})
    lab.probe_tails(True)
    try:
        samples = _turns(lab, LOSS, ("plain", "sluice"), runs, say, lambda way: download_gbit(lab, way, seconds), _DOWNLOADS)
    finally:
        lab.probe_tails(False)
        os.sched_setaffinity(0, cores)
        run("ip", "netns", "exec", lab.client, "nft", "delete table inet loss")
    extra = {"router_gbit": tidy(statistics.median(samples["router"]))}
    return [_figure(LOSS, "plain", samples, extra | {"load": "one download; a superframe is lost as a whole"}),
            _figure(MASKED, "sluice", samples, extra | {"load": "one download, masked and recorded"})]


def figures(lab, filters, runs, seconds, say):
    found = []
    if wanted(TAP, filters):
        found.append(tap(lab, runs, seconds, say))
    if wanted(LOSS, filters) or wanted(MASKED, filters):
        found += [figure for figure in loss(lab, runs, seconds, say) if wanted(figure.name, filters)]
    return found
