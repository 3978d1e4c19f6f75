#!/usr/bin/env python3
"""Checks that README's tables of figures are those of the file kept in the tree. Remedy: tools/bench --readme FILE."""

import os
import sys

import tree

sys.dont_write_bytecode = True
sys.path.insert(1, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "tools"))
from benchkit import readme  # noqa: E402


def main():
    return tree.report(readme.check(tree.root_from_arguments()), "README shows the figures that are kept")


if __name__ == "__main__":
    sys.exit(main())
