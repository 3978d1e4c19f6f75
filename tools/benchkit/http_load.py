"""lab/http1/*: what a request costs each way, asked by the same wrk in turn.

A way's figure is the time of its process on a core, user and system, divided by the answers that came; what was under
way when the time was over counts by its bytes.
"""

import json
import os
import re
import statistics

from benchkit import payload
from benchkit.accounting import Interval
from benchkit.figures import Figure, wanted
from benchkit.topology import CONFIGURATIONS, PEERS
from labkit.namespaces import LabError

CONNECTIONS = 16
BESIDE = (*PEERS, "tap-relay")


def names(offloads=True):
    """{figure: (size, way beside it)}."""
    ending = "" if offloads else "/no-offloads"
    return {f"lab/http1/{size}/{beside}{ending}": (size, beside) for size in payload.SIZES for beside in BESIDE}


def ways_for(filters, offloads):
    return {beside for name, (_, beside) in names(offloads).items() if wanted(name, filters)}


class Sample:
    def __init__(self, threads_ns, core_busy, counted, answers):
        self.us = sum(threads_ns.values()) / answers / 1000
        self.threads_us = {name: ns / answers / 1000 for name, ns in threads_ns.items()}
        self.core_busy = core_busy
        self.core_us = core_busy * counted["seconds"] * 1e6 / answers
        self.per_second = answers / counted["seconds"]


def count_of(text):
    """What count.lua wrote."""
    found = re.search(r"^count (\{.*\})$", text, re.MULTILINE)
    if found is None:
        raise LabError(f"wrk says nothing: {text}")
    return json.loads(found.group(1))


def load(lab, way, path, seconds, connections=CONNECTIONS):
    return lab.in_client("wrk", "-t", "1", "-c", str(connections), "-d", f"{seconds}s", "--timeout", "30s", "-s",
                         os.path.join(CONFIGURATIONS, "count.lua"), way.url(path), check=True)


def measure(lab, way, size, seconds, answer_bytes):
    interval = Interval(way.pid(), lab.dataplane_core)
    done = load(lab, way, size, seconds)
    threads_ns, core_busy = interval.end()
    counted = count_of(done.stdout)
    if counted["errors"] or not counted["requests"]:
        raise LabError(f"{way.name}, {size}: {counted}")
    return Sample(threads_ns, core_busy, counted, counted["bytes"] / answer_bytes)


def figures(lab, filters, runs, seconds, say):
    """Of the wanted names, those whose way is up."""
    chosen = {name: what for name, what in names(lab.offloads).items() if wanted(name, filters) and what[1] in lab.ways}
    sizes = [size for size in payload.SIZES if any(size == one for one, _ in chosen.values())]
    found = []
    for size in sizes:
        ways = [lab.ways["sluice"]] + [lab.ways[beside] for one, beside in chosen.values() if one == size]
        answer_bytes = {way.name: lab.answer_bytes(way, size) for way in ways}
        samples = {way.name: [] for way in ways}
        for way in ways:
            load(lab, way, size, 1)  # warm: connections, caches, buffers that grow
        for number in range(runs):  # the ways in turn, so that a machine that drifts drifts for all
            say(f"lab/http1/{size} round {number + 1} of {runs}")
            for way in ways:
                samples[way.name].append(measure(lab, way, size, seconds, answer_bytes[way.name]))
        found += [figure_of(name, size, beside, samples) for name, (one, beside) in chosen.items() if one == size]
    return found


def figure_of(name, size, beside, samples):
    ours, theirs = samples["sluice"], samples[beside]
    threads = {thread: statistics.median(sample.threads_us.get(thread, 0) for sample in ours) for thread in ours[0].threads_us}

    def middle(of, what, digits=2):
        return round(statistics.median(getattr(sample, what) for sample in of), digits)

    return Figure(name, "us/request", [sample.us for sample in ours], f"peer/http1/{size}/{beside}",
                  [sample.us for sample in theirs], {
                      "requests_per_s": round(middle(ours, "per_second")),
                      "versus_requests_per_s": round(middle(theirs, "per_second")),
                      "core_busy": middle(ours, "core_busy"), "versus_core_busy": middle(theirs, "core_busy"),
                      "core_us": middle(ours, "core_us", 1), "versus_core_us": middle(theirs, "core_us", 1),
                      "connections": CONNECTIONS, "body_bytes": payload.SIZES[size],
                      "threads": {thread: round(us, 2) for thread, us in threads.items() if us >= 0.05}})
