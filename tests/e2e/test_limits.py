#!/usr/bin/env python3
"""Limits, with curl: what is over is answered 429 and not one of it is in the server's log; what is observed passes."""

import re
import time

import lab
from labkit import nginx
from labkit.processes import wait_until


def policy(limits, mode="enforce"):
    return lab.POLICY.replace("    mode: enforce\n", f"    mode: {mode}\n", 1).replace(
        "    rules: [pii/*]\n", f"    rules: [pii/*]\n    limits:\n{limits}", 1)


class Limits(lab.LabTest):
    def push(self, limits, mode="enforce"):
        self.lab.write_policy(policy(limits, mode))
        self.lab.appliance.push(self.lab.policy)

    def curl(self, *arguments):
        """One request with curl: (status, headers)."""
        run = self.lab.curl("/1k", "-o", "/dev/null", "-D", "-", *arguments)
        return int(run.stdout.split()[1]), run.stdout

    def limit(self, name):
        return self.counters()["limits"].get(name, {})

    def served(self):
        """Requests in the server's own log."""
        return len(nginx.access_log(self.lab.nginx_folder()))

    def assert_counts(self, name, **expected):
        wait_until(lambda: all(self.limit(name).get(k) == v for k, v in expected.items()), 5, 0.1)
        got = self.limit(name)
        self.assertEqual({k: got.get(k) for k in expected}, expected)

    def test_what_is_over_is_denied_and_never_reaches_the_server(self):
        self.push("      - {per: principal, rate: 5/h, then: deny, name: few}\n")
        before = self.served()
        known = {session["id"] for session in self.sessions()}
        answers = [self.curl() for _ in range(12)]
        self.assertEqual([status for status, _ in answers], [200] * 5 + [429] * 7)
        for _, head in answers[5:]:
            seconds = int(re.search(r"^Retry-After: (\d+)\r?$", head, re.M).group(1))
            self.assertTrue(700 <= seconds <= 720, head)
        self.assertEqual(self.served() - before, 5)
        self.assert_counts("orders/few", passed=5, denied=7, throttled=0, observed=0)
        denied = self.wait_for_sessions(7, of=lambda session: session["denied"] and session["id"] not in known)
        unit = self.session(denied[0]["id"])["units"][0]
        self.assertEqual((unit["request"]["verdict"], unit["request"]["limit"]), ("deny", "orders/few"))

    def test_observed_it_passes_and_is_counted(self):
        for mode, then, name in (("enforce", "observe", "seen"), ("observe", "deny", "would")):
            self.push(f"      - {{per: principal, rate: 5/h, then: {then}, name: {name}}}\n", mode)
            before = self.served()
            self.assertEqual([self.curl()[0] for _ in range(8)], [200] * 8)
            self.assertEqual(self.served() - before, 8)
            self.assert_counts(f"orders/{name}", passed=5, denied=0, throttled=0, observed=3)

    def test_throttled_it_comes_as_fast_as_the_limit_says(self):
        self.push("      - {per: principal, rate: 10/s, burst: 1, then: throttle, name: slow}\n")
        before = self.served()
        began = time.monotonic()
        self.assertEqual([self.curl()[0] for _ in range(11)], [200] * 11)
        self.assertGreaterEqual(time.monotonic() - began, 0.99)
        self.assertEqual(self.served() - before, 11)
        self.assert_counts("orders/slow", passed=11, denied=0, observed=0)
        self.assertGreater(self.limit("orders/slow")["throttled"], 0)

    def test_bytes_come_as_fast_as_the_limit_says(self):
        self.push("      - {per: service, of: bytes, rate: 200KiB/s, burst: 50KiB, then: throttle, name: narrow}\n")
        began = time.monotonic()
        for _ in range(4):
            self.assertEqual(self.get("/64k").status, 200)
        self.assertGreaterEqual(time.monotonic() - began, (4 * 64 - 50) / 200)


if __name__ == "__main__":
    lab.main()
