#!/usr/bin/env python3
"""Everyday work with psycopg2; what it prints is the same whatever lies between it and the server.

Usage: psycopg2_peer.py work|denied HOST DATABASE TYPES
"""

import io
import select
import sys
import threading

import psycopg2
import psycopg2.extras
from psycopg2 import errors

CARD = "4111111111111111"


def say(*what):
    print(*what, flush=True)


class Peer:
    def __init__(self, host, database, types):
        self.address = f"host={host} dbname={database} user=ann application_name=psycopg2"
        self.connection = psycopg2.connect(self.address)
        self.types = types

    def rows(self, sql, values=None):
        with self.connection.cursor() as cursor:
            cursor.execute(sql, values)
            say(cursor.statusmessage, cursor.rowcount, [column.name for column in cursor.description or ()])
            return cursor.fetchall() if cursor.description else []

    def fails(self, sql, values=None):
        try:
            self.rows(sql, values)
            say("no error")
        except psycopg2.Error as error:
            say("error", error.pgcode, error.diag.severity, error.diag.message_primary, error.diag.message_hint,
                error.diag.constraint_name)

    def work(self):
        self.connection.autocommit = True
        for part in (self.schema, self.all_types, self.transactions, self.errors, self.batches, self.large_result, self.copies,
                     self.large_object, self.notifications, self.cancel):
            say("---", part.__name__)
            part()
        self.rows("drop schema psycopg2 cascade")
        self.connection.close()
        say("done")

    def schema(self):
        self.rows("drop schema if exists psycopg2 cascade")
        self.rows("create schema psycopg2")
        self.rows("set search_path to psycopg2")
        self.rows("create table items (id int primary key, name text, price numeric, card text)")

    def all_types(self):
        for name, text in self.types:
            value = self.rows(f"select %s::{name} as it", (text,))[0][0]
            say(name, repr(bytes(value) if isinstance(value, memoryview) else value))
        say(self.rows("select %s, %s, %s, %s, %s", (None, 1, 1.5, True, [1, None, 3])))

    def transactions(self):
        self.connection.autocommit = False
        self.rows("insert into items values (1, 'one', 1.5, null)")
        self.connection.rollback()
        say(self.rows("select * from items"))
        self.rows("insert into items values (1, 'one', 1.5, %s)", (CARD,))
        self.rows("savepoint here")
        self.fails("insert into items values (1, 'again', 0, null)")
        say(self.connection.get_transaction_status())
        self.rows("rollback to savepoint here")
        self.connection.commit()
        say(self.rows("select * from items"))
        self.connection.commit()
        self.connection.autocommit = True

    def errors(self):
        self.fails("select * from nowhere")
        self.fails("selec")
        self.fails("select 1/%s", (0,))
        self.fails("insert into items values (1, 'twice', 0, null)")
        self.rows("do $$ begin raise notice 'a notice'; raise warning 'a warning'; end $$")
        say(self.connection.notices)
        self.fails("do $$ begin raise exception 'mine' using errcode = 'P9999', hint = 'a hint'; end $$")
        say(self.rows("select 'still here'; select 'the last of two'"))

    def batches(self):
        with self.connection.cursor() as cursor:
            psycopg2.extras.execute_values(cursor, "insert into items values %s",
                                           [(i, f"item {i}", i / 4, None) for i in range(10, 600)])
            say(cursor.statusmessage)
            cursor.executemany("update items set name = %s where id = %s", [(f"new {i}", i) for i in range(10, 40)])
            say(cursor.statusmessage)
            psycopg2.extras.execute_batch(cursor, "delete from items where id = %s", [(i,) for i in range(500, 600)])
        say(self.rows("prepare find (int) as select name from items where id = $1"))
        say(self.rows("execute find (%s)", (10,)), self.rows("execute find (%s)", (11,)))
        self.rows("deallocate find")

    def large_result(self):
        self.connection.autocommit = False
        with self.connection.cursor("large") as cursor:
            cursor.itersize = 500
            cursor.execute("select i, repeat(md5(i::text), 4) from generate_series(1, 20000) i")
            total = 0
            for number, text in cursor:
                total = (total * 31 + number + len(text) + ord(text[0])) % 1000003
            say(total)
        with self.connection.cursor("scrolled", scrollable=True) as cursor:
            cursor.execute("select i from generate_series(1, 100) i")
            cursor.scroll(50)
            say(cursor.fetchmany(3))
            cursor.scroll(-10)
            say(cursor.fetchone())
        self.connection.commit()
        self.connection.autocommit = True
        say(len(self.rows("select repeat('x', 3000000)")[0][0]))

    def copies(self):
        with self.connection.cursor() as cursor:
            cards = {1005: CARD, 1006: "tab\\there"}
            text = "".join(f"{i}\tcopied {i}\t\\N\t{cards.get(i, '')}\n" for i in range(1000, 3000))
            cursor.copy_expert("copy items from stdin", io.StringIO(text))
            say(cursor.statusmessage)
            rows = "select id, name, card from items where id between 1000 and 1100 order by id"
            for how in ("text", "csv, header", "binary"):
                out = io.BytesIO()
                cursor.copy_expert(f"copy ({rows}) to stdout with (format {how})", out)
                say(how, cursor.statusmessage, out.getvalue())
            try:
                cursor.copy_expert("copy items from stdin", io.StringIO("5000\tgood\t1\tx\nnot a number\tbad\t1\tx\n"))
            except psycopg2.Error as error:
                say(error.pgcode, error.diag.message_primary, error.diag.context)
        say(self.rows("select count(*) from items where id >= 5000"))

    def large_object(self):
        self.connection.autocommit = False
        thing = self.connection.lobject(0, "wb")
        thing.write(bytes(range(256)) * 700)
        thing.seek(1000)
        thing.close()
        read = self.connection.lobject(thing.oid, "rb").read()
        say(len(read), read == bytes(range(256)) * 700)
        self.connection.lobject(thing.oid).unlink()
        self.connection.commit()
        self.connection.autocommit = True

    def notifications(self):
        self.rows("listen news")
        other = psycopg2.connect(self.address)
        other.autocommit = True
        with other.cursor() as cursor:
            cursor.execute("select pg_notify('news', 'payload ' || i) from generate_series(1, 3) i")
        other.close()
        while len(self.connection.notifies) < 3:
            if select.select([self.connection], [], [], 10) == ([], [], []):
                break
            self.connection.poll()
        say([(one.channel, one.payload) for one in self.connection.notifies])

    def cancel(self):
        timer = threading.Timer(0.5, self.connection.cancel)
        timer.start()
        try:
            self.rows("select pg_sleep(30)")
            say("it was not cancelled")
        except errors.QueryCanceled as error:
            say(error.pgcode, error.diag.message_primary)
        timer.join()
        say(self.rows("select 'after the cancel'"))

    def denied(self):
        self.connection.autocommit = True
        self.fails("drop table customers")
        say(self.rows("select 'goes on'"))
        self.connection.autocommit = False
        self.rows("select 'in a transaction'")
        self.fails("drop table customers")
        self.fails("select 1")
        self.connection.rollback()
        say(self.rows("select 'and on'"))
        say("done")


def main():
    what, host, database, types = sys.argv[1:]
    with open(types, encoding="utf-8") as file:
        listed = [line.rstrip("\n").split("\t", 1) for line in file]
    getattr(Peer(host, database, listed), what)()


main()
