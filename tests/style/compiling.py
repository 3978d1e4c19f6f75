"""Compiler commands of a configured build, and a cache of what was found good.

A check of one file depends on that file, on every header of the tree that it reaches, on its flags and on the check's
own settings. Their hash names an empty file in the cache: where it exists, the check has passed before.
"""

import concurrent.futures
import hashlib
import json
import os
import re
import shlex

import tree

_INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*"([^"]+)"', re.MULTILINE)
_OUTPUT_FLAGS = ("-o", "-MF", "-MQ", "-MT", "-c")


class Commands:
    """compile_commands.json, reduced to flags: no outputs, no source, no compiler."""

    def __init__(self, root, build):
        self.root = root
        self.build = build
        self.flags = {}
        with open(os.path.join(build, "compile_commands.json"), encoding="utf-8") as file:
            for entry in json.load(file):
                path = os.path.normpath(os.path.join(entry["directory"], entry["file"]))
                self.flags.setdefault(os.path.relpath(path, root), _only_flags(shlex.split(entry["command"])))

    def for_headers(self):
        """One set of flags for any header: the project's own, and the include paths and definitions of every target."""
        if not self.flags:
            raise SystemExit("compile_commands.json names no source: configure the build first")
        path = min(self.flags)
        common = [flag for flag in self.flags[path] if not flag.startswith(("-I", "-isystem", "-D"))]
        others = {flag for flags in self.flags.values() for flag in flags if flag.startswith(("-isystem", "-D"))}
        return [*common, *sorted(others), "-I" + self.root, "-I" + self.build, "-fdiagnostics-color=never"]


def _only_flags(words):
    flags = []
    skip = False
    started = False
    for word in words:
        if skip:
            skip = word in _OUTPUT_FLAGS
            continue
        if not started:  # compiler and its launcher
            started = word.startswith("-")
            if not started:
                continue
        if word == "-c":
            skip = True  # the source follows
        elif word in _OUTPUT_FLAGS:
            skip = True
        elif word not in ("-MD", "-MMD"):
            flags.append(word)
    return [flag for flag in flags if not flag.endswith((".cc", ".o"))]


def closure(root, path, seen=None):
    """The file and every quoted include of the tree that it reaches."""
    seen = set() if seen is None else seen
    if path in seen or not os.path.isfile(os.path.join(root, path)):
        return seen
    seen.add(path)
    for target in _INCLUDE.findall(tree.read(root, path)):
        if target.startswith("schema/"):
            target = target.replace("_generated.h", ".fbs")
        closure(root, target, seen)
    return seen


def fingerprint(root, path, *settings):
    digest = hashlib.sha256()
    for part in sorted(closure(root, path)):
        digest.update(f"{part}\n{tree.read(root, part)}\n".encode())
    for setting in settings:
        digest.update(repr(setting).encode())
    return digest.hexdigest()


def run_cached(root, build, name, paths, settings_of, check_one, jobs):
    """Runs check_one(path) → problem text or "" for every path not known to be good. Returns problems by path."""
    cache = os.path.join(build, ".checked", name)
    os.makedirs(cache, exist_ok=True)

    def work(path):
        mark = os.path.join(cache, fingerprint(root, path, *settings_of(path)))
        if os.path.exists(mark):
            return path, ""
        problem = check_one(path)
        if not problem:
            open(mark, "w", encoding="ascii").close()
        return path, problem

    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        return {path: problem for path, problem in pool.map(work, paths) if problem}
