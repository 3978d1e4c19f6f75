"""Everything that is measured in the lab: raises what the wanted figures need, once, and takes it down."""

import os
import shutil

from benchkit import holds, http_load, postgres_load, round_trip, throughput
from benchkit.figures import wanted
from benchkit.topology import BenchLab
from labkit.namespaces import LabError


def names(offloads=True):
    return [*http_load.names(offloads), *postgres_load.NAMES, *round_trip.NAMES, *throughput.NAMES, *holds.NAMES]


def figures(options, runs, say):
    """([Figure], [problem])."""
    offloads = not options.no_offloads
    if not any(wanted(name, options.filters) for name in names(offloads)):
        return [], []
    if os.geteuid() != 0:
        return [], ["the lab makes network namespaces: run as root to have its figures"]
    filters = options.filters
    ways = http_load.ways_for(filters, offloads).union(*(part.ways_for(filters) for part in (postgres_load, round_trip, throughput)))
    lab = BenchLab(ways, offloads)
    say("raising the lab")
    found, problems = [], []
    seconds, pings = (1, 1000) if options.quick else (3, 5000)
    parts = (lambda: http_load.figures(lab, filters, runs, seconds, say),
             lambda: postgres_load.figures(lab, filters, runs, seconds, pings, say),
             lambda: round_trip.figures(lab, filters, runs, pings, say),
             lambda: throughput.figures(lab, filters, runs, seconds, say),
             lambda: holds.figures(lab, filters, runs, say))
    try:
        lab.raise_all()
        for part in parts:
            try:
                found += part()
            except (LabError, OSError) as problem:  # one that fails leaves the others their figures
                problems.append(f"{problem}\n{_state_of(lab)}")
    finally:
        lab.down()
    return found, problems


def _state_of(lab):
    """What the appliance says of itself, and where its archive lies: what a failure is looked for in first."""
    space = shutil.disk_usage(lab.state)
    return f"{space.free >> 30} GiB free for the archive\n{lab.appliance.cli('status').stdout}"
