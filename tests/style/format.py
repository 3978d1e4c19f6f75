#!/usr/bin/env python3
"""Checks the layout of all C++ with clang-format. Remedy: tools/format."""

import os
import re
import subprocess
import sys

import tree


def main():
    root = tree.root_from_arguments()
    files = tree.source_files(root)
    run = subprocess.run(["clang-format-19", "--dry-run", "-Werror", *files], cwd=root, capture_output=True, text=True,
                         check=False)
    bad = sorted(set(re.findall(r"^([^\s:]+):\d+:\d+: error", run.stderr, re.MULTILINE)))
    if run.returncode and not bad:
        bad = [run.stderr.strip()]
    problems = [f"{os.path.normpath(path)}: layout differs. Remedy: tools/format {path}" for path in bad]
    return tree.report(problems, f"{len(files)} files formatted")


if __name__ == "__main__":
    sys.exit(main())
