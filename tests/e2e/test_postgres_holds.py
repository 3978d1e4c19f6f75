#!/usr/bin/env python3
"""PostgreSQL's statements that a limit stops or a reviewer decides on, with psql and a real server."""

import threading
import time

import lab
import reviewer
from labkit.processes import wait_until
from postgres_lab import PostgresLab

SLEEP = "select pg_sleep({}), 'update accounts'"  # held by its text


def policy(limits="[]", timeout="5m"):
    return f"""\
services:
  - name: shop
    address: 10.77.0.2:5432
    protocol: postgres
    mode: enforce
    record: {{class: routine, durability: group}}
    rules: [local/update]
    limits: {limits}
    hold: {{timeout: {timeout}}}
  - name: orders
    address: 10.77.0.2:8080
    protocol: http
    mode: enforce
    record: {{class: routine, durability: group}}
rules:
  - {{name: update, match: 'update accounts', ignore_case: true, where: [request], action: hold}}
retention: {{routine: 90d}}
"""


class Psql(threading.Thread):
    """One psql, while others look."""

    def __init__(self, test, *statements, before=()):
        super().__init__(daemon=True)
        self.test = test
        self.command = [*before, "psql", "-X", "-A", "-t", "-h", test.lab.server_address, "-U", "ann", "-d", "shop",
                        "-v", "VERBOSITY=verbose"]
        for statement in statements:
            self.command += ["-c", statement]
        self.done = None
        self.start()

    def run(self):
        self.done = self.test.lab.in_client(*self.command)

    def result(self):
        self.join(60)
        self.test.assertIsNotNone(self.done, "psql does not end")
        return self.done


class PostgresHolds(reviewer.Reviewer, PostgresLab):
    policy = policy()

    def setUp(self):
        self.mark = self.id().rsplit(".", 1)[1].replace("test_", "").replace("_", "-")[:50]
        self.postgres.direct("drop table if exists accounts; create table accounts (id int, balance int);"
                             "insert into accounts values (1, 10), (2, 20)", "-d", "shop")
        self.use("[]")

    def use(self, limits, timeout="5m"):
        self.lab.write_policy(policy(limits, timeout))
        self.lab.appliance.push(self.lab.policy)

    def update(self, what="balance = 0"):
        return f"update accounts set {what} /* {self.mark} */"

    def served(self, text=None):
        """Statements in the server's own log."""
        return sum((text or self.mark) in line for line in self.postgres.log().splitlines() if "statement:" in line)

    def balances(self):
        return self.postgres.direct("select sum(balance) from accounts", "-d", "shop", "-A", "-t").stdout.strip()

    def test_an_approved_update_goes_on(self):
        psql = Psql(self, self.update())
        hold = self.wait_for_hold()
        self.assertEqual((hold["service"], hold["principal"], hold["cause"]), ("shop", "ann", "rule"))
        self.assertIn(self.update(), self.lab.appliance.cli("holds", "show", hold["id"]).stdout)
        time.sleep(1)
        self.assertEqual((self.served(), self.balances()), (0, "30"))
        self.decide("approve", hold, "--reason", "looked at it")
        done = psql.result()
        self.assertEqual(done.stdout, "UPDATE 2\n")
        self.assertIn(f"this waits for a decision: hold {hold['id']}", done.stderr)
        self.assert_state(hold, "passed")
        self.assertEqual((self.served(), self.balances()), (1, "0"))

    def test_a_rejected_update_fails_its_transaction_and_the_session_lives_on(self):
        psql = Psql(self, "begin", self.update(), "select 1", "rollback", "select 42")
        hold = self.wait_for_hold()
        self.decide("reject", hold, "--reason", "who owns this?")
        done = psql.result()
        self.assertIn("42501: refused by the gateway: a reviewer rejected this", done.stderr)
        self.assertIn(f"hold {hold['id']}, decided by root: who owns this?", done.stderr)
        self.assertIn("current transaction is aborted", done.stderr)
        self.assertIn("42", done.stdout)
        self.assert_state(hold, "denied")
        self.assertEqual((self.served(), self.balances()), (0, "30"))

    def test_an_interrupt_gives_it_up(self):
        psql = Psql(self, self.update(), "select 42", before=("timeout", "-s", "INT", "4"))
        hold = self.wait_for_hold()
        done = psql.result()
        self.assertIn("57014: refused by the gateway", done.stderr)
        self.assert_state(hold, "abandoned")
        self.assertEqual((self.served(), self.balances()), (0, "30"))

    def test_a_client_that_goes_away_ends_its_hold(self):
        psql = Psql(self, self.update(), before=("timeout", "-s", "KILL", "4"))
        hold = self.wait_for_hold()
        psql.result()
        self.assert_state(hold, "abandoned")
        self.assertEqual((self.served(), self.balances()), (0, "30"))

    def test_the_servers_statement_timeout_counts_from_its_release(self):
        psql = Psql(self, "set statement_timeout = '1s'", SLEEP.format(0), SLEEP.format(5))
        first = self.wait_for_hold()
        time.sleep(1.5)
        self.decide("approve", first)
        second = self.wait_for_hold({first["id"]})
        self.decide("approve", second)
        done = psql.result()
        self.assertIn("|update accounts", done.stdout)
        self.assertEqual(done.stderr.count("canceling statement due to statement timeout"), 1)

    def test_a_server_that_goes_away_ends_hold_and_session(self):
        psql = Psql(self, self.update())
        hold = self.wait_for_hold()
        self.postgres.direct("select pg_terminate_backend(pid) from pg_stat_activity where usename = 'ann'")
        self.assertIn("terminating connection", psql.result().stderr)
        self.assert_state(hold, "server_gone")

    def test_a_runaway_is_denied_beyond_its_limit(self):
        self.use("[{per: principal, rate: 5/h, burst: 5, then: deny, name: %s}]" % self.mark)
        done = Psql(self, *[f"select {n} /* {self.mark} */" for n in range(8)]).result()
        self.assertEqual(done.stdout.split(), ["0", "1", "2", "3", "4"])
        self.assertEqual(done.stderr.count("53400: refused by the gateway"), 3, done.stderr)
        self.assertIn(f"limit shop/{self.mark}", done.stderr)
        self.assertEqual(self.served(), 5)

    def test_throttled_statements_come_as_fast_as_the_limit_says(self):
        self.use("[{per: principal, rate: 5/s, burst: 1, then: throttle, name: %s}]" % self.mark)
        began = time.monotonic()
        done = Psql(self, *[f"select {n} /* {self.mark} */" for n in range(6)]).result()
        self.assertGreaterEqual(time.monotonic() - began, 0.99)
        self.assertEqual(done.stdout.split(), ["0", "1", "2", "3", "4", "5"])
        self.assertEqual(self.served(), 6)

    def test_a_limit_holds_and_a_pause_does(self):
        self.use("[{per: principal, rate: 1/h, burst: 1, then: hold, name: %s}]" % self.mark)
        psql = Psql(self, "select 1", f"select 2 /* {self.mark} */")
        hold = self.wait_for_hold()
        self.assertEqual((hold["cause"], self.served()), ("limit", 0))
        self.decide("approve", hold)
        self.assertEqual(psql.result().stdout.split(), ["1", "2"])
        self.use("[]")
        self.addCleanup(self.take_back_orders)
        paused = self.lab.appliance.cli("pause", "--principal", "ann", "--reason", "a look")
        self.assertEqual(paused.returncode, 0, paused.stderr)
        psql = Psql(self, f"select 3 /* {self.mark} */")
        self.assertEqual(self.wait_for_hold()["cause"], "order")
        self.assertEqual(self.lab.appliance.cli("resume", "--principal", "ann").returncode, 0)
        self.assertEqual(psql.result().stdout.split(), ["3"])

    def test_an_execute_shows_the_statement_that_it_runs(self):
        self.use("[{per: principal, rate: 1/h, burst: 1, then: hold, name: %s}]" % self.mark)
        script = f"/tmp/{self.lab.name}-{self.mark}.sql"
        with open(script, "w", encoding="utf-8") as file:
            file.write("\\set n 7\nselect balance from accounts where id = :n;\n")
        found = []
        bench = threading.Thread(target=lambda: found.append(self.lab.in_client(
            "pgbench", "-n", "-M", "prepared", "-c", "1", "-t", "2", "-f", script, "-h", self.lab.server_address,
            "-U", "ann", "shop")))
        bench.start()
        hold = self.wait_for_hold()
        shown = self.lab.appliance.cli("holds", "show", hold["id"]).stdout
        decided = set()
        while bench.is_alive():  # the server keeps its locks until it goes on
            for hold in self.holds():
                if hold["id"] not in decided:
                    self.decide("approve", hold)
                    decided.add(hold["id"])
            time.sleep(0.05)
        self.assertIn("select balance from accounts where id = $1", shown)
        self.assertIn("7", shown)
        self.assertIn("actually processed: 2/2", found[0].stdout)


if __name__ == "__main__":
    lab.main()
