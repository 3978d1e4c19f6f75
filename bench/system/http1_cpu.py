#!/usr/bin/env python3
"""CPU of the data plane per HTTP request in the lab: the whole process, with its writer and kernel helpers.

Usage: bench/system/http1_cpu.py [RUNS [SECONDS]], as root, after tools/build. Raises a lab of its own, asks nginx through
the appliance with wrk (16 connections, keep-alive, offloads on, masking with pack pii and recording on), and reads the time
that the process's threads ran from /proc/PID/task/*/schedstat. Prints one JSON object a size: the median of RUNS.
"""

import json
import os
import re
import statistics
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "tools"))

from labkit.lab import Lab  # noqa: E402

SIZES = ("1k", "64k", "1m")
CONNECTIONS = 16


def busy_ns(pid):
    """{thread name: nanoseconds on a core}; threads of one name are added up."""
    busy = {}
    for task in os.listdir(f"/proc/{pid}/task"):
        try:
            with open(f"/proc/{pid}/task/{task}/comm", encoding="ascii") as file:
                name = re.sub(r"-\d+$", "", file.read().strip())
            with open(f"/proc/{pid}/task/{task}/schedstat", encoding="ascii") as file:
                busy[name] = busy.get(name, 0) + int(file.read().split()[0])
        except FileNotFoundError:
            pass  # a kernel helper that has just ended
    return busy


def run_once(lab, size, seconds):
    pid = lab.appliance.dataplane.pid()
    before = busy_ns(pid)
    done = lab.in_client("wrk", "-t", "1", "-c", str(CONNECTIONS), "-d", f"{seconds}s", lab.url("/" + size))
    after = busy_ns(pid)
    if "Non-2xx" in done.stdout or "Socket errors" in done.stdout:
        raise SystemExit(done.stdout)
    requests = int(re.search(r"(\d+) requests in", done.stdout).group(1))
    return {name: (after[name] - before.get(name, 0)) / requests / 1000 for name in after}, requests / seconds


def main():
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    seconds = int(sys.argv[2]) if len(sys.argv) > 2 else 5
    lab = Lab("sluice-bench", staging_port=18082)
    lab.up()
    try:
        samples = {size: [] for size in SIZES}
        for size in SIZES:
            run_once(lab, size, 1)
        for _ in range(runs):  # the sizes in turn, so that a machine that drifts drifts for all
            for size in SIZES:
                samples[size].append(run_once(lab, size, seconds))
        for size in SIZES:
            totals = sorted(sum(threads.values()) for threads, _ in samples[size])
            median = statistics.median(totals)
            threads = {name: round(statistics.median(sample.get(name, 0) for sample, _ in samples[size]), 2)
                       for name in samples[size][0][0]}
            print(json.dumps({
                "name": f"lab/http1/{size}", "value": round(median, 1), "unit": "us/request", "runs": runs,
                "spread": round((totals[-1] - totals[0]) / median, 3),
                "requests_per_s": round(statistics.median(rate for _, rate in samples[size])),
                "threads": {name: value for name, value in threads.items() if value >= 0.05}}))
    finally:
        lab.down()


if __name__ == "__main__":
    main()
