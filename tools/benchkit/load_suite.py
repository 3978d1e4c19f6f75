"""Load over shared memory (bench/system/load.py): the appliance with two virtio_user ports, and all its clients and servers
in one other process."""

import os
import subprocess
import sys

from benchkit.figures import Figure, wanted
from labkit.namespaces import LabError

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "bench", "system"))

import load  # noqa: E402

PREFIX = "load/http1/"
SECONDS = 3


def names():
    return [PREFIX + case for case in load.CASES]


def figures(options, runs, say):
    """([Figure], [problem]). A quick run has them only when they are asked for by name."""
    cases = [case for case in load.CASES if wanted(PREFIX + case, options.filters)]
    if not cases or (options.quick and not options.filters):
        return [], []
    if os.geteuid() != 0:
        return [], ["the load needs hugepages: run as root to have its figures"]
    found, problems = {}, []
    with load.Hugepages():
        for round_number in range(runs):
            say(f"load: round {round_number + 1} of {runs}")
            for case in cases:
                try:
                    rows = load.run_case(case, load.CASES[case], 1 if options.quick else SECONDS)
                except (LabError, subprocess.TimeoutExpired) as problem:
                    problems.append(str(problem))
                    continue
                for row in rows:
                    found.setdefault(row["name"], Figure(row["name"], row["unit"], [])).samples.append(row["value"])
    return list(found.values()), problems
