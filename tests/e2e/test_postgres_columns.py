#!/usr/bin/env python3
"""Columns by their names through the appliance: a real server's values of every type, hidden from psql (text) and asyncpg
(binary), which both go on reading; and cards in binary values, found."""

import csv
import io
import json
import os
import re

import lab
from labkit import namespaces
from labkit.processes import wait_until
from postgres_lab import CARD, PostgresLab

POLICY = """\
services:
  - name: shop
    address: 10.77.0.2:5432
    protocol: postgres
    mode: enforce
    record: {class: routine, durability: group}
    rules: [pii/card, local/hidden]
rules:
  - name: hidden
    columns: ["secret_*", {name: pay, type: numeric}]
    action: mask
retention: {routine: 90d}
"""

# Type, and a value that no hidden cell looks like.
VALUES = [
    ("bool", "true"), ("int2", "-12345"), ("int4", "1234567"), ("int8", "-123456789012"), ("oid", "778899"),
    ("float4", "1.5e-10"), ("float8", "-2.5e+300"), ("numeric", "-98765.4321"), ("numeric(12,2)", "7654321.98"), ("money", "7654.32"),
    ("text", "Müller, Anna"), ("varchar(20)", "Anna"), ("char(8)", "Anna"), ("name", "Anna"), ('"char"', "x"),
    ("json", '{"who": "Anna"}'), ("json", "987"), ("jsonb", '["Anna", 7]'), ("xml", "<who>Anna</who>"), ("bytea", "\\x4711deadbeef"),
    ("uuid", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"), ("inet", "192.168.77.7/24"), ("inet", "2001:db8::7"),
    ("inet", "2001:db8:7:7:7:7:7:7"), ("cidr", "192.168.77.0/24"), ("cidr", "2001:db8::/32"), ("macaddr", "08:00:2b:01:02:03"),
    ("macaddr8", "08:00:2b:01:02:03:04:05"), ("date", "1975-08-23"), ("date", "infinity"), ("time", "13:37:59.25"),
    ("timetz", "13:37:59+05:30"), ("timestamp", "1975-08-23 13:37:59.123"), ("timestamptz", "1975-08-23 13:37:59+00"),
    ("timestamp", "-infinity"), ("interval", "3 years 7 days 04:05:06"), ("bit(9)", "101010101"), ("varbit", "10101"),
    ("point", "(7,8)"), ("box", "((7,8),(5,6))"), ("circle", "<(7,8),9>"), ("pg_lsn", "16/B374D848"),
    ("int4[]", "{7,88,NULL}"), ("int8[]", "{{7,8},{9,10}}"), ("numeric[]", "{7.5}"), ("text[]", '{"a b",c,NULL}'),
    ("uuid[]", "{a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11}"), ("date[]", "{1975-08-23,1976-01-01}"), ("jsonb[]", '{"{\\"a\\": 7}"}'),
    ("bool[]", "{t,f}"), ("inet[]", "{10.7.7.7}"), ("bytea[]", '{"\\\\x4711"}'), ("int4[]", "{}"),
]


def column(index):
    return f"secret_{index}"


class PostgresColumnsTest(PostgresLab):
    policy = POLICY

    @classmethod
    def raise_lab(cls):
        super().raise_lab()
        columns = ", ".join(f"{column(i)} {type_name}" for i, (type_name, _) in enumerate(VALUES))
        quoted = ", ".join("'" + value.replace("'", "''") + "'" for _, value in VALUES)
        for sql in (f"create table vault (id int, {columns}, pay numeric, note text)",
                    f"insert into vault values (1, {quoted}, 4711.5, 'seen')",
                    "create table cards (id int, n int8, d numeric, j jsonb, t text[], i int8[])",
                    f"insert into cards values (1, {CARD}, {CARD}, '{{\"n\": {CARD}}}', array['x', '{CARD}' || repeat(' ', 33)],"
                    f" array[7, {CARD}])"):
            done = cls.postgres.direct(sql, "-d", "shop", "-v", "ON_ERROR_STOP=1")
            assert done.returncode == 0, done.stderr

    def psql(self, sql, *options):
        return self.lab.in_client("psql", "-X", "-h", self.lab.server_address, "-U", "ann", "-d", "shop", *options, "-c", sql)

    def rows(self, sql):
        done = self.psql(sql, "--csv", "-t")
        self.assertEqual(done.returncode, 0, done.stderr)
        return list(csv.reader(io.StringIO(done.stdout)))

    def told_beside(self, sql):
        return self.postgres.direct(sql, "-d", "shop", "-A", "-t", "-v", "ON_ERROR_STOP=1")

    def asyncpg(self, sql, bound=5):
        peer = os.path.join(os.path.dirname(os.path.abspath(__file__)), "peers", "asyncpg_columns_peer.py")
        done = self.lab.in_client("/usr/bin/python3", peer, self.lab.server_address, sql, str(bound))
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout)

    def test_hidden_cells_in_text_are_values_that_the_server_would_take(self):
        was = list(csv.reader(io.StringIO(namespaces.run(
            "psql", "-X", "-h", self.postgres.folder, "-U", "ann", "-d", "shop", "--csv", "-t", "-c", "select * from vault").stdout)))[0]
        [cells] = self.rows("select * from vault")
        self.assertEqual((cells[0], cells[-1]), ("1", "seen"))
        self.assertEqual(cells[-2], "000000")
        for index, (type_name, _) in enumerate(VALUES):
            hidden, before = cells[index + 1], was[index + 1]
            with self.subTest(type=type_name, hidden=hidden):
                self.assertEqual(len(hidden.encode()), len(before.encode()), "lengths stay")
                if before not in ("{}", "f"):
                    self.assertNotEqual(hidden, before)
                if not hidden.strip("*"):
                    continue  # a text, or a type whose clients take texts
                done = self.told_beside(f"select '{hidden}'::{re.sub(r'[(][0-9,]*[)]', '', type_name)}")
                self.assertEqual(done.returncode, 0, done.stderr)

    def test_hidden_cells_in_binary_are_read(self):
        found = self.asyncpg("select * from vault")
        self.assertEqual((found["id"], found["note"], found["pay"]), ("1", "'seen'", "Decimal('0')"))
        plain = {column(i): value for i, (_, value) in enumerate(VALUES)}
        for name, value in plain.items():
            if len(value) > 3:
                self.assertNotIn(value, found[name])
        self.assertEqual(found[column(3)], "0")
        self.assertEqual(found[column(10)], "'*************'")
        self.assertEqual(found[column(16)], "'\"*\"'")
        self.assertEqual(found[column(42)], "[0, 0, None]")
        self.assertEqual(found[column(45)], "['***', '*', None]")
        self.assert_nowhere_on_disk(["a0eebc99", "Müller", "98765.4321"])

    def test_other_names_hide_nothing_and_tables_hold(self):
        self.assertEqual(self.rows("select secret_3 as x, secret_3 as secret_y from vault"), [["-123456789012", "0" * 13]])
        done = self.psql("copy (select secret_3 from vault) to stdout")
        self.assertIn("-123456789012", done.stdout, "COPY has no columns")

    def test_cards_in_binary_are_found(self):
        found = self.asyncpg("select * from cards", bound=CARD)
        self.assertEqual(found["n"], "0")
        self.assertEqual(found["d"], "Decimal('0')")
        self.assertEqual(found["j"], repr('{"n": ' + "*" * 12 + "1111}"))
        self.assertEqual(found["t"], repr(["x", "*" * 12 + "1111" + " " * 33]))
        self.assertEqual(found["i"], "[7, 0]")
        self.assertEqual(found["bound"], "0", "it went to the server, and not back")
        self.assert_nowhere_on_disk([CARD])

    def test_a_person_reads_the_record(self):
        self.asyncpg("select 7 as seven, date '1999-12-31' as eve, array[1, 2] as both, secret_3 from vault")

        def shown():
            for one in self.sessions():
                if one["service"] == "shop" and one["closed"]:
                    text = self.lab.appliance.cli("sessions", "show", str(one["id"])).stdout
                    if "7 | 1999-12-31 | {1,2} | *************" in text:
                        return True
            return False

        self.assertTrue(wait_until(shown, 10, 0.3))


if __name__ == "__main__":
    lab.main()
