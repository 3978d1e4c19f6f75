"""Builds and runs every test. See tools/test."""

import argparse
import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import programs
import results
import suites

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def options():
    parser = argparse.ArgumentParser(prog="tools/test", description="Builds Sluice and runs every test.")
    parser.add_argument("filters", nargs="*", metavar="PART", help="run only tests whose suite/name holds one of these")
    parser.add_argument("--quick", action="store_true", help="no lab, no clang-tidy")
    parser.add_argument("--list", action="store_true", help="print the names of the tests and stop")
    parser.add_argument("--sim-seeds", type=int, metavar="N", help="how many seeded networks the simulation runs")
    parser.add_argument("--fuzz", action="store_true", help="the fuzzers, too (else only what their corpora hold)")
    parser.add_argument("--fuzz-seconds", type=int, default=10, metavar="N", help="how long each fuzzer runs (10)")
    parser.add_argument("--big", action="store_true", help="the long forms of the end-to-end tests (1 GiB, 30 s of wrk)")
    parser.add_argument("--build", default=os.environ.get("SLUICE_BUILD", "build"), help="the build folder (build)")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), metavar="N", help="tests at a time (one a core)")
    return parser.parse_args()


def build(tally, name, command, env=None):
    started = time.monotonic()
    code, text = programs.run(command, 3600, env, ROOT)
    if code != 0:
        tally.add(name, results.from_exit(code, text), time.monotonic() - started)
        return False
    print(f"      {name:44} {time.monotonic() - started:7.1f} s", flush=True)
    return True


def main():
    chosen = options()
    os.chdir(ROOT)
    tally = results.Tally(os.path.join(chosen.build, "test-logs"))
    if not build(tally, "build", ["tools/build"], {"SLUICE_BUILD": chosen.build}):
        return tally.finish()

    tests = suites.style(chosen) + suites.from_meson(chosen)
    if not chosen.quick:
        tests += suites.tidy(chosen) + suites.e2e(chosen)
    if chosen.fuzz:
        tests += suites.fuzz(chosen)
    tests = [test for test in tests if not chosen.filters or any(part in test.name for part in chosen.filters)]
    if chosen.list:
        print("\n".join(test.name for test in tests))
        return 0
    if any(test.name.startswith("fuzz/") for test in tests) and not build(tally, "build fuzzers", suites.FUZZ_BUILD):
        tests = [test for test in tests if not test.name.startswith("fuzz/")]

    def run(test):
        programs.run_test(tally, test.name, test.command, test.seconds, test.env)

    # What measures or shares the lab runs alone; the rest side by side.
    with ThreadPoolExecutor(chosen.jobs) as pool:
        list(pool.map(run, [test for test in tests if not test.alone]))
    for test in tests:
        if test.alone:
            run(test)
    return tally.finish()


if __name__ == "__main__":
    sys.exit(main())
