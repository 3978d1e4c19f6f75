#!/usr/bin/env python3
"""PostgreSQL through the appliance: real clients and a real server, which notice nothing but what policy does."""

import os
import shutil
import tempfile

import lab
from labkit import namespaces
from postgres_lab import CARD, STARRED, PostgresLab

POLICY = """\
services:
  - name: shop
    address: 10.77.0.2:5432
    protocol: postgres
    mode: enforce
    record: {class: routine, durability: group}
    rules: [pii/card, local/drop]
  - name: orders
    address: 10.77.0.2:8080
    protocol: http
    mode: enforce
    record: {class: routine, durability: group}
rules:
  - name: drop
    match: 'drop table customers'
    ignore_case: true
    where: [request]
    action: deny
retention: {routine: 90d}
"""

TABLES = """
create table customers (id int primary key, name text, card text, born date, data bytea, tags text[]);
insert into customers select i, 'name ' || i, null, date '1970-01-01' + i, decode(md5(i::text), 'hex'),
  array['a', 'b' || i] from generate_series(1, 2000) i;
"""


class PostgresTest(PostgresLab):
    policy = POLICY

    @classmethod
    def raise_lab(cls):
        super().raise_lab()
        cls.postgres.direct(TABLES, "-d", "shop")

    def psql(self, sql, *options, database="shop"):
        return self.lab.in_client("psql", "-X", "-h", self.lab.server_address, "-U", "ann", "-d", database, *options, "-c", sql)

    def outputs(self, sql):
        """What psql says through the appliance and beside it."""
        direct = namespaces.run("psql", "-X", "-h", self.postgres.folder, "-U", "ann", "-d", "shop", "-c", sql, check=False)
        through = self.psql(sql)
        return through.stdout + through.stderr, direct.stdout + direct.stderr

    def test_psql_notices_nothing(self):
        for sql in ("select 1", "select * from customers order by id limit 50", "\\d customers", "\\dt+",
                    "select * from nowhere", "begin; select 1/0; rollback", "copy (select 1, 'x') to stdout",
                    "select repeat('x', 1000000)", "explain select * from customers where id = 7",
                    "do $$ begin raise notice 'hello'; end $$", "values (null), (''), ('x')"):
            through, direct = self.outputs(sql)
            self.assertEqual(through, direct, sql)

    def test_cards_are_masked_in_rows_copies_and_errors(self):
        self.psql(f"insert into customers (id, name, card) values (9001, 'jane', '{CARD}')")
        stored = self.postgres.direct("select card from customers where id = 9001", "-d", "shop", "-A", "-t").stdout.strip()
        self.assertEqual(stored, CARD, "pii/card hides nothing from the server")
        self.assertIn(STARRED, self.psql("select card from customers where id = 9001").stdout)
        self.assertIn(STARRED, self.psql("copy (select card from customers where id = 9001) to stdout").stdout)
        failed = self.psql("select ('no ' || card)::int from customers where id = 9001")
        self.assertIn(f'invalid input syntax for type integer: "no {STARRED}"', failed.stderr)
        self.assert_nowhere_on_disk([CARD])

    def test_a_denied_statement_fails_natively_and_the_session_lives_on(self):
        done = self.psql("select 42 as answer", "-c", "drop table customers")
        self.assertIn("refused by the gateway: a rule denies this", done.stderr)
        self.assertIn("42", done.stdout)
        self.assertIn("42501", self.psql("drop table customers", "-v", "VERBOSITY=verbose").stderr)
        self.assertNotIn("drop table customers", self.postgres.log())
        inside = self.psql("select 43", "-c", "begin", "-c", "drop table customers", "-c", "select 1", "-c", "rollback")
        self.assertIn("current transaction is aborted", inside.stderr)
        self.assertIn("43", inside.stdout)

    def test_pgbench_in_every_mode(self):
        at = ("-h", self.lab.server_address, "-U", "ann")
        done = self.lab.in_client("pgbench", "-i", "-q", "-s", "1", *at, "shop")
        self.assertEqual(done.returncode, 0, done.stderr)
        for mode in ("simple", "extended", "prepared"):
            done = self.lab.in_client("pgbench", "-n", "-M", mode, "-c", "4", "-t", "100", *at, "shop")
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertIn("number of failed transactions: 0", done.stdout)
            self.assertIn("actually processed: 400/400", done.stdout)

    def test_a_dump_through_the_appliance_is_the_dump_beside_it(self):
        folder = tempfile.mkdtemp(prefix="sluice-dump")
        self.addCleanup(shutil.rmtree, folder, ignore_errors=True)
        direct, through, again = (os.path.join(folder, name) for name in ("direct", "through", "again"))
        namespaces.run("pg_dump", "-h", self.postgres.folder, "-U", "ann", "-t", "customers", "-f", direct, "shop")
        done = self.lab.in_client("pg_dump", "-h", self.lab.server_address, "-U", "ann", "-t", "customers", "-f", through, "shop")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(self.dump(direct).replace(CARD, STARRED), self.dump(through))
        self.postgres.direct("create database copy owner ann")
        done = self.psql("select 1", "-q", "-1", "-f", through, database="copy")
        self.assertEqual(done.stderr, "")
        namespaces.run("pg_dump", "-h", self.postgres.folder, "-U", "ann", "-t", "customers", "-f", again, "copy")
        self.assertEqual(self.dump(again), self.dump(through))

    @staticmethod
    def dump(name):
        """Without the key that each dump makes up for itself."""
        with open(name, encoding="utf-8") as file:
            return "".join(line for line in file if not line.startswith(("\\restrict", "\\unrestrict")))

    def test_a_query_is_cancelled(self):
        done = self.lab.in_client("timeout", "-s", "INT", "1", "psql", "-X", "-h", self.lab.server_address, "-U", "ann",
                                  "-d", "shop", "-c", "select pg_sleep(30)")
        self.assertIn("canceling statement due to user request", done.stderr)

    def test_the_record_names_who_and_holds_what(self):
        self.psql("select 'something to find' as it")
        sessions = self.wait_for_sessions(1, of=lambda one: one["requests"] == 2 and self.said(one, "something to find"))
        self.assertEqual(sessions[0]["principal"], "ann")
        self.assertEqual(sessions[0]["protocol"], "postgres")
        shown = self.lab.appliance.cli("sessions", "show", sessions[0]["id"]).stdout
        self.assertIn("    QUERY\n    select 'something to find' as it\n", shown)
        self.assertRegex(shown, r"    ROWS\n    it\n    something to find\n    SELECT 1  [0-9.]+ (?:m|µ)?s\n")
        self.assertRegex(shown, r'    STARTUP [^\n]*"application_name"[^\n]*\n[^"]*    psql\n')
        self.assertNotIn("answered by Sluice", shown)

    def said(self, session, text):
        for unit in self.session(session["id"])["units"]:
            if text.encode() in self.recorded_body(session["id"], unit["unit"], "request"):
                return True
        return False


if __name__ == "__main__":
    lab.main()
