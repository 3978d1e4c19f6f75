#!/usr/bin/env python3
"""A card number in values of every type, in both formats, by every way out of a real server: nothing of it comes through the appliance
or is on its disk, but where docs/policy-postgres.md says that nothing is looked for. The same bytes beside the appliance hold it each time."""

import struct

import lab
from labkit import namespaces
from labkit.processes import wait_until
from postgres_lab import PostgresLab, recorded_bytes
from postgres_wire import (COPY_DONE, FLUSH, SYNC, Wire, bind, call, cells, copy_data, describe, execute, parse, query)

SECRET = "5425233430109903"
TEXT, BINARY = 0, 1
POLICY = """\
services:
  - name: shop
    address: 10.77.0.2:5432
    protocol: postgres
    mode: MODE
    record: {class: routine, durability: group}
    rules: [pii/card]
    after_window: stream
  - name: orders
    address: 10.77.0.2:8080
    protocol: http
    mode: enforce
    record: {class: routine, durability: group}
retention: {routine: 90d}
"""

# What a column is called, its type, and a value of it.
COLUMNS = [
    ("t", "text", SECRET), ("v", "varchar(40)", f"x {SECRET} y"), ("c", "char(33)", SECRET), ("b", "bpchar", SECRET), ("nm", "name", SECRET),
    ("j", "json", f'{{"a": [{SECRET}, "{SECRET}"]}}'), ("jb", "jsonb", f'{{"a": [{SECRET}, "{SECRET}"]}}'),
    ("x", "xml", f"<a n=\"{SECRET}\">{SECRET}</a>"),
    ("i", "int8", SECRET), ("n", "numeric", SECRET), ("nn", "numeric(30,9)", SECRET + ".5"), ("ta", "text[]", f'{{a,"{SECRET}",NULL}}'),
    ("va", "varchar(20)[]", f"{{{SECRET}}}"), ("ia", "int8[]", f"{{{{1,{SECRET}}},{{2,{SECRET}}}}}"), ("na", "numeric[]", f"{{{SECRET}}}"),
    ("ja", "jsonb[]", f'{{"{{\\"a\\": {SECRET}}}"}}'), ("dt", "card_text", SECRET), ("di", "card_number", SECRET), ("e", "card_label", SECRET),
    ("ts", "tsvector", f"'{SECRET}':1"), ("p", "pair", f"({SECRET},{SECRET})"), ("r", "int8range", f"[{SECRET},)"),
    ("nr", "numrange", f"[{SECRET},)"), ("pa", "pair[]", f'{{"({SECRET},a)"}}'), ("by", "bytea", "\\x" + SECRET.encode().hex()),
    ("dia", "card_number[]", f"{{{SECRET}}}"),
]
SETUP = f"""
create domain card_text as text; create domain card_number as int8; create type card_label as enum ('{SECRET}');
create type pair as (n int8, t text);
create table cards ({", ".join(f"{name} {type_name}" for name, type_name, _ in COLUMNS)});
insert into cards values ({", ".join("'" + value.replace("'", "''") + "'" for _, _, value in COLUMNS)});
insert into cards select * from cards; insert into cards select * from cards;
create function tell(how text) returns int8 language plpgsql as $$ begin
  if how = 'notice' then raise notice 'paid with %', (select i from cards limit 1) using detail = (select t from cards limit 1);
  elsif how = 'error' then raise exception 'paid with %', (select i from cards limit 1) using hint = (select t from cards limit 1);
  end if; return (select i from cards limit 1); end $$;
create function text_of(text) returns text language sql as $$ select t from cards limit 1 $$;
"""
# Where docs/policy-postgres.md says that values are looked at as the bytes that they are: in binary, of types of one's own and ranges, ...
BYTES_IN_BINARY = {"p", "r", "nr", "pa", "dia"}
# ... of types that nobody said, which leaves texts; and bytea in text, whose bytes are written as other digits.
NUMBERS = {"i", "n", "nn", "di", "ia", "na"} | BYTES_IN_BINARY


def forms(secret):
    """The secret, and what makes it out, as it may be on the wire and on the disk."""
    number = int(secret)
    groups = [int(secret[i:i + 4]) for i in range(0, 16, 4)]
    return [secret[:12].encode(), secret[2:12].encode(), struct.pack("!q", number)[1:], struct.pack("!4H", *groups), secret.encode().hex().encode()]


def found_in(data):
    return any(form in data for form in forms(SECRET))


def places(data):
    """The same with what stands around it."""
    return [data[max(0, data.find(form) - 80):data.find(form) + 40] for form in forms(SECRET) if form in data]


class SecretsTest(PostgresLab):
    policy = POLICY.replace("MODE", "enforce")

    @classmethod
    def raise_lab(cls):
        super().raise_lab()
        done = cls.postgres.direct(SETUP, "-d", "shop", "-v", "ON_ERROR_STOP=1")
        assert done.returncode == 0, done.stderr

    def wires(self):
        """The same client through the appliance and beside it."""
        return Wire(self.connect(5432)), self.wire_beside()

    def wire_beside(self):
        connection = namespaces.open_socket(self.lab.server)
        connection.settimeout(10)
        connection.connect((self.lab.server_address, 5432))
        return Wire(connection)

    def shown(self, steps):
        """Whether the bytes that come show the secret: (through the appliance, beside it). `steps` is what is said, one after the other."""
        out = []
        for wire in self.wires():
            with wire:
                wire.take()
                for what, until in steps:
                    wire.ask(*what, until=until)
                out.append(found_in(wire.take()))
        return out

    def ways(self, name, binary):
        """Every way in which the cells of a column come, with what a client says then: (way, whether their type is known, steps)."""
        select = f"select {name} from cards"
        prepared = ((parse(select, "s"), describe(b"S", "s"), SYNC), b"Z")
        again = ((bind(result_format=binary, name="s"), execute(), SYNC), b"Z")
        other = ((bind(result_format=1 - binary, name="s"), execute(), SYNC), b"Z")
        cursor = f"declare k {'binary' if binary else ''} cursor for {select}"
        inserted = f"insert into cards ({name}) select {name} from cards limit 1 returning {name}"
        fetched = (parse("fetch 2 from k"), bind(result_format=binary))
        yield "described portal", True, [((parse(select), bind(result_format=binary), describe(b"P"), execute(), SYNC), b"Z")]
        yield "statement run again", True, [prepared, again, again]
        if not binary:
            yield "simple query", True, [((query(f"select 1; {select}; select 2"),), b"Z")]
            yield "statement run in binary before", True, [prepared, again] if name in BYTES_IN_BINARY else [prepared, other, again]
        yield "portal in parts", True, [prepared, ((bind(result_format=binary, name="s"), execute(1), FLUSH), b"s"), ((execute(1), FLUSH), b"s"),
                                        ((execute(0), SYNC), b"Z")]
        yield "portal that nobody described", not binary, [((parse(select), bind(result_format=binary), execute(), SYNC), b"Z")]
        yield "fetch in a simple query", True, [((query(f"begin; {cursor}; fetch 2 from k; fetch backward 1 from k; rollback"),), b"Z")]
        declared = ((query("begin; " + cursor),), b"Z")
        yield "fetch, described", True, [declared, ((*fetched, describe(b"P"), execute(), SYNC), b"Z")]
        yield "fetch, described as a statement", not binary, [declared, ((parse("fetch 2 from k", "f"), describe(b"S", "f"), SYNC), b"Z"),
                                                              ((bind(result_format=binary, name="f"), execute(), SYNC), b"Z")]
        yield "fetch that nobody described", not binary, [declared, ((*fetched, execute(), SYNC), b"Z")]
        yield "returning", True, [((query("begin"),), b"Z"), ((parse(inserted), bind(result_format=binary), describe(b"P"), execute(), SYNC), b"Z")]

    def cases(self):
        """(name, whether docs/policy-postgres.md says that it is not looked at, steps) of all of them."""
        for name, type_name, _ in COLUMNS:
            for binary in (TEXT, BINARY):
                for way, is_known, steps in self.ways(name, binary):
                    is_unread = binary and name in (BYTES_IN_BINARY if is_known else NUMBERS) or not binary and name == "by"
                    yield f"{type_name}, {'binary' if binary else 'text'}, {way}", bool(is_unread), steps
            for how, is_unread in (("text", name == "by"), ("csv", name == "by"), ("binary", name in NUMBERS)):
                copy = f"copy (select {name} from cards) to stdout (format {how})"
                yield f"{type_name}, copy {how}", is_unread, [((query(copy),), b"Z")]
                yield f"{type_name}, copy {how}, extended", is_unread, [((parse(copy), bind(), execute(), SYNC), b"Z")]
            if name not in ("j", "x", "by"):  # which have no order, or are written in other digits
                yield f"{type_name}, unique violation", False, [((query(f"begin; create unique index on cards ({name})"),), b"Z")]
            yield (f"{type_name}, notice", name == "by",
                   [((query(f"do $$ begin raise notice 'it is %', (select {name} from cards limit 1); end $$"),), b"Z")])
        for how in ("notice", "error"):
            yield how, False, [((query(f"select tell('{how}')"),), b"Z")]
            yield how + " extended", False, [((parse(f"select tell('{how}')"), bind(), execute(), SYNC), b"Z")]
        yield "copy in, and its error", False, [((query("begin; copy cards (t, i) from stdin (format csv)"),), b"G"),
                                                ((copy_data(f'"a {SECRET}",{SECRET}\n,{SECRET} is none\n'.encode()), COPY_DONE), b"Z")]
        value = SECRET.encode()
        row = struct.pack("!hi", 2, len(value)) + value + struct.pack("!i", 32) + value + b"." * 16
        copied = b"PGCOPY\n\xff\r\n\0" + bytes(8) + row + b"\xff\xff"
        yield "copied in, in binary", False, [((query("begin; copy cards (t, v) from stdin (format binary)"),), b"G"),
                                              ((*(copy_data(copied[i:i + 1]) for i in range(len(copied))), COPY_DONE), b"Z"),
                                              ((query("select v from cards where v ~ '[.]$'; rollback"),), b"Z")]
        yield "column name", False, [((query(f'select 1 as "{SECRET}"'),), b"Z")]
        yield "cast error", False, [((query("select ('no ' || t)::int from cards"),), b"Z")]
        yield "notification", False, [((query("listen l; select pg_notify('l', t) from cards"),), b"Z")]

    def bound(self):
        """Values that clients bind, and what becomes of them: those of which the type is said by Parse or by the description."""
        for name, type_name, _ in COLUMNS:
            for binary in (TEXT, BINARY):
                if binary and name in BYTES_IN_BINARY | {"di"} or name == "by":  # a domain that is bound is a type of one's own
                    continue
                value, oid = self.stored(name, binary)
                echo = (bind([value], [binary]), execute(), SYNC)
                case = f"{type_name}, bound in {'binary' if binary else 'text'}"
                yield case, [((parse("select $1::text", types=[oid]), *echo), b"Z")]
                yield case + ", described", [((parse(f"select $1::{type_name}::text", "s"), describe(b"S", "s"), SYNC), b"Z"),
                                             ((bind([value], [binary], name="s"), execute(), SYNC), b"Z")]

    def stored(self, name, binary):
        """A value as the server sends it, and the number of its type."""
        with self.wire_beside() as beside:
            [[value]] = cells(beside.ask(parse(f"select {name} from cards limit 1"), bind(result_format=binary), execute(), SYNC))
        return value, int(self.direct(f"select pg_typeof({name})::oid from cards limit 1"))

    def check(self, cases):
        for name, steps in cases:
            through, beside = self.shown(steps)
            with self.subTest(case=name):
                self.assertTrue(beside, "the server does not say it")
                self.assertFalse(through, "it comes through the appliance")

    def test_every_way_out_is_masked_or_said_not_to_be(self):
        cases = list(self.cases())
        self.check((name, steps) for name, is_unread, steps in cases if not is_unread)
        self.check(self.bound())
        function = int(self.direct("select 'text_of(text)'::regprocedure::oid"))
        self.check([("function", [((call(function, SECRET.encode()),), b"Z")])])
        self.check_unread([("setting", [((query("select 1 from cards where set_config('application_name', t, false) is null"),), b"Z")])])
        self.assert_nowhere()
        self.check_unread((name, steps) for name, is_unread, steps in cases if is_unread)

    def check_unread(self, cases):
        for name, steps in cases:
            with self.subTest(unread=name):
                self.assertEqual(self.shown(steps), [True, True], "docs/policy-postgres.md says that it is not looked at")

    def test_in_observe_all_of_it_comes_and_none_is_recorded(self):
        self.lab.write_policy(POLICY.replace("MODE", "observe"))
        self.addCleanup(self.lab.appliance.push, self.lab.policy)
        self.addCleanup(self.lab.write_policy, self.policy)
        self.lab.appliance.push(self.lab.policy)
        known = {one["id"] for one in self.sessions()}
        for name, is_unread, steps in self.cases():
            if not is_unread:
                with self.subTest(case=name):
                    self.assertEqual(self.shown(steps), [True, True])
        self.assert_nowhere(known)

    def assert_nowhere(self, known=()):
        """Neither in what the archive says of sessions, but those known, nor, where there are none such, in any file of the appliance."""
        def asked(one):
            return one["service"] == "shop" and one["id"] not in known

        self.assertTrue(wait_until(lambda: all(one["closed"] for one in filter(asked, self.sessions())), 10, 0.2))
        for path in self.files_of_appliance() if not known else ():
            with open(path, "rb") as file:
                self.assertEqual(places(file.read()), [], path)
        for one in filter(asked, self.sessions()):
            for unit in self.whole_session(one["id"])["units"]:
                for side in ("request", "response"):
                    for part in ("head", "body"):
                        self.assertFalse(found_in(recorded_bytes(unit[side].get(part))), f"{one['id']} unit {unit['unit']} {side} {part}")


if __name__ == "__main__":
    lab.main()
