#!/usr/bin/env python3
"""Scores of PostgreSQL's statements, with psql, pgbench and a real server."""

import os
import re
import shutil
import tempfile
import threading

import lab
import reviewer
from labkit.processes import wait_until
from postgres_lab import PostgresLab

LINES = "{above: 30, then: observe}, {above: 60, then: hold}, {above: 200, then: deny}"
ERRORS = "errors: {above: 5, percent: 50, score: 300}"


def policy(lines=LINES, behaviour="", mode="enforce"):
    return f"""\
services:
  - name: shop
    address: 10.77.0.2:5432
    protocol: postgres
    mode: {mode}
    record: {{class: routine, durability: group}}
    rules: [local/*]
    risk: {{lines: [{lines}], behaviour: {{interval: 1m, {behaviour}}}}}
  - name: orders
    address: 10.77.0.2:8080
    protocol: http
    mode: enforce
    record: {{class: routine, durability: group}}
rules:
  - {{name: salaries, sql: {{tables: salaries}}, score: 40}}
  - {{name: everybody, sql: {{kinds: [update, delete], where: absent}}, score: 30}}
  - {{name: boss, match: 'the boss', where: [request], score: 25}}
  - {{name: gone, sql: {{kinds: drop}}, score: 500}}
retention: {{routine: 90d}}
"""


class PostgresRisk(reviewer.Reviewer, PostgresLab):
    policy = policy()

    def setUp(self):
        self.direct("drop table if exists salaries; create table salaries (who text, amount int);"
                    "insert into salaries values ('ann', 10), ('the boss', 90)")
        self.use()

    def use(self, *arguments):
        self.lab.write_policy(policy(*arguments))
        self.lab.appliance.push(self.lab.policy)

    def psql(self, *statements):
        return self.through("psql", "-X", "-A", "-t", *self.at(), "-v", "VERBOSITY=verbose",
                            *(part for sql in statements for part in ("-c", sql)))

    def beginning(self, run, *arguments):
        """Goes on while others look; what it came to is in the list."""
        out = []
        thread = threading.Thread(target=lambda: out.append(run(*arguments)), daemon=True)
        thread.start()
        return thread, out

    def counts(self, line):
        return self.counters()["limits"].get(f"shop/risk:{line}", {})

    def units(self, known=None, session_id=None):
        """What was asked in a session: this one, or the one that is new."""
        session = self.wait_for_sessions(
            1, of=lambda one: one["id"] == session_id if session_id else one["id"] not in known)[0]
        return [unit["request"] for unit in self.whole_session(session["id"])["units"]]

    def known(self):
        return {one["id"] for one in self.sessions()}

    def salaries(self):
        return self.direct("select sum(amount) from salaries")

    def test_a_statement_above_the_line_waits_and_is_shown_with_its_parts(self):
        self.use(LINES.replace("60", "65"))  # a line that no other test has counted for
        known = self.known()
        thread, out = self.beginning(self.psql, "select 1", "UPDATE \"salaries\" SET amount = 0")
        hold = self.wait_for_hold()
        self.assertEqual((hold["cause"], hold["score"], hold["principal"]), ("score", 70, "ann"))
        shown = self.lab.appliance.cli("holds", "show", hold["id"]).stdout
        self.assertIn("score/70, above 65: local/salaries 40, local/everybody 30\n", shown)
        self.assertEqual(self.salaries(), "100")
        self.decide("approve", hold, "--reason", "a new year")
        thread.join(60)
        self.assertEqual(out[0].stdout, "1\nUPDATE 2\n")
        self.assertEqual(self.salaries(), "0")
        told = [unit for unit in self.units(known) if "score" in unit]
        self.assertEqual([unit["score"] for unit in told],
                         [{"total": 70, "above": 65, "parts": {"local/salaries": 40, "local/everybody": 30}}])
        self.assertEqual((told[0]["held"]["cause"], told[0]["held"]["passed"]), ("score/70", True))
        self.assertTrue(wait_until(lambda: self.counts(65).get("held", 0) == 1, 5, 0.1), self.counts(65))
        self.assertIn("shop/risk:65", self.lab.appliance.cli("status").stdout)

    def test_above_the_highest_line_it_is_denied_and_the_session_lives_on(self):
        known = self.known()
        done = self.psql("select 1", "drop table salaries", "select amount from salaries where who = 'ann'")
        self.assertEqual(done.stdout, "1\n10\n")
        self.assertIn("42501: refused by the gateway: the score of this is above what the policy lets pass", done.stderr)
        self.assertIn("DETAIL:  line shop/risk:200", done.stderr)
        self.assertIn("HINT:  The record of this session says what its score came from.", done.stderr)
        denied = [unit for unit in self.units(known) if unit["verdict"] == "deny"]
        self.assertEqual([(unit["error"], unit["score"]["total"]) for unit in denied], [("score_denied", 540)])
        self.assertEqual(self.salaries(), "100")

    def test_a_prepared_statement_counts_with_the_values_of_each_run(self):
        folder = tempfile.mkdtemp(prefix="sluice-risk")
        self.addCleanup(shutil.rmtree, folder, ignore_errors=True)
        script = os.path.join(folder, "run.sql")
        with open(script, "w", encoding="utf-8") as out:
            out.write("select amount from salaries where who = :who;\n")

        def run(who):
            return self.through("pgbench", "-n", "-M", "prepared", "-t", "3", "-D", f"who={who}", "-f", script,
                                *self.at()[:-2], "shop")

        done = run("ann")
        self.assertRegex(done.stdout, r"processed: 3/3", done.stderr)
        thread, out = self.beginning(run, "the boss")
        hold = self.wait_for_hold()
        self.assertEqual(hold["score"], 65)
        self.assertEqual(hold["cause_name"], "above 60: local/salaries 40, local/boss 25")
        shown = self.lab.appliance.cli("holds", "show", hold["id"]).stdout
        self.assertRegex(shown, re.compile(r"select amount from salaries where who = \$1.*the boss", re.DOTALL))
        self.decide("reject", hold, "--reason", "none of your business")
        thread.join(60)
        self.assertIn("a reviewer rejected this", out[0].stderr)
        heads = [(unit["head"]["text"].split()[0], unit["score"]["total"])
                 for unit in self.units(session_id=hold["session"]) if "score" in unit]
        self.assertEqual(heads[:2], [("PARSE", 40), ("BIND", 65)])

    def test_who_fails_again_and_again_is_denied(self):
        self.use(LINES, ERRORS)
        done = self.psql(*["select nothing"] * 6, "select 42")
        self.assertEqual(done.stderr.count("42703: "), 6, done.stderr)
        self.assertIn("DETAIL:  line shop/risk:200", done.stderr)
        self.assertEqual(done.stdout, "")

    def test_observed_it_passes_and_the_record_says_what_would_have_been(self):
        self.use(LINES, "", "observe")
        known = self.known()
        self.assertEqual(self.psql("update salaries set amount = 1").stdout, "UPDATE 2\n")
        told = [unit for unit in self.units(known) if "score" in unit]
        self.assertEqual([(unit["verdict"], unit["observed"], unit["score"]["total"]) for unit in told],
                         [("hold", True, 70)])


if __name__ == "__main__":
    lab.main()
