#!/usr/bin/env python3
"""A recorded session of PostgreSQL runs again at a staging server, and the answers are compared value by value."""

import os
import re
import subprocess

import lab
from labkit.postgres import Postgres
from labkit.processes import wait_until
from postgres_lab import CARD, HERE, POLICY, STARRED, PostgresLab

RULES = """\
  - name: code                     # the server gets it, the record does not
    match: 'code-[0-9]{4}'
    where: [request]
    action: mask
    mask: {on: [record]}
  - name: pay
    columns: [salary]
    action: mask
  - name: renamed
    sql: {kinds: update, tables: customers, columns: name}
    action: hold
"""
POLICY = POLICY.replace("local/drop", "local/*").replace("retention:", RULES + "retention:")

TABLES = f"""
create table customers (id int primary key, name text, card text, salary numeric);
insert into customers select i, 'name ' || i, null, 100 * i from generate_series(1, 300) i;
insert into customers values (1000, 'jane', '{CARD}', 51007.25);
create table notes (n int, at timestamptz, words text[], data bytea, doc jsonb, price numeric(10, 2));
"""
OTHER_CARD = "5500005555555559"
PASSWORD = "correct-horse-battery"


class ReplayTest(PostgresLab):
    policy = POLICY

    @classmethod
    def raise_lab(cls):
        cls.passfile = f"/run/{cls.lab.name}-staging.pass"
        cls.lab.appliance.control_options = ["--replay-passfile", cls.passfile]
        super().raise_lab()
        cls.staging = Postgres(cls.lab, "staging", lab.free_port())
        cls.addClassCleanup(cls.staging.down)
        cls.staging.up(timezone="Asia/Kathmandu")
        for sql in ("create role ann login superuser", "create database shop owner ann",
                    f"create role bob login superuser password '{PASSWORD}'"):
            cls.staging.direct(sql)
        cls.write_passfile(PASSWORD)
        cls.addClassCleanup(os.remove, cls.passfile)
        with open(os.path.join(cls.staging.data, "pg_hba.conf"), "r+", encoding="utf-8") as file:
            rest = file.read()
            file.seek(0)
            file.write("host all bob 127.0.0.1/32 scram-sha-256\n" + rest)
        cls.staging.direct("select pg_reload_conf()")

    @classmethod
    def write_passfile(cls, password, mode=0o600):
        with open(cls.passfile, "w", encoding="utf-8") as file:
            os.fchmod(file.fileno(), mode)
            file.write(f"127.0.0.1:{cls.staging.port}:shop:bob:{password}\n")

    def setUp(self):
        for server in (self.postgres, self.staging):
            server.direct("drop table if exists customers, notes", "-d", "shop")
            server.direct(TABLES, "-d", "shop")

    def at_staging(self, sql):
        done = self.staging.direct(sql, "-d", "shop", "-A", "-t")
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout.strip()

    def record(self, *command):
        """The session that a client makes."""
        known = {one["id"] for one in self.sessions()}
        done = self.through(*command)
        return self.wait_for_sessions(1, of=lambda one: one["id"] not in known and one["requests"] > 0)[0]["id"], done

    def psql(self, *statements):
        return self.record("psql", "-X", *self.at(), *(part for sql in statements for part in ("-c", sql)))[0]

    def replay(self, session, user="ann", *options):
        to = f"postgres://{user}@127.0.0.1:{self.staging.port}/shop"
        done = self.lab.appliance.cli("replay", session, "--to", to, *options)
        for secret in (CARD, OTHER_CARD, PASSWORD, "51007.25", "99999.99"):
            self.assertNotIn(secret, done.stdout + done.stderr)
        return done

    def assert_counted(self, done, same, different=0, skipped=0):
        counted = re.search(r"(\d+) same, (\d+) different, (\d+) skipped, (\d+) failed", done.stdout)
        self.assertIsNotNone(counted, done.stdout + done.stderr)
        self.assertEqual([int(one) for one in counted.groups()], [same, different, skipped, 0], done.stdout)
        self.assertEqual(done.returncode, 1 if different else 0, done.stderr)

    def assert_all_same(self, done):
        counted = re.search(r"(\d+) same", done.stdout)
        self.assertIsNotNone(counted, done.stdout + done.stderr)
        self.assertGreater(int(counted[1]), 0)
        self.assert_counted(done, int(counted[1]))

    def test_the_same_server_gives_the_same_answers(self):
        statements = ("select * from customers order by id", "select 1; select 2 as two, null as nothing", "select * from nowhere",
                      "do $$ begin raise notice 'by the way'; end $$", "begin", "insert into customers values (2000, 'new')",
                      "select count(*) from customers", "rollback", "copy (select id, card from customers order by id) to stdout",
                      "select repeat('x', 2000000)", "", "values ('a\nb'), ('')", "select timestamptz '2026-11-22 10:00+00' as t")
        done = self.replay(self.psql(*statements))
        self.assert_counted(done, len(statements))
        self.assertIn("303 of them masked on the record", done.stdout)  # each salary, and the card twice
        self.assertEqual(self.at_staging("select count(*) from customers"), "301")

    def test_other_rows_are_told_with_their_place(self):
        self.at_staging("update customers set name = 'other' where id = 7; delete from customers where id = 9; "
                        f"update customers set card = '{OTHER_CARD}', salary = null where id = 1000; "
                        "insert into customers values (11, 'eleven') on conflict do nothing")
        session = self.psql("select name from customers where id = 7", "select id from customers where id < 12 order by id",
                            "select card, salary from customers where id = 1000", "select id from customers limit 0",
                            "select 1 / (select count(*) - 300 from customers)")
        done = self.replay(session)
        self.assert_counted(done, 1, different=4)
        for line in ("row 1, value 1", "- name 7", "+ other", "row 9, value 1", "the end", "- SELECT 11", "+ SELECT 10", f"- {STARRED}",
                     "row 1, value 2", "+ NULL", "+ 22012 division by zero"):
            self.assertIn(line, done.stdout)

    def test_what_an_error_of_its_pipeline_undid_is_not_kept(self):
        program = """
import asyncio, asyncpg, sys
async def main():
    c = await asyncpg.connect(host=sys.argv[1], user='ann', database='shop')
    for last in (1, 5002):
        try:
            await c.executemany('insert into customers (id, name) values ($1, $2)', [(5000, 'a'), (5001, 'b'), (last, 'c')])
        except asyncpg.UniqueViolationError as error:
            print('refused')
        print(await c.fetchval('select count(*) from customers where id >= 5000'))
    await c.close()
asyncio.run(main())
"""
        session, done = self.record("/usr/bin/python3", "-c", program, self.lab.server_address)
        self.assertEqual(done.stdout, "refused\n0\n3\n", done.stderr)
        self.assert_all_same(self.replay(session))
        self.assertEqual(self.at_staging("select count(*) from customers where id >= 5000"), "3")

    def test_a_session_begins_with_its_settings(self):
        self.direct("do $$ begin if to_regrole('reader') is null then create role reader; end if; end $$")
        shows = ("select date '2026-11-22', interval '1 day'", "set datestyle = 'SQL'", "discard all",
                 "select date '2026-11-22', current_setting('application_name'), current_setting('search_path')", "select now() - now(), 'ä'")
        options = "-c datestyle=German -c intervalstyle=iso_8601 -c search_path=a,\\ public,pg_catalog"
        psql = ("psql", "-X", *self.at(), *(part for sql in shows for part in ("-c", sql)))
        session, done = self.record("env", f"PGOPTIONS={options}", "PGAPPNAME=till 7", "PGCLIENTENCODING=LATIN1", *psql)
        self.assertIn("22.11.2026 | till 7", done.stdout, done.stderr)
        self.assert_counted(self.replay(session), len(shows))
        session, done = self.record("env", f"PGOPTIONS={options} -c role=reader", *psql)
        self.assertEqual(done.returncode, 0, done.stderr)
        done = self.replay(session)
        self.assert_counted(done, len(shows), different=1)
        for line in ("STARTUP", "setting role", "- reader", '+ 22023 role "reader" does not exist'):
            self.assertIn(line, done.stdout)

    def test_an_answer_without_end_is_cancelled(self):
        for server, most in ((self.postgres, 3), (self.staging, 10 ** 12)):
            server.direct(f"create or replace view many as select generate_series(1::bigint, {most}) as n", "-d", "shop")
        done = self.replay(self.psql("select n from many", "copy (select n from many) to stdout", "select 7"))
        self.assert_counted(done, 1, different=2)
        self.assertEqual(done.stdout.count("+ more than 10000 rows above those on the record; it was cancelled"), 2)
        self.assertEqual(self.at_staging("select count(*) from pg_stat_activity where query ~ 'from many' and pid <> pg_backend_pid()"),
                         "0")

    def test_hidden_cells_of_the_other_server_are_not_shown(self):
        self.at_staging("insert into customers values (0, 'zero', null, 99999.99)")
        done = self.replay(self.psql("select name, salary from customers where id < 2 order by id"))
        self.assert_counted(done, 0, different=1)
        self.assertIn("+ name 1 | ***", done.stdout)

    def test_what_was_denied_or_rejected_is_not_run(self):
        client = subprocess.Popen(["ip", "netns", "exec", self.lab.client, "psql", "-X", *self.at(), "-c", "select 1", "-c",
                                   "drop table customers", "-c", "update customers set name = 'held'", "-c", "select 2"],
                                  stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        known = {one["id"] for one in self.sessions() if one["closed"]}
        try:
            holds = []
            wait_until(lambda: holds.extend(self.lab_holds()) or holds, 20, 0.05)
            self.lab.appliance.cli("holds", "reject", holds[0]["id"], "--reason", "no")
            client.wait(20)
        finally:
            client.kill()
            client.wait()
        session = self.wait_for_sessions(1, of=lambda one: one["id"] not in known)[0]["id"]
        done = self.replay(session)
        self.assert_counted(done, 2, skipped=2)
        self.assertEqual(done.stdout.count("it was denied and never reached the server"), 2)
        self.assertEqual(self.at_staging("select count(*) from customers where name = 'held'"), "0")

    def test_what_production_refused_in_a_failed_transaction_is_not_committed(self):
        program = """
import psycopg2, sys
c = psycopg2.connect(host=sys.argv[1], user='ann', dbname='shop')
c.autocommit = True
cursor = c.cursor()
for sql in ('begin', 'insert into notes (n) values (1)', 'drop table customers', 'insert into notes (n) values (2)', 'commit',
            'select count(*) from notes'):
    try:
        cursor.execute(sql)
    except psycopg2.Error as error:
        print(error.pgcode)
print(cursor.fetchone())
"""
        session, done = self.record("/usr/bin/python3", "-c", program, self.lab.server_address)
        self.assertIn("25P02\n(0,)\n", done.stdout, done.stderr)
        done = self.replay(session)
        self.assert_counted(done, 5, skipped=1)
        self.assertEqual(self.at_staging("select count(*) from notes"), "0")

    def lab_holds(self):
        return lab.api.get(self.lab.appliance.api, "/v1/holds?limit=10")["holds"]

    def test_what_the_record_masks_is_not_run(self):
        session = self.psql("begin", "insert into notes (n) values (1)", "insert into notes (n, words) values (2, '{code-1234}')",
                            "commit", "select count(*) from notes where n = 1")
        done = self.replay(session)
        self.assert_counted(done, 4, skipped=1)
        self.assertIn("the record masks parts of it", done.stdout)
        self.assertEqual(self.at_staging("select count(*) from notes"), "1", "the transaction went on without it")
        file = os.path.join(self.lab.state, "codes.txt")
        with open(file, "w", encoding="utf-8") as out:
            out.write("1\t{code-1234}\n")
        done = self.replay(self.psql(rf"\copy notes (n, words) from '{file}'", "select 1"))
        self.assert_counted(done, 1, skipped=2)
        self.assertEqual(self.at_staging("select count(*) from notes"), "1")

    def test_data_is_copied_in_again(self):
        file = os.path.join(self.lab.state, "notes.txt")
        with open(file, "w", encoding="utf-8") as out:
            out.writelines(f"{i}\t{{a,b}}\n" for i in range(50000))
        done = self.replay(self.psql(rf"\copy notes (n, words) from '{file}'", "select count(*), sum(n) from notes", "copy notes to stdout"))
        self.assert_counted(done, 4)
        self.assertEqual(self.at_staging("select count(*), sum(n) from notes"), "50000|1249975000")

    def test_data_is_copied_in_binary_both_ways(self):
        program = """
import asyncio, asyncpg, sys
async def main():
    c = await asyncpg.connect(host=sys.argv[1], user='ann', database='shop')
    print(await c.copy_records_to_table('notes', columns=['n', 'words', 'data'], records=[(n, ['a', None, str(n)], bytes(n % 256 for _ in range(5))) for n in range(20000)]))
    out = bytearray()
    async def take(data): out.extend(data)
    await c.copy_from_query('select * from notes order by n', output=take, format='binary')
    print(len(out) > 20000 * 40)
    await c.close()
asyncio.run(main())
"""
        session, done = self.record("/usr/bin/python3", "-c", program, self.lab.server_address)
        self.assertEqual(done.stdout, "COPY 20000\nTrue\n", done.stderr)
        self.assert_all_same(self.replay(session))
        self.assertEqual(self.at_staging("select count(*), sum(n), sum(length(data)) from notes"), "20000|199990000|100000")

    def test_a_copy_that_its_client_failed_fails_again(self):
        program = """
import psycopg2, sys
class Broken:
    left = 3
    def read(self, size):
        self.left -= 1
        if self.left == 0: raise OSError('gone')
        return '1\\n'
c = psycopg2.connect(host=sys.argv[1], user='ann', dbname='shop')
c.autocommit = True
cursor = c.cursor()
try:
    cursor.copy_expert('copy notes (n) from stdin', Broken())
except psycopg2.Error as error:
    print(error.pgcode)
cursor.execute('select count(*) from notes')
print(cursor.fetchone())
"""
        session, done = self.record("/usr/bin/python3", "-c", program, self.lab.server_address)
        self.assertEqual(done.stdout, "57014\n(0,)\n", done.stderr)
        self.assert_all_same(self.replay(session))
        self.assertEqual(self.at_staging("select count(*) from notes"), "0")

    def test_prepared_statements_with_binary_values_and_copies(self):
        program = os.path.join(HERE, "peers", "asyncpg_peer.py")
        types = os.path.join(HERE, "peers", "postgres_types.txt")
        session, done = self.record("env", "PYTHONIOENCODING=utf-8", "/usr/bin/python3", program, "rerun", self.lab.server_address, "shop", types)
        self.assertIn("done", done.stdout, done.stderr)
        done = self.replay(session)
        counted = re.search(r"(\d+) same, 0 different, 3 skipped, 0 failed", done.stdout)
        self.assertIsNotNone(counted, done.stdout)  # what cannot be parsed was denied, a failed Bind and its Execute are not run
        self.assertGreater(int(counted[1]), 1000)
        self.assertGreater(int(re.search(r"values compared: (\d+)", done.stdout)[1]), 20000)

    def test_binary_binds_reach_the_server_as_what_they_were(self):
        program = """
import asyncio, asyncpg, datetime, decimal, sys
async def main():
    c = await asyncpg.connect(host=sys.argv[1], user='ann', database='shop')
    at = datetime.datetime(2026, 11, 22, 10, 30, tzinfo=datetime.timezone.utc)
    await c.execute('insert into notes values ($1, $2, $3, $4, $5, $6)', -7, at, ['a"b', 'c,\\\\d', None, ''], b'\\x00\\xff', '{"a": [1]}', decimal.Decimal('-12.50'))
    await c.execute('insert into notes (n) values ($1)', None)
    print(await c.fetch('select * from notes order by n'))
    await c.close()
asyncio.run(main())
"""
        session, done = self.record("/usr/bin/python3", "-c", program, self.lab.server_address)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assert_all_same(self.replay(session))
        ask = "set timezone = 'UTC'; select * from notes order by n"
        self.assertEqual(self.at_staging(ask), self.direct(ask))
        self.assertIn("-7|2026-11-22 10:30:00+00|", self.at_staging(ask))
        self.at_staging("truncate notes; insert into notes (n) values (5)")
        done = self.replay(session)
        self.assertEqual(done.returncode, 1)
        self.assertIn("+ 5", done.stdout)

    def test_pgbench(self):
        for server in (self.postgres, self.staging):
            server.direct("create table if not exists counters (id int primary key, n int); truncate counters; "
                          "insert into counters select i, 0 from generate_series(1, 10) i", "-d", "shop")
        script = os.path.join(self.lab.state, "script.sql")
        with open(script, "w", encoding="utf-8") as file:
            file.write("\\set id random(1, 10)\nbegin;\nupdate counters set n = n + 1 where id = :id;\n"
                       "select n from counters where id = :id;\nend;\n")
        known = {one["id"] for one in self.sessions()}
        done = self.through("pgbench", "-n", "-M", "prepared", "-t", "40", "-f", script, *self.at()[:-2], "shop")
        self.assertIn("actually processed: 40/40", done.stdout, done.stderr)
        found = self.wait_for_sessions(1, of=lambda one: one["id"] not in known and one["requests"] > 100)
        self.assert_all_same(self.replay(found[0]["id"]))
        self.assertEqual(self.at_staging("select sum(n) from counters"), "40")

    def test_rows_that_the_record_leaves_out_are_counted(self):
        path = os.path.join(self.lab.state, "rows.yaml")
        for policy in (POLICY.replace("durability: group}", "durability: group, rows: 3}"), POLICY):
            with open(path, "w", encoding="utf-8") as file:
                file.write(policy)
            self.lab.appliance.push(path)
            if policy != POLICY:
                session = self.psql("select id from customers order by id", "select 7")
        done = self.replay(session)
        self.assert_counted(done, 2)
        self.assertIn("298 rows counted, which the record leaves out", done.stdout)
        self.at_staging("delete from customers where id between 100 and 109; update customers set id = -id where id = 50")
        done = self.replay(session)
        self.assert_counted(done, 1, different=1)
        self.assertIn("10 more", done.stdout)

    def test_a_password_comes_from_the_file_and_from_nowhere_else(self):
        session = self.psql("select 1")
        self.assert_counted(self.replay(session, "bob"), 1)
        done = self.replay(session, f"bob:{PASSWORD}")
        self.assertEqual(done.returncode, 3)
        self.assertIn("a password does not belong into the URL", done.stderr)
        self.write_passfile("wrong")
        done = self.replay(session, "bob")
        self.assertIn("password authentication failed", done.stderr)
        self.write_passfile(PASSWORD, 0o644)
        done = self.replay(session, "bob")
        self.assertEqual(done.returncode, 3)
        self.assertIn(self.passfile, done.stderr)
        self.write_passfile(PASSWORD)
        self.assert_nowhere_on_disk([PASSWORD])

    def test_a_protected_service_is_no_target_unless_forced(self):
        session = self.psql("select 1")
        done = self.lab.appliance.cli("replay", session, "--to", f"postgres://{self.lab.server_address}:5432/shop")
        self.assertEqual(done.returncode, 3)
        self.assertIn("protected", done.stderr)

    def test_nobody_there(self):
        session = self.psql("select 1")
        done = self.lab.appliance.cli("replay", session, "--to", f"postgres://127.0.0.1:{lab.free_port()}/shop")
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("onnection refused", done.stderr)


if __name__ == "__main__":
    lab.main()
