"""lab/iperf/*: how fast one connection runs. `tap` is iperf3 to a port that no service protects, whose frames the
appliance passes through, beside the bare relay. `loss1` is a protected download, which the appliance's own TCP sends
again where 1 % of what comes to the client's kernel is dropped, beside the kernel's TCP on the same loss."""

import json

from benchkit.figures import Figure, wanted
from benchkit.http_load import count_of, load
from benchkit.payload import BULK
from labkit.namespaces import LabError, run
from labkit.processes import Daemon, wait_until

TAP, LOSS = "lab/iperf/tap", "lab/iperf/loss1"
NAMES = (TAP, LOSS)
BESIDE = {TAP: "tap-relay", LOSS: "router"}
_PORT = 5201


def ways_for(filters):
    return {BESIDE[name] for name in NAMES if wanted(name, filters)}


def iperf_gbit(lab, way, seconds):
    done = lab.in_client("iperf3", "-c", way.address, "-p", str(_PORT), "-t", str(seconds), "-J")
    try:
        return json.loads(done.stdout)["end"]["sum_received"]["bits_per_second"] / 1e9
    except (ValueError, KeyError) as problem:
        raise LabError(f"iperf3 through {way.name}: {done.stdout[-500:]}{done.stderr}") from problem


def download_gbit(lab, way, seconds):
    counted = count_of(load(lab, way, BULK, seconds, connections=1).stdout)
    return counted["bytes"] * 8 / counted["seconds"] / 1e9


def _turns(lab, name, runs, say, measure):
    ways = [lab.ways["sluice"], lab.ways[BESIDE[name]]]
    samples = {way.name: [] for way in ways}
    for number in range(runs):
        say(f"{name} round {number + 1} of {runs}")
        for way in ways:
            samples[way.name].append(measure(way))
    return samples


def _figure(name, samples, extra):
    beside = BESIDE[name]
    return Figure(name, "Gbit/s", samples["sluice"], f"peer/{name.removeprefix('lab/')}/{beside}", samples[beside], extra)


def tap(lab, runs, seconds, say):
    server = Daemon("iperf3", lab.state)
    server.start(["iperf3", "-s", "-p", str(_PORT)], core=lab.peer_core, namespace=lab.server)
    try:
        ready = ["ip", "netns", "exec", lab.server, "ss", "-Hltn", f"sport = {_PORT}"]
        if not wait_until(lambda: run(*ready).stdout.strip(), 5):
            raise LabError(f"iperf3 does not listen: {server.log()}")
        samples = _turns(lab, TAP, runs, say, lambda way: iperf_gbit(lab, way, seconds))
    finally:
        server.stop()
    return _figure(TAP, samples, {"load": "iperf3, one connection, frames passed through"})


def loss(lab, runs, seconds, say):
    rules = ("add table inet loss; add chain inet loss input { type filter hook input priority 0; }; "
             "add rule inet loss input tcp sport 8080 numgen random mod 100 == 0 drop")
    run("ip", "netns", "exec", lab.client, "nft", rules)
    try:
        samples = _turns(lab, LOSS, runs, say, lambda way: download_gbit(lab, way, seconds))
    finally:
        run("ip", "netns", "exec", lab.client, "nft", "delete table inet loss")
    return _figure(LOSS, samples, {"load": "one protected download; a superframe is lost as a whole"})


def figures(lab, filters, runs, seconds, say):
    found = []
    if wanted(TAP, filters):
        found.append(tap(lab, runs, seconds, say))
    if wanted(LOSS, filters):
        found.append(loss(lab, runs, seconds, say))
    return found
