#!/usr/bin/env python3
"""Checks the arrows of the house: a folder includes only what lies on a floor below it.

Siblings do not include each other, dataplane/ and control/ meet only in common/, schema/, segment/ and rules/ (workbench/,
a program of its own, may look at the scanner), and every quoted include is a full path from the root that exists. docs/architecture.md tells the same story.
"""

import os
import re
import sys

import tree

# From the ground up. A folder not listed here has no floor yet, and that is an error: give it one.
FLOORS = [
    ["common", "schema"],
    ["segment", "rules"],
    ["dataplane/buffer"],
    ["dataplane/wire", "dataplane/protocol", "dataplane/inspect", "dataplane/port", "dataplane/sql"],
    ["dataplane/tcp", "dataplane/tls", "dataplane/enforce", "dataplane/record"],
    ["dataplane/session"],
    ["dataplane/channel"],
    ["dataplane/worker"],
    ["dataplane"],  # main.cc
]
CONTROL_FLOORS = [
    ["common", "schema"],
    ["segment", "rules"],
    ["control/store", "control/channel", "control/cli"],  # the CLI speaks only the API, so it needs no one
    ["control/publish", "control/archive", "control/approvals", "control/telemetry"],
    ["control/replay", "control/alerts"],
    ["control/api"],
    ["control/webhooks"],
    ["control/sinks"],
    ["control"],  # main.cc
]
# A program beside both processes: rules on text at hand, found as the data plane finds them (docs/decisions/0011).
WORKBENCH_FLOORS = [
    ["common", "schema"],
    ["rules"],
    ["dataplane/inspect", "dataplane/sql"],
    ["dataplane/enforce"],
    ["workbench"],
]
# Said aloud, with their reason: arrows between siblings.
EXCEPTIONS = {
    ("dataplane/port", "dataplane/wire"): "a port computes checksums for frames that its device cannot",
}
UNCHECKED = ("tests", "bench")  # they look at everything

_INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*"([^"]+)"', re.MULTILINE)


def folder_of(path, floors):
    """The listed folder that `path` lies in, the deepest one; None when it has no floor."""
    folders = {name for floor in floors for name in floor}
    folder = os.path.dirname(path)
    while folder and folder not in folders:
        folder = os.path.dirname(folder)
    # dataplane/new_thing/x.cc must not slip through as if it were dataplane/main.cc.
    if folder in ("dataplane", "control") and os.path.dirname(path) != folder:
        return None
    return folder or None


def floor_number(folder, floors):
    return next(number for number, floor in enumerate(floors) if folder in floor)


def check_arrow(path, line, target, floors):
    """The problem with one include, or None."""
    here = folder_of(path, floors)
    there = folder_of(target, floors)
    where = f'{path}:{line}: includes "{target}"'
    if there is None:
        if target.startswith(("dataplane/", "control/")) and target.split("/")[0] != path.split("/")[0]:
            return (f"{where}. dataplane/ and control/ meet only in common/, schema/, segment/ and rules/. "
                    "Remedy: move what both need down into one of these.")
        return f"{where}, a folder without a floor. Remedy: give it one in tests/style/floors.py and docs/architecture.md."
    if here == there or (here, there) in EXCEPTIONS:
        return None
    if floor_number(there, floors) > floor_number(here, floors):
        return (f"{where}, which lies above {here}/. Remedy: pass in what is needed (a value, a callback, a small "
                "interface declared below), or move the shared part down.")
    if floor_number(there, floors) == floor_number(here, floors):
        return (f"{where}, a sibling of {here}/. Remedy: let the floor above bring the two together, or move the shared "
                "part one floor down.")
    return None


def is_generated(root, target):
    """Made by the build: from schema/, or named in the meson.build beside it."""
    if target.startswith("schema/"):
        return target.endswith("_generated.h")
    recipe = os.path.join(os.path.dirname(target), "meson.build")
    return os.path.isfile(os.path.join(root, recipe)) and f"'{os.path.basename(target)}'" in tree.read(root, recipe)


def check(root):
    problems = []
    arrows = 0
    for path in tree.source_files(root):
        text = tree.read(root, path)
        floors = {"control": CONTROL_FLOORS, "workbench": WORKBENCH_FLOORS}.get(path.split("/")[0], FLOORS)
        checked = not path.startswith(UNCHECKED)
        if checked and folder_of(path, floors) is None:
            problems.append(f"{path}: its folder has no floor. Remedy: give it one in tests/style/floors.py.")
            continue
        for match in _INCLUDE.finditer(text):
            target = match.group(1)
            line = text.count("\n", 0, match.start()) + 1
            if not is_generated(root, target) and not os.path.isfile(os.path.join(root, target)):
                problems.append(f'{path}:{line}: includes "{target}", which is no path from the root. '
                                "Remedy: write the full path from the root of the tree.")
                continue
            if checked:
                arrows += 1
                problem = check_arrow(path, line, target, floors)
                if problem:
                    problems.append(problem)
    return problems, arrows


def main():
    problems, arrows = check(tree.root_from_arguments())
    return tree.report(problems, f"{arrows} arrows, all pointing down")


if __name__ == "__main__":
    sys.exit(main())
