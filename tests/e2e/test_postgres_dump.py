#!/usr/bin/env python3
"""A database with every built-in type is dumped through the appliance and restored through it, byte for byte."""

import os
import shutil
import tempfile

import lab
from postgres_lab import HERE, PostgresLab

# Of these a user can make no value: the server's own, and what only an index or ANALYZE writes.
NO_VALUES = {"gtsvector", "pg_node_tree", "pg_ndistinct", "pg_dependencies", "pg_mcv_list", "pg_brin_bloom_summary",
             "pg_brin_minmax_multi_summary"}
LENGTHS = {"bit": "bit(1)", "bpchar": "character(5)", "varchar": "varchar(20)"}


def typed_values():
    """{type: [texts of values]}, as listed for all clients."""
    found = {}
    with open(os.path.join(HERE, "peers", "postgres_types.txt"), encoding="utf-8") as file:
        for line in file:
            name, text = line.rstrip("\n").split("\t", 1)
            found.setdefault(name, []).append(text.replace("'", "''"))
    return found


class DumpTest(PostgresLab):
    @classmethod
    def raise_lab(cls):
        super().raise_lab()
        cls.values = typed_values()
        cls.postgres.direct("create database types owner ann")
        names = [LENGTHS.get(name, name) for name in cls.values]
        columns = ", ".join(f"c{i} {name}, a{i} {name}[]" for i, name in enumerate(names))
        script = [f"create table every_type (id int primary key, {columns})", "insert into every_type (id) values (0)"]
        for row in range(1, 1 + max(map(len, cls.values.values()))):
            cells = []
            for name, texts in zip(names, cls.values.values()):
                value = f"'{texts[(row - 1) % len(texts)]}'::{name}"
                cells += [value, f"array[{value}, null, {value}]"]
            script.append(f"insert into every_type values ({row}, {', '.join(cells)})")
        script += ["create view a_view as select id from every_type", "create index on every_type (c0)",
                   "create function f(i int) returns int language sql as $$ select i + 1 $$",
                   "create type mood as enum ('sad', 'ok')", "create type pair as (a int, b text)",
                   "create domain positive as int check (value > 0)",
                   "create table own (m mood, p pair, d positive, ps pair[])",
                   "insert into own values ('ok', '(1,\"a b\")', 7, array[row(1, 'x \"y\"')::pair, null])",
                   "create table large (id int, text text)",
                   "insert into large select i, repeat(md5(i::text), 10) from generate_series(1, 20000) i",
                   "select lo_from_bytea(4711, decode(repeat('00ff10', 100000), 'hex'))"]
        for sql in script:
            done = cls.postgres.direct(sql, "-d", "types")
            assert done.returncode == 0, (sql, done.stderr)

    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="sluice-dump")
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)

    def path(self, name):
        return os.path.join(self.folder, name)

    def ran(self, done):
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        return done

    @staticmethod
    def read(name):
        """Without the key that each dump makes up for itself."""
        with open(name, encoding="utf-8") as file:
            return "".join(line for line in file if not line.startswith(("\\restrict", "\\unrestrict")))

    def dump(self, how, database, name, *options):
        self.ran(how("pg_dump", *self.at()[:-2], "-f", self.path(name), *options, database))
        return self.path(name)

    def test_every_built_in_type_is_there(self):
        known = self.direct("select string_agg(typname, ' ') from pg_type where typnamespace = 'pg_catalog'::regnamespace "
                            "and typtype in ('b', 'r', 'm') and typcategory <> 'A'").split()
        self.assertEqual(sorted(set(known) - NO_VALUES), sorted({name.strip('"') for name in self.values} - {"int2vector", "oidvector"}))

    def test_a_dump_as_text(self):
        for options in ((), ("--column-inserts",), ("--schema-only",)):
            beside = self.read(self.dump(self.beside, "types", "beside", *options))
            through = self.read(self.dump(self.through, "types", "through", *options))
            self.assertEqual(through, beside, options)
        self.assertGreater(len(self.read(self.dump(self.through, "types", "through"))), 6_000_000)

    def test_what_is_restored_is_what_was_dumped(self):
        wanted = self.read(self.dump(self.beside, "types", "wanted"))
        for name, options, jobs in (("custom", ["-Fc"], []), ("folder", ["-Fd", "-j", "2"], ["-j", "2"]), ("tar", ["-Ft"], [])):
            file = self.dump(self.through, "types", name, *options)
            self.ran(self.through("createdb", *self.at()[:-2], name))
            self.ran(self.through("pg_restore", "--exit-on-error", *jobs, *self.at(name), file))
            self.assertEqual(self.read(self.dump(self.beside, name, name + ".again")), wanted, name)
            self.ran(self.through("pg_restore", "-f", self.path(name + ".sql"), file))
            self.assertEqual(self.read(self.path(name + ".sql")).count("COPY public."), wanted.count("COPY public."))

    def test_a_script_is_restored_by_psql(self):
        file = self.dump(self.through, "types", "script")
        self.ran(self.through("createdb", *self.at()[:-2], "script"))
        self.ran(self.through("psql", "-X", "-q", "-o", "/dev/null", "-v", "ON_ERROR_STOP=1", *self.at("script"), "-f", file))
        self.assertEqual(self.read(self.dump(self.beside, "script", "again")), self.read(file))


if __name__ == "__main__":
    lab.main()
