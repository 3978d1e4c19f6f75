"""Counts test cases truthfully and says how each program fared."""

import json
import os
import sys
import threading

MAX_SHOWN_LINES = 120


class Outcome:
    """What one program showed: how many of its cases passed, failed, were skipped, and what it said."""

    def __init__(self, passed=0, failed=0, skipped=0, text=""):
        self.passed = passed
        self.failed = failed
        self.skipped = skipped
        self.text = text
        self.reasons = []  # why cases were skipped, where they say it


class Tally:
    def __init__(self, log_folder):
        self.passed = self.failed = self.skipped = 0
        self.failures = []
        self.log_folder = log_folder
        self.lock = threading.Lock()
        os.makedirs(log_folder, exist_ok=True)

    def add(self, name, outcome, seconds):
        with open(os.path.join(self.log_folder, name.replace("/", "-") + ".log"), "w", encoding="utf-8") as file:
            file.write(outcome.text)
        with self.lock:
            self.passed += outcome.passed
            self.failed += outcome.failed
            self.skipped += outcome.skipped
            word = "FAIL" if outcome.failed else ("ok" if outcome.passed else "skip")
            counts = f"{outcome.passed} passed"
            counts += f", {outcome.failed} failed" if outcome.failed else ""
            counts += f", {outcome.skipped} skipped" if outcome.skipped else ""
            print(f"{word:4}  {name:44} {seconds:7.1f} s  {counts}", flush=True)
            for reason in dict.fromkeys(outcome.reasons):
                print(f"      skipped: {reason}", flush=True)
            if outcome.failed:
                self.failures.append(name)
                self._show(outcome.text)

    def _show(self, text):
        lines = text.rstrip().splitlines()
        if len(lines) > MAX_SHOWN_LINES:
            print(f"      ... {len(lines) - MAX_SHOWN_LINES} lines more in {self.log_folder}")
        for line in lines[-MAX_SHOWN_LINES:]:
            print("      " + line)
        sys.stdout.flush()

    def finish(self):
        """Prints the summary line and returns the exit code."""
        if self.failures:
            print("failed: " + " ".join(self.failures))
        print(f"{self.passed} passed, {self.failed} failed" + (f", {self.skipped} skipped" if self.skipped else ""))
        sys.stdout.flush()
        return 1 if self.failed or not self.passed else 0


def from_gtest(report, returncode, text):
    """The outcome of a program that may be a GoogleTest program: its JSON report, else its exit code."""
    try:
        with open(report, encoding="utf-8") as file:
            suites = json.load(file)["testsuites"]
    except (OSError, ValueError, KeyError):
        return from_exit(returncode, text)
    outcome = Outcome(text=text)
    for case in (case for suite in suites for case in suite["testsuite"]):
        if case.get("failures"):
            outcome.failed += 1
        elif case.get("result") == "SKIPPED" or case.get("status") == "NOTRUN":
            outcome.skipped += 1
            outcome.reasons += [case["reason"]] if case.get("reason") else []
        else:
            outcome.passed += 1
    if returncode != 0 and not outcome.failed:  # it broke outside of a case, e.g. at exit
        outcome.failed += 1
        outcome.text += f"\nall cases passed, and yet the program ended with {returncode}"
    return outcome


def from_exit(returncode, text):
    if returncode == 0:
        return Outcome(passed=1, text=text)
    if returncode == 77:
        outcome = Outcome(skipped=1, text=text)
        outcome.reasons = text.strip().splitlines()[-1:]
        return outcome
    return Outcome(failed=1, text=f"{text}\nended with {returncode}")
