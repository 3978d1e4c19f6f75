#!/usr/bin/env python3
"""Checks that pure code stays pure: no clock, no sleep, no lock, no exception, no chance of its own.

Time and chance come in from outside, so that a simulated network replays from one seed; a worker never waits.
"""

import re
import sys

import tree

# Folders whose code takes bytes and `now` and returns values.
PURE = ("common/", "segment/", "rules/", "dataplane/buffer/", "dataplane/wire/", "dataplane/protocol/",
        "dataplane/inspect/", "dataplane/sql/", "dataplane/tcp/", "dataplane/enforce/", "dataplane/session/")
# Folders that run on a worker's core.
DATA_PATH = ("dataplane/buffer/", "dataplane/wire/", "dataplane/protocol/", "dataplane/inspect/", "dataplane/port/",
             "dataplane/sql/", "dataplane/tcp/", "dataplane/session/", "rules/automaton.h")
CLOCK = "common/clock.h"  # where the clocks are, for those who may
EVERYWHERE = ("common/", "segment/", "rules/", "dataplane/", "control/")

# (pattern, folders, what it is, remedy)
RULES = [
    (r"_clock::now\b|\bclock_gettime\b|\bgettimeofday\b|\brte_(?:rdtsc|get_timer_cycles|get_tsc_cycles)\b|\btime\s*\(\s*(?:nullptr|NULL|0)\s*\)"
     r"|(?<![\w.>])(?:monotonic|wall|clock)_ns\s*\(\s*(?:\)|CLOCK_)",
     PURE, "reads a clock", "take `now` as an argument"),
    (r"\b(?:u|nano)?sleep\s*\(|\bsleep_(?:for|until)\b|\brte_delay_\w+", PURE + DATA_PATH, "sleeps",
     "return, with a next_deadline(), and be called again"),
    (r"\bstd::random_device\b|\b(?:s?rand|random|getrandom)\s*\(|\bRAND_bytes\b|\bstd::mt19937", PURE,
     "makes its own chance", "take a seeded sluice::Random or a key as an argument"),
    (r"\bstd::(?:shared_|recursive_|timed_)*mutex\b|\bstd::(?:lock_guard|unique_lock|scoped_lock|condition_variable)\b"
     r"|\bpthread_mutex|\brte_spinlock", DATA_PATH, "locks", "workers share nothing mutable; hand over by a ring or by value"),
    (r"\bthrow\b", DATA_PATH + ("common/",), "throws", "errors are values: ErrorCode in the data path, Result<T> elsewhere"),
    (r"\bassert\s*\(", EVERYWHERE, "uses assert()", "SLUICE_ASSERT for our own mistakes; an ErrorCode for a peer's bytes"),
    (r"\b(?:strcpy|strcat|sprintf|vsprintf|gets|strtok|system|popen|alloca)\s*\(", EVERYWHERE, "calls what cannot be bounded",
     "use std::string, fmt, or a call that takes a length"),
    (r"\busing\s+namespace\b", EVERYWHERE, "imports a whole namespace", "name what is used"),
]


def check(root):
    problems = []
    files = 0
    for path in tree.source_files(root):
        if not path.startswith(EVERYWHERE):
            continue
        files += 1
        code = tree.code_only(tree.read(root, path))
        for pattern, folders, what, remedy in RULES:
            if not path.startswith(folders) or path == CLOCK:
                continue
            for match in re.finditer(pattern, code):
                line = code.count("\n", 0, match.start()) + 1
                problems.append(f"{path}:{line}: {what} ({match.group().strip()}). Remedy: {remedy}.")
    return problems, files


def main():
    problems, files = check(tree.root_from_arguments())
    return tree.report(problems, f"{files} files, nothing banned in them")


if __name__ == "__main__":
    sys.exit(main())
