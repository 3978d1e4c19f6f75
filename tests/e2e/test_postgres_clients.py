#!/usr/bin/env python3
"""Real clients of PostgreSQL do their everyday work through the appliance, and read what they read beside it."""

import difflib
import os
import shutil
import tempfile

import lab
from labkit import namespaces
from postgres_lab import CARD, HERE, STARRED, PostgresLab

PEERS = os.path.join(HERE, "peers")
TYPES = os.path.join(PEERS, "postgres_types.txt")
JDBC = "/usr/share/java/postgresql.jar"
NODE_PATH = "/usr/share/nodejs:/usr/local/lib/sluice-lab/node_modules"
PYTHON = "/usr/bin/python3"  # Debian's, which has Debian's modules


class ClientsTest(PostgresLab):
    @classmethod
    def raise_lab(cls):
        super().raise_lab()
        cls.postgres.direct("create table customers (id int primary key, name text)", "-d", "shop")
        cls.classes = tempfile.mkdtemp(prefix="sluice-jdbc")
        cls.addClassCleanup(shutil.rmtree, cls.classes, ignore_errors=True)
        namespaces.run("ecj", "-17", "-nowarn", "-proc:none", "-cp", JDBC, "-d", cls.classes, os.path.join(PEERS, "JdbcPeer.java"))

    def peer(self, name, what, *more):
        where = (what, self.lab.server_address, "shop", TYPES, *more)
        if name == "JdbcPeer":
            return ("java", "-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Duser.timezone=UTC", "-cp",
                    f"{JDBC}:{self.classes}", name, *where)
        if name == "node_pg_peer":
            return ("env", "NODE_PATH=" + NODE_PATH, "TZ=UTC", "node", os.path.join(PEERS, name + ".js"), *where)
        return ("env", "TZ=UTC", "PYTHONIOENCODING=utf-8", PYTHON, os.path.join(PEERS, name + ".py"), *where)

    def assert_same_work(self, name, *more, least):
        """All that a client says is the same, but for the card numbers that it gets to see."""
        through, beside = self.both(*self.peer(name, "work", *more))
        self.assertEqual(beside.stderr, "")
        self.assertEqual(beside.stdout.splitlines()[-1], "done", beside.stdout[-2000:])
        self.assertGreaterEqual(len(beside.stdout.splitlines()), least)
        self.assertIn(CARD, beside.stdout)
        self.assertEqual(through.stderr, "", through.stdout[-500:])
        self.assert_equal_lines(through.stdout, beside.stdout.replace(CARD, STARRED))
        self.assertEqual(through.returncode, 0)
        self.assert_nowhere_on_disk([CARD])

    def assert_equal_lines(self, got, wanted):
        if got != wanted:
            self.fail("\n".join(line[:500] for line in difflib.unified_diff(
                wanted.splitlines(), got.splitlines(), "beside", "through", n=1, lineterm="")))

    def assert_denied(self, name, *more, denials):
        done = self.through(*self.peer(name, "denied", *more))
        self.assertEqual(done.stderr, "")
        self.assertEqual(done.stdout.splitlines()[-1], "done", done.stdout)
        self.assertEqual(done.stdout.count("42501"), denials, done.stdout)
        self.assertIn("refused by the gateway: a rule denies this", done.stdout)
        self.assertIn("25P02", done.stdout, "the transaction failed as one does by an error of the server")
        for text in ("goes on", "and on"):
            self.assertIn(text, done.stdout)
        self.assertEqual(self.direct("select count(*) from pg_class where relname = 'customers'"), "1")

    def test_psycopg2(self):
        self.assert_same_work("psycopg2_peer", least=150)
        self.assert_denied("psycopg2_peer", denials=2)

    def test_asyncpg(self):
        self.assert_same_work("asyncpg_peer", least=180)
        self.assert_denied("asyncpg_peer", denials=3)

    def test_jdbc_extended(self):
        self.assert_same_work("JdbcPeer", "extended", least=280)
        self.assert_denied("JdbcPeer", "extended", denials=3)

    def test_jdbc_simple(self):
        self.assert_same_work("JdbcPeer", "simple", least=280)
        self.assert_denied("JdbcPeer", "simple", denials=3)

    def test_node_postgres(self):
        self.assert_same_work("node_pg_peer", least=280)
        self.assert_denied("node_pg_peer", denials=3)


if __name__ == "__main__":
    lab.main()
