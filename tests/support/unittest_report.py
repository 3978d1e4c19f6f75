"""main() of Python tests: unittest, with the cases told to the runner in GoogleTest's JSON."""

import json
import os
import sys
import unittest


class _Result(unittest.TextTestResult):
    def __init__(self, *arguments, **named):
        super().__init__(*arguments, **named)
        self.cases = {}

    def startTest(self, test):
        self.cases[test.id()] = {"name": test.id(), "result": "COMPLETED"}
        super().startTest(test)

    def addFailure(self, test, err):
        self._failed(test)
        super().addFailure(test, err)

    def addError(self, test, err):
        self._failed(test)
        super().addError(test, err)

    def addSubTest(self, test, subtest, err):
        if err is not None:
            self._failed(test)
        super().addSubTest(test, subtest, err)

    def addSkip(self, test, reason):
        self.cases.setdefault(test.id(), {"name": test.id()}).update(result="SKIPPED", reason=reason)
        super().addSkip(test, reason)

    def _failed(self, test):
        self.cases.setdefault(test.id(), {"name": test.id()})["failures"] = [{"failure": "see the output"}]


def main():
    suite = unittest.defaultTestLoader.loadTestsFromModule(sys.modules["__main__"])
    if len(sys.argv) > 1:
        suite = unittest.TestSuite(test for test in _flat(suite) if any(part in test.id() for part in sys.argv[1:]))
    result = unittest.TextTestRunner(stream=sys.stdout, verbosity=2, resultclass=_Result).run(suite)
    if "SLUICE_TEST_REPORT" in os.environ:
        with open(os.environ["SLUICE_TEST_REPORT"], "w", encoding="utf-8") as file:
            json.dump({"testsuites": [{"testsuite": list(result.cases.values())}]}, file)
    sys.exit(0 if result.wasSuccessful() and (result.testsRun or result.skipped) else 1)


def _flat(suite):
    for test in suite:
        if isinstance(test, unittest.TestSuite):
            yield from _flat(test)
        else:
            yield test
