#!/usr/bin/env python3
"""Counts the instructions of parts of the data path with callgrind and compares them with figures.json.

Usage: bench/instructions/compare.py PROGRAM [--update] [NAME...], PROGRAM being the build's count_instructions. A figure is
instructions for one thing (a request, a frame with payload, a body of 64 KiB), without what sets it up and without the
hosts; it may differ by the margin that stands beside it. --update writes what was counted into figures.json: do that
when a change is meant, and say in the commit what it bought.

The count depends on the compiler and on the libraries (Hyperscan chooses its code by the CPU: valgrind shows it AVX2 at
most), so it is compared only where figures.json was made: the same `made_with`. Elsewhere the comparison is skipped, in words.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

FIGURES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "figures.json")
SKIPPED = 77
MARGIN = 0.02  # of a new figure


def made_with():
    compiler = subprocess.run(["c++", "-dumpfullversion"], capture_output=True, text=True).stdout.strip()
    with open("/proc/cpuinfo", encoding="ascii") as file:
        flags = re.search(r"^flags\s*:(.*)$", file.read(), re.MULTILINE).group(1).split()
    packages = subprocess.run(["dpkg-query", "-W", "-f=${Package} ${Version}, ", "libdpdk-dev", "libhyperscan5"],
                              capture_output=True, text=True).stdout.strip(", ")
    return f"c++ {compiler}, {packages}, avx2 {'yes' if 'avx2' in flags else 'no'}"


def compile_policy(program, bundle):
    """Before, and for the CPU that valgrind shows: under valgrind it takes minutes."""
    cpu = subprocess.run(["valgrind", "-q", "--tool=none", program, "--cpu"], check=True, capture_output=True, text=True)
    subprocess.run([program, "--save-bundle", bundle, *cpu.stdout.split()], check=True)


def count(program, name, folder, bundle):
    """Instructions for one thing."""
    done = subprocess.run(
        ["valgrind", "--tool=callgrind", "--collect-atstart=no", "--toggle-collect=sluice_counted",
         f"--callgrind-out-file={folder}/out", program, name],
        capture_output=True, text=True,
        env=dict(os.environ, SLUICE_BENCH_PLAIN_MEMORY="1", SLUICE_BENCH_BUNDLE=bundle))
    collected = re.search(r"Collected : (\d+)", done.stderr)
    things = re.search(r"^things (\d+)$", done.stdout, re.MULTILINE)
    if done.returncode != 0 or not collected or not things:
        raise SystemExit(f"{name} did not run under valgrind:\n{done.stdout}{done.stderr}")
    return int(collected.group(1)) / int(things.group(1))


def main():
    arguments = sys.argv[1:]
    update = "--update" in arguments
    program, *chosen = [argument for argument in arguments if argument != "--update"]
    if shutil.which("valgrind") is None:
        print("skipped: valgrind is not installed (tools/setup checks installs it)")
        return SKIPPED
    with open(FIGURES, encoding="utf-8") as file:
        kept = json.load(file)
    if not update and kept["made_with"] != made_with():
        print(f"skipped: the figures were made with {kept['made_with']}; here is {made_with()}")
        return SKIPPED
    names = subprocess.run([program], check=True, capture_output=True, text=True).stdout.split()
    with tempfile.TemporaryDirectory() as folder:
        bundle = os.path.join(folder, "bundle")
        compile_policy(program, bundle)
        counts = {name: count(program, name, folder, bundle) for name in chosen or names}
    wrong = 0
    for name, counted in counts.items():
        figure = kept["figures"].setdefault(name, {"instructions": 0, "margin": MARGIN})
        change = counted / figure["instructions"] - 1 if figure["instructions"] else float("inf")
        within = abs(change) <= figure["margin"]
        wrong += not within
        print(f"{name:30} {counted:12.0f}  kept {figure['instructions']:12}  {change:+8.2%}  margin {figure['margin']:.0%}"
              f"  {'ok' if within else 'CHANGED'}")
        if update:
            figure["instructions"] = round(counted)
    if update:
        kept["made_with"] = made_with()
        with open(FIGURES, "w", encoding="utf-8") as file:
            json.dump(kept, file, indent=2)
            file.write("\n")
        return 0
    if wrong:
        print("When the change is meant: bench/instructions/compare.py PROGRAM --update NAME, and say in the commit what it bought.")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
