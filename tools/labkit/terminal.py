"""Plain, readable output: headings, commands as one would type them, and what they printed. Colours only on a terminal."""

import os
import sys


class Terminal:
    def __init__(self, out=sys.stdout):
        self.out = out
        self.colours = out.isatty() and os.environ.get("TERM") != "dumb" and "NO_COLOR" not in os.environ
        self.steps = 0
        self.failed = []
        self.held = 0

    def paint(self, code, text):
        return f"\033[{code}m{text}\033[0m" if self.colours else text

    def step(self, title, *about):
        """A numbered heading and a line or two of what it is about."""
        self.steps += 1
        self.line()
        self.line(self.paint("1;36", f"{self.steps}. {title}"))
        for text in about:
            self.line(self.paint("2", "   " + text))

    def command(self, text):
        self.line()
        self.line("   " + self.paint("1", "$ " + text))

    def output(self, text, limit=40, mark=()):
        """What a command printed, cut at `limit` lines; words in `mark` stand out."""
        lines = text.rstrip("\n").split("\n")
        for line in lines[:limit]:
            for word in mark:
                line = line.replace(word, self.paint("1;33", word))
            self.line("     " + line)
        if len(lines) > limit:
            self.line(self.paint("2", f"     ... {len(lines) - limit} lines more"))

    def expect(self, condition, text):
        """Says whether what was promised holds, and remembers when it does not."""
        if condition:
            self.held += 1
        else:
            self.failed.append(f"step {self.steps}: {text}")
        self.line("   " + (self.paint("32", "✓ ") if condition else self.paint("1;31", "✗ ")) + text)

    def line(self, text=""):
        print(text, file=self.out, flush=True)
