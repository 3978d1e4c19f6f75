"""What the style checks read: the C++ files of the tree, and their text without comments and strings."""

import os
import re
import sys

SOURCE_FOLDERS = ("common", "segment", "rules", "dataplane", "control", "bench", "tests")
SOURCE_ENDINGS = (".h", ".cc")

_NOISE = re.compile(
    r"""//[^\n]*                              # line comment
      | /\*.*?\*/                             # block comment
      | R"([^()\\ ]{0,16})\(.*?\)\1"          # raw string
      | "(?:\\.|[^"\\\n])*"                   # string
      | (?<![0-9a-fA-F])'(?:\\.|[^'\\\n])+'   # character, not a digit separator
    """,
    re.DOTALL | re.VERBOSE,
)


def root_from_arguments():
    """The tree to check: the first argument, or the tree this file lies in."""
    if len(sys.argv) > 1:
        return os.path.abspath(sys.argv[1])
    return os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def source_files(root):
    """Paths of all C++ files, relative to the root, with forward slashes, sorted."""
    found = []
    for folder in SOURCE_FOLDERS:
        for directory, _, names in os.walk(os.path.join(root, folder)):
            for name in names:
                if name.endswith(SOURCE_ENDINGS):
                    found.append(os.path.relpath(os.path.join(directory, name), root))
    return sorted(found)


def read(root, path):
    with open(os.path.join(root, path), encoding="utf-8") as file:
        return file.read()


def code_only(text):
    """The text with comments and literals blanked; line numbers stay."""
    return _NOISE.sub(lambda match: re.sub(r"[^\n]", " ", match.group()), text)


def report(problems, what_passed):
    """Prints the problems, or what was checked; returns the exit code."""
    for problem in problems:
        print(problem)
    if problems:
        print(f"{len(problems)} problem(s)")
        return 1
    print(what_passed)
    return 0
