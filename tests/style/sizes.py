#!/usr/bin/env python3
"""Checks that a reader can hold a file in mind: at most 500 lines, `#pragma once` in headers, and a head comment
(a source may leave that to the header of its name)."""

import os
import sys

import tree

MAX_LINES = 500


def check(root):
    problems = []
    files = tree.source_files(root)
    for path in files:
        text = tree.read(root, path)
        lines = text.count("\n")
        if lines > MAX_LINES:
            problems.append(f"{path}: {lines} lines, more than {MAX_LINES}. Remedy: one file, one idea; split it.")
        if path.endswith(".h") and "#pragma once" not in text:
            problems.append(f"{path}: no include guard. Remedy: start with `#pragma once` after the head comment.")
        has_header = path.endswith(".cc") and os.path.exists(os.path.join(root, path[:-3] + ".h"))
        if not path.startswith("tests/") and not has_header and not text.startswith("//"):
            problems.append(f"{path}: no head comment. Remedy: say first what the file owns and what always holds.")
    return problems, len(files)


def main():
    problems, files = check(tree.root_from_arguments())
    return tree.report(problems, f"{files} files within bounds")


if __name__ == "__main__":
    sys.exit(main())
