#!/usr/bin/env python3
"""Runs clang-tidy (settings in .clang-tidy) over all sources but tests and benchmarks.

Usage: tidy.py ROOT BUILD [JOBS]. A source is looked at again only when it, a header that it reaches, its flags or the
settings have changed.
"""

import os
import subprocess
import sys

import compiling
import tree


def main():
    root, build = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2])
    jobs = int(sys.argv[3]) if len(sys.argv) > 3 else os.cpu_count()
    commands = compiling.Commands(root, build)
    settings = tree.read(root, ".clang-tidy")
    sources = [path for path in sorted(commands.flags) if path.endswith(".cc") and not path.startswith(("tests/", "bench/", ".."))]

    def check_one(path):
        command = ["clang-tidy-19", "--quiet", "-p", build, "--extra-arg=-Wno-unknown-warning-option", os.path.join(root, path)]
        run = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
        return run.stdout.strip() or run.stderr.strip() or "clang-tidy failed" if run.returncode else ""

    bad = compiling.run_cached(root, build, "tidy", sources, lambda path: [commands.flags[path], settings], check_one, jobs)
    # One line a finding is enough; the same finding in a header comes from many sources.
    found = {line for text in bad.values() for line in text.splitlines() if ": error: " in line or ": warning: " in line}
    broken = [f"{path}:\n{text}" for path, text in bad.items() if ": error: " not in text]
    problems = broken + sorted(line.removeprefix("../").removeprefix(root + "/") for line in found)
    return tree.report(problems, f"{len(sources)} sources, nothing found")


if __name__ == "__main__":
    sys.exit(main())
