#!/usr/bin/env python3
"""How the runner of tests counts: what is skipped is told as skipped, and why."""

import contextlib
import io
import json
import os
import sys
import tempfile
import unittest

_ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
sys.path[:0] = [os.path.join(_ROOT, "tools", "testing"), os.path.join(_ROOT, "tests", "support")]

import programs  # noqa: E402
import results  # noqa: E402
import unittest_report  # noqa: E402

SKIPPED_AS_A_WHOLE = """
import sys, unittest
sys.path[:0] = [{support!r}]
import unittest_report

class Test(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        raise unittest.SkipTest("the mirror is out of reach")
    def test_one(self):
        pass

unittest_report.main()
"""


class TestingTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def told(self, *command):
        """What the runner prints of one program, and its last line."""
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            tally = results.Tally(os.path.join(self.folder, "logs"))
            programs.run_test(tally, "unit/one", list(command), 30)
            tally.finish()
        return out.getvalue()

    def python(self, text):
        return self.told(sys.executable, "-c", text)

    def test_a_class_that_is_skipped_is_no_failure_and_no_success(self):
        told = self.python(SKIPPED_AS_A_WHOLE.format(support=os.path.join(_ROOT, "tests", "support")))
        self.assertTrue(told.startswith("skip  unit/one"), told)
        self.assertIn("      skipped: the mirror is out of reach\n", told)
        self.assertTrue(told.endswith("0 passed, 0 failed, 1 skipped\n"), told)

    def test_a_program_may_say_that_it_is_skipped(self):
        told = self.python("print('only root can run this'); raise SystemExit(77)")
        self.assertIn("      skipped: only root can run this\n", told)
        self.assertIn("0 passed, 0 failed, 1 skipped", told)

    def test_a_report_without_reasons(self):
        report = os.path.join(self.folder, "report.json")
        with open(report, "w", encoding="utf-8") as file:
            json.dump({"testsuites": [{"testsuite": [{"name": "a", "result": "COMPLETED"}, {"name": "b", "result": "SKIPPED"}]}]}, file)
        outcome = results.from_gtest(report, 0, "")
        self.assertEqual((outcome.passed, outcome.failed, outcome.skipped, outcome.reasons), (1, 0, 1, []))

    def test_a_program_that_breaks_is_a_failure(self):
        self.assertIn("0 passed, 1 failed", self.python("raise SystemExit(3)"))


if __name__ == "__main__":
    unittest_report.main()
