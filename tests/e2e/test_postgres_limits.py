#!/usr/bin/env python3
"""What one statement may return, with real clients and a real server: how an answer ends, and that its session lives on."""

import json
import os
import shutil
import tempfile

import lab
from postgres_lab import PostgresLab

MOST = 10_000
PYTHON = "/usr/bin/python3"  # Debian's, which has Debian's modules


def policy(limits):
    return f"""\
services:
  - name: shop
    address: 10.77.0.2:5432
    protocol: postgres
    mode: enforce
    record: {{class: routine, durability: group, rows: 3}}
    limits: {limits}
  - name: orders
    address: 10.77.0.2:8080
    protocol: http
    mode: enforce
    record: {{class: routine, durability: group}}
retention: {{routine: 90d}}
"""


ROWS = f"[{{of: rows, most: {MOST}, then: deny}}]"
BYTES = "[{of: result_bytes, most: 64KiB, then: deny, name: much}]"

# Says as JSON what each statement came to: a number of rows, or an SQLSTATE.
DRIVER = """
import json, sys, psycopg2
connection = psycopg2.connect(host=sys.argv[1], user="ann", dbname="shop")
connection.autocommit = sys.argv[2] == "autocommit"
out = []
for sql in sys.argv[3:]:
    cursor = connection.cursor()
    try:
        cursor.execute(sql)
        out.append(len(cursor.fetchall()) if cursor.description else 0)
    except psycopg2.Error as error:
        out.append(error.pgcode)
    out.append(connection.info.transaction_status)
print(json.dumps(out))
"""
IDLE, IN_TRANSACTION = 0, 2  # of libpq


class PostgresLimits(PostgresLab):
    policy = policy(ROWS)

    def setUp(self):
        self.direct("drop table if exists took; create table took (n int)")
        self.use(ROWS)

    def use(self, limits):
        self.lab.write_policy(policy(limits))
        self.lab.appliance.push(self.lab.policy)

    def psql(self, *statements):
        return self.through("psql", "-X", "-A", "-t", *self.at(), "-v", "VERBOSITY=verbose",
                            *(part for sql in statements for part in ("-c", sql)))

    def driven(self, mode, *statements):
        done = self.through(PYTHON, "-c", DRIVER, self.lab.server_address, mode, *statements)
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout)

    def assert_ended(self, done, limit="shop/rows"):
        self.assertIn("53400: refused by the gateway: more rows or bytes than policy lets one statement return", done.stderr)
        self.assertIn(f"limit {limit}", done.stderr)

    def took(self):
        return int(self.direct("select count(*) from took"))

    def test_a_million_rows_end_and_the_session_lives_on(self):
        known = {one["id"] for one in self.sessions()}
        done = self.psql(f"select generate_series(1, {MOST})", "select generate_series(1, 1000000)", "select 'alive'")
        self.assert_ended(done)
        self.assertEqual(done.stdout.count("\n"), MOST + 1, "psql shows nothing of an answer that failed")
        self.assertTrue(done.stdout.endswith("alive\n"))
        session = self.wait_for_sessions(1, of=lambda one: one["id"] not in known)[0]
        units = [unit for unit in self.whole_session(session["id"])["units"]
                 if unit["request"]["head"]["text"] == "QUERY\n"]
        ended = units[1]["response"]
        self.assertEqual((ended["verdict"], ended["error"]), ("deny", "postgres_result_too_large"))
        self.assertEqual((ended["limit"], ended["rows"]), ("shop/rows", MOST))
        self.assertEqual((units[0]["response"]["rows"], units[0]["response"]["verdict"]), (MOST, "pass"))
        self.assertEqual(units[0]["response"]["transaction"], "idle")
        self.assertGreater(units[0]["response"]["duration_ns"], 0)
        printed = self.lab.appliance.cli("sessions", "show", session["id"]).stdout
        self.assertRegex(printed, r"(?m)^    SELECT 10000  [0-9.]+ (?:m|µ)?s$")

    def test_what_the_server_did_stays_and_its_transaction_is_open(self):
        insert = f"insert into took select generate_series(1, {MOST + 5}) returning n"
        self.assertEqual(self.driven("transaction", insert, "select 1 from took limit 3", "commit"),
                         ["53400", IN_TRANSACTION, 3, IN_TRANSACTION, 0, IDLE])
        self.assertEqual(self.took(), MOST + 5)
        self.assertEqual(self.driven("autocommit", insert, "select 7"), ["53400", IDLE, 1, IDLE])

    def test_a_cursor_fetches_within_the_limit_each_time(self):
        self.assertEqual(
            self.driven("transaction", "declare c cursor for select generate_series(1, 100000)", f"fetch {MOST} from c",
                        f"fetch {MOST + 1} from c", "fetch 5 from c", "rollback"),
            [0, IN_TRANSACTION, MOST, IN_TRANSACTION, "53400", IN_TRANSACTION, 5, IN_TRANSACTION, 0, IDLE])

    def test_a_copy_has_its_messages_for_rows(self):
        self.assert_ended(self.psql("copy (select generate_series(1, 1000000)) to stdout"))
        done = self.psql(f"copy (select generate_series(1, {MOST})) to stdout", "select 'alive'")
        self.assertEqual(done.stderr, "")
        self.assertEqual(done.stdout.count("\n"), MOST + 1)

    def test_bytes_end_an_answer_too(self):
        self.use(BYTES)
        done = self.psql("select repeat('x', 60000)", "select repeat('x', 70000)",
                         "copy (select repeat('x', 1000) from generate_series(1, 100)) to stdout", "select 'alive'")
        self.assertEqual(done.stderr.count("limit shop/much"), 2, done.stderr)
        self.assertTrue(done.stdout.endswith("alive\n"))

    def test_of_a_pipeline_the_rest_takes_effect(self):
        folder = tempfile.mkdtemp(prefix="sluice-pipeline")
        self.addCleanup(shutil.rmtree, folder, ignore_errors=True)
        script = os.path.join(folder, "pipeline.sql")
        with open(script, "w", encoding="utf-8") as out:
            out.write(f"\\startpipeline\nselect generate_series(1, {MOST + 1});\ninsert into took values (1);\n\\endpipeline\n")
        done = self.through("pgbench", "-n", "-M", "extended", "-t", "1", "-f", script, *self.at()[:-2], "shop")
        self.assertIn("more rows or bytes than policy lets one statement return", done.stderr)
        self.assertEqual(self.took(), 1)

    def test_rows_come_as_fast_as_their_rate_says(self):
        self.use("[{per: principal, of: rows, rate: 1000/s, then: throttle}]")
        done = self.psql("\\timing on", "select generate_series(1, 1500)", "select generate_series(1, 1000)", "select 1")
        self.assertEqual(done.stderr, "")
        times = [float(line.split()[1]) for line in done.stdout.splitlines() if line.startswith("Time:")]
        self.assertGreater(sum(times), 1000, done.stdout[-200:])  # 2,501 rows, of which 1,000 are a burst


if __name__ == "__main__":
    lab.main()
