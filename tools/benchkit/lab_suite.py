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
    offloads, filters = not options.no_offloads, options.filters
    seconds, pings = (1, 1000) if options.quick else (3, 5000)
    parts = ((http_load.names(offloads), http_load.ways_for(filters, offloads),
              lambda lab: http_load.figures(lab, filters, runs, seconds, say)),
             (postgres_load.NAMES, postgres_load.ways_for(filters),
              lambda lab: postgres_load.figures(lab, filters, runs, seconds, pings, say)),
             (round_trip.NAMES, round_trip.ways_for(filters), lambda lab: round_trip.figures(lab, filters, runs, pings, say)),
             (throughput.NAMES, throughput.ways_for(filters), lambda lab: throughput.figures(lab, filters, runs, seconds, say)),
             (holds.NAMES, set(), lambda lab: holds.figures(lab, filters, runs, say)))
    parts = [(ways, measure) for its_names, ways, measure in parts if any(wanted(name, filters) for name in its_names)]
    if parts and os.geteuid() != 0:
        return [], ["the lab makes network namespaces: run as root to have its figures"]
    found, problems = [], []
    for ways, measure in parts:
        say("raising the lab")
        try:
            found += _measured(BenchLab(ways, offloads), measure)
        except (LabError, OSError) as problem:  # one that fails leaves the others their figures
            problems.append(str(problem))
    return found, problems


def _measured(lab, measure):
    """In a lab with an archive of its own, which goes with it: one for all parts would come to 60 GiB and more."""
    try:
        lab.raise_all()
        return measure(lab)
    except (LabError, OSError) as problem:
        raise LabError(f"{problem}\n{_state_of(lab)}") from problem
    finally:
        lab.down()


def _state_of(lab):
    """What the appliance says of itself, and where its archive lies: what a failure is looked for in first."""
    space = shutil.disk_usage(lab.state)
    return f"{space.free >> 30} GiB free for the archive\n{lab.appliance.cli('status').stdout}"
