#!/usr/bin/env python3
"""Rules on what SQL means, between psql and a real server: denied whatever it looks like, and everything else unnoticed."""

import tempfile

import lab
from labkit import namespaces
from postgres_lab import PostgresLab

POLICY = """\
services:
  - name: shop
    address: 10.77.0.2:5432
    protocol: postgres
    mode: enforce
    record: {class: routine, durability: group}
    rules: [sql/*, local/*]
  - name: orders
    address: 10.77.0.2:8080
    protocol: http
    mode: enforce
    record: {class: routine, durability: group}
    rules: [sql/drop]
rules:
  - {name: salaries, sql: {tables: hr.salaries}, action: deny}
retention: {routine: 90d}
"""

TABLES = """
create table customers (id int primary key, name text);
insert into customers select i, 'name ' || i from generate_series(1, 100) i;
create schema hr;
create table hr.salaries (id int, amount int);
create function public.pg_read_file_size(text) returns int language sql as 'select 1';
"""
REFUSED = "refused by the gateway: a rule denies this"


class PostgresSqlTest(PostgresLab):
    policy = POLICY

    @classmethod
    def raise_lab(cls):
        super().raise_lab()
        cls.postgres.direct(TABLES, "-d", "shop")

    def psql(self, *statements, options=()):
        commands = [word for sql in statements for word in ("-c", sql)]
        return self.lab.in_client("psql", "-X", "-h", self.lab.server_address, "-U", "ann", "-d", "shop", *options, *commands)

    def count(self):
        return self.postgres.direct("select count(*) from customers", "-d", "shop", "-A", "-t").stdout.strip()

    def test_what_a_rule_denies_never_runs_however_it_is_written(self):
        for sql in ("delete from customers", "DELETE/* where id = 1 */FROM \"customers\" -- where id = 1",
                    "with gone as (delete from customers returning *) select count(*) from gone",
                    "select 1; delete from customers where 1 = 1", "explain analyze delete from customers",
                    "prepare p as delete from customers", "truncate customers", "drop table customers",
                    "select amount from hr.salaries", "select * from customers, \"hr\".\"salaries\" s",
                    "copy customers to program 'cat > /tmp/never'", "copy customers to '/tmp/never'",
                    "select pg_catalog.pg_read_file('/etc/passwd')", "grant all on customers to public",
                    "select query_to_xml('delete from customers', true, true, '')", "select rolpassword from pg_authid"):
            done = self.psql(sql, "select 41 + 1", options=("-v", "VERBOSITY=verbose"))
            self.assertIn(f"ERROR:  42501: {REFUSED}", done.stderr, sql)
            self.assertIn("42", done.stdout, f"the session lives on after {sql}")
            seen = any(line.endswith(f"statement: {sql}") for line in self.postgres.log().splitlines())
            self.assertFalse(seen, f"the server saw {sql}")
        self.assertEqual(self.count(), "100")

    def test_what_no_rule_denies_is_as_beside_the_appliance(self):
        for sql in ("select * from customers where id < 5 order by id", "select 'delete from customers'", "\\d customers",
                    "\\dt+", "explain delete from customers", "do $$ begin raise notice 'hello'; end $$", "select $x$;$x$ as it",
                    "begin; update customers set name = name where id = 7; rollback", "create temp table t (a int)",
                    "copy (select id from customers order by id limit 3) to stdout", "select 1; select 2;", "",
                    "delete from customers where id = 4711"):
            direct = namespaces.run("psql", "-X", "-h", self.postgres.folder, "-U", "ann", "-d", "shop", "-c", sql, check=False)
            through = self.psql(sql)
            self.assertEqual(through.stdout + through.stderr, direct.stdout + direct.stderr, sql)

    def test_prepared_statements_are_denied_where_they_are_prepared(self):
        with tempfile.NamedTemporaryFile("w", suffix=".sql") as script:
            at = ("-h", self.lab.server_address, "-U", "ann", "-n", "-f", script.name, "-t", "3", "-D", "id=-1", "shop")
            for mode in ("extended", "prepared"):
                for sql, says in (("delete from customers where id = :id;", "actually processed: 3/3"),
                                  ("delete from customers where :id = 1;", REFUSED)):
                    script.seek(0)
                    script.truncate()
                    script.write(sql)
                    script.flush()
                    done = self.lab.in_client("pgbench", "-M", mode, *at)
                    self.assertIn(says, done.stdout + done.stderr)
        self.assertEqual(self.count(), "100")

    def test_what_the_grammar_does_not_take_is_refused(self):
        done = self.psql("selekt 1", "select 42", options=("-v", "VERBOSITY=verbose"))
        self.assertIn("ERROR:  42501: refused by the gateway: a statement that the grammar does not take", done.stderr)
        self.assertIn("42", done.stdout)
        self.assertNotIn("selekt", self.postgres.log())

    def test_pgbench_in_every_mode(self):
        direct = namespaces.run("pgbench", "-i", "-q", "-s", "1", "-h", self.postgres.folder, "-U", "ann", "shop", check=False)
        self.assertEqual(direct.returncode, 0, direct.stderr)
        for mode in ("simple", "extended", "prepared"):
            done = self.lab.in_client("pgbench", "-n", "-M", mode, "-c", "4", "-t", "100", "-h", self.lab.server_address,
                                      "-U", "ann", "shop")
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertIn("number of failed transactions: 0", done.stdout)

    def test_the_record_names_the_rule(self):
        self.psql("delete from only customers /* to be found */")
        found = self.wait_for_sessions(1, of=lambda one: one["service"] == "shop" and self.denied_units(one))
        self.assertIn("sql/delete-all", str(self.denied_units(found[0])))

    def denied_units(self, session):
        """Of a session that said little, as psql does: those that hold what is looked for."""
        units = self.session(session["id"])["units"]
        return [unit for unit in units[:4] if b"to be found" in self.recorded_body(session["id"], unit["unit"], "request")]


if __name__ == "__main__":
    lab.main()
