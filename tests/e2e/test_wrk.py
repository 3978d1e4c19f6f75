#!/usr/bin/env python3
"""64 connections at full speed: no error, and every request is on the record exactly once."""

import re

import archive
import lab
from labkit import nginx

SECONDS = 30 if lab.BIG else 5


class FullSpeed(lab.LabTest):
    def test_no_error_and_every_request_recorded_once(self):
        served_before = len(nginx.access_log(self.lab.nginx_folder()))
        recorded_before = sum(session["requests"] for session in self.sessions())
        done = self.lab.in_client("wrk", "-t", "1", "-c", "64", "-d", f"{SECONDS}s", self.lab.url("/1k"))
        print(done.stdout)
        self.assertNotIn("Socket errors", done.stdout)
        self.assertNotIn("Non-2xx", done.stdout)
        answered = int(re.search(r"(\d+) requests in", done.stdout).group(1))
        self.assertGreater(answered, 1000)

        # wrk stops by closing its connections in the middle of requests: what nginx logged is on the record, and
        # what is on the record beyond that is at most the one request that each connection had under way.
        def recorded():
            return sum(session["requests"] for session in self.sessions()) - recorded_before

        def served():
            return len(nginx.access_log(self.lab.nginx_folder())) - served_before

        self.assertTrue(lab.wait_until(lambda: all(session["closed"] for session in self.sessions()), 20, 0.2))
        self.assertTrue(lab.wait_until(lambda: served() <= recorded() <= served() + 64, 20, 0.5),
                        f"{served()} requests served, {recorded()} recorded")
        self.assertGreaterEqual(recorded(), answered)
        self.assertLessEqual(recorded(), answered + 64)
        self.assert_each_unit_once()

    def assert_each_unit_once(self):
        """Unit numbers of a session run from 0 without holes or repetitions, each with both its messages."""
        for session in self.sessions(8):
            shown = self.session(session["id"])
            numbers = [unit["unit"] for unit in shown["units"]]
            self.assertEqual(numbers, list(range(min(session["requests"], 1000))))
            self.assertTrue(all(unit["request"]["complete"] for unit in shown["units"]))
        for numbers in archive.records(self.lab.appliance.archive).values():
            self.assertEqual(len(numbers), max(numbers), "record numbers run from 1 without holes")


if __name__ == "__main__":
    lab.main()
