#!/usr/bin/env python3
"""Checks that every header stands alone. Usage: headers.py ROOT BUILD [JOBS]

A header that its own source includes first is proven by the build itself; the others are compiled here.
"""

import os
import re
import subprocess
import sys

import compiling
import tree

_FIRST_INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*["<]([^">]+)[">]', re.MULTILINE)


def is_proven_by_build(root, header, commands):
    source = header[:-2] + ".cc"
    if source not in commands.flags:
        return False
    first = _FIRST_INCLUDE.search(tree.read(root, source))
    return first is not None and first.group(1) == header


def main():
    root, build = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2])
    jobs = int(sys.argv[3]) if len(sys.argv) > 3 else os.cpu_count()
    commands = compiling.Commands(root, build)
    flags = commands.for_headers()
    headers = [path for path in tree.source_files(root) if path.endswith(".h")]
    alone = [path for path in headers if not is_proven_by_build(root, path, commands)]

    def check_one(header):
        command = ["g++", *flags, "-fsyntax-only", "-include", header, "-x", "c++", "/dev/null"]
        run = subprocess.run(command, cwd=build, capture_output=True, text=True, check=False)
        return "\n".join(run.stderr.splitlines()[:8]) or "g++ failed" if run.returncode else ""

    bad = compiling.run_cached(root, build, "headers", alone, lambda path: [flags], check_one, jobs)
    problems = [f"{path}: does not stand alone. Remedy: include what it uses.\n{text}" for path, text in bad.items()]
    return tree.report(problems, f"{len(headers)} headers stand alone ({len(alone)} compiled, the rest first in their source)")


if __name__ == "__main__":
    sys.exit(main())
