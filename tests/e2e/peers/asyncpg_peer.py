#!/usr/bin/env python3
"""Everyday work with asyncpg (binary values, prepared statements, portals); see psycopg2_peer.py."""

import asyncio
import io
import sys

import asyncpg

CARD = "4111111111111111"


def say(*what):
    print(*what, flush=True)


def shown(value):
    """Of what has no text of its own, its points."""
    if isinstance(value, list):
        return [shown(one) for one in value]
    return (type(value).__name__, list(value)) if isinstance(value, (asyncpg.Path, asyncpg.Polygon)) else value


class Peer:
    def __init__(self, host, database, types):
        # Without jit: what asyncpg asks about types takes the server long enough to compile it.
        settings = {"application_name": "asyncpg", "jit": "off"}
        self.address = {"host": host, "database": database, "user": "ann", "server_settings": settings}
        self.types = types
        self.card = CARD
        self.connection = None

    async def run(self, what):
        self.connection = await asyncpg.connect(**self.address)
        await getattr(self, what)()
        await self.connection.close()
        say("done")

    async def rows(self, sql, *values):
        return [tuple(row) for row in await self.connection.fetch(sql, *values)]

    async def fails(self, sql, *values):
        try:
            say("no error", await self.rows(sql, *values))
        except asyncpg.PostgresError as error:
            say("error", error.sqlstate, error.severity, error.message, error.hint, error.constraint_name)

    async def work(self):
        for part in (self.schema, self.all_types, self.arguments, self.transactions, self.errors, self.pipelines, self.undone_pipeline,
                     self.cursors, self.moved_cursors, self.copies, self.notifications, self.cancel):
            say("---", part.__name__)
            await part()
        say(await self.connection.execute("drop schema asyncpg cascade"))

    async def rerun(self):
        """What gives the same when it is done again elsewhere: the record masks nothing of it, no pipeline is undone, no
        cursor that is a portal is moved."""
        self.card = "no card"
        for part in (self.schema, self.all_types, self.arguments, self.transactions, self.errors, self.pipelines, self.cursors, self.copies):
            await part()
        say(await self.connection.execute("drop schema asyncpg cascade"))

    async def schema(self):
        for sql in ("drop schema if exists asyncpg cascade", "create schema asyncpg", "set search_path to asyncpg",
                    "create table items (id int primary key, name text, price numeric, card text, data bytea)"):
            say(await self.connection.execute(sql))

    async def all_types(self):
        for name, text in self.types:
            quoted = text.replace("'", "''")
            try:
                say(name, repr(shown(await self.connection.fetchval(f"select '{quoted}'::{name} as it"))))
            except (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError) as error:
                say(name, type(error).__name__, error)
            try:
                say(name, repr(shown(await self.connection.fetchval(f"select array['{quoted}', null]::{name}[]"))))
            except (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError) as error:
                say(name, type(error).__name__, error)

    async def arguments(self):
        statement = await self.connection.prepare(
            "select $1::int4 + 1, $2::text || '!', $3::bytea, $4::float8, $5::numeric, $6::int4[], $7::jsonb, $8::date, $9::bool")
        say([(one.name, one.type.name) for one in statement.get_attributes()], [one.name for one in statement.get_parameters()])
        for i in range(5):
            say(await statement.fetch(i, f"text {i}", bytes([i, 0, 255]), i / 3, None, [i, None], '{"i": %d}' % i, None, i % 2 == 0))

    async def transactions(self):
        try:
            async with self.connection.transaction():
                await self.connection.execute("insert into items values (1, 'one', 1.5)")
                raise ValueError("roll it back")
        except ValueError as error:
            say(error, await self.rows("select * from items"))
        async with self.connection.transaction(isolation="serializable"):
            await self.connection.execute("insert into items values ($1, $2, $3, $4)", 1, "one", 2, self.card)
            try:
                async with self.connection.transaction():
                    await self.connection.execute("insert into items values (1)")
            except asyncpg.UniqueViolationError as error:
                say(error.sqlstate, error.detail)
        say(await self.rows("select * from items"))

    async def errors(self):
        await self.fails("select * from nowhere")
        await self.fails("selec")
        await self.fails("select 1/$1::int4", 0)
        await self.fails("insert into items values ($1)", 1)
        heard = []
        self.connection.add_log_listener(lambda _, message: heard.append((message.severity, message.message)))
        await self.connection.execute("do $$ begin raise notice 'a notice'; raise warning 'a warning'; end $$")
        await asyncio.sleep(0)
        say(heard)
        say(await self.connection.execute("select 1; select 2; create table more (i int)"))
        await self.fails("select 'still here'")

    async def pipelines(self):
        await self.connection.executemany("insert into items values ($1, $2, $3, null, $4)",
                                          [(i, f"item {i}", i, bytes(i % 300)) for i in range(10, 3000)])
        say(await self.rows("select count(*), sum(id), sum(length(data)) from items"))

    async def undone_pipeline(self):
        try:
            await self.connection.executemany("insert into items (id) values ($1)", [(i,) for i in range(3000, 5000)] + [(10,)] +
                                              [(i,) for i in range(5000, 7000)])
        except asyncpg.UniqueViolationError as error:
            say(error.sqlstate, error.message)
        say(await self.rows("select count(*), sum(id), sum(length(data)) from items"))

    async def cursors(self):
        async with self.connection.transaction():
            total = 0
            query = "select i, repeat(md5(i::text), 4) from generate_series(1, $1::int4) i"
            async for number, text in self.connection.cursor(query, 20000, prefetch=333):
                total = (total * 31 + number + len(text) + ord(text[0])) % 1000003
            say(total)
        say(len(await self.connection.fetchval("select repeat('x', 3000000)")))

    async def moved_cursors(self):
        async with self.connection.transaction():
            cursor = await self.connection.cursor("select i from generate_series(1, 100) i")
            say(await cursor.fetch(3), await cursor.forward(10), await cursor.fetchrow(), len(await cursor.fetch(1000)))

    async def copies(self):
        records = [(i, f"copied {i}", None, self.card if i == 10005 else "a card", b"\0\1\2") for i in range(10000, 14000)]
        say(await self.connection.copy_records_to_table("items", records=records))
        text = "".join(f"{i},\"quoted, {i}\",1.25,,\n" for i in range(20000, 22000))
        say(await self.connection.copy_to_table("items", source=io.BytesIO(text.encode()), format="csv"))
        for how in ("text", "csv", "binary"):
            out = io.BytesIO()
            done = await self.connection.copy_from_query("select id, name, card, data from items where id between $1 and $2 order by id",
                                                         10000, 10050, output=out, format=how)
            say(how, done, out.getvalue())
        try:
            await self.connection.copy_records_to_table("items", records=[(10000, "twice", None, None, None)])
        except asyncpg.UniqueViolationError as error:
            say(error.sqlstate, error.message)
        out = io.BytesIO()
        await self.connection.copy_from_table("items", output=out)
        say(len(out.getvalue()), out.getvalue()[-2000:])

    async def notifications(self):
        heard = asyncio.Queue()
        await self.connection.add_listener("news", lambda _, __, channel, payload: heard.put_nowait((channel, payload)))
        other = await asyncpg.connect(**self.address)
        await other.execute("select pg_notify('news', 'payload ' || i) from generate_series(1, 3) i")
        await other.close()
        say([await asyncio.wait_for(heard.get(), 10) for _ in range(3)])

    async def cancel(self):
        try:
            await self.connection.execute("select pg_sleep(30)", timeout=0.5)
            say("it was not cancelled")
        except asyncio.TimeoutError:
            say("timed out")
        say(await self.rows("select 'after the cancel', state from pg_stat_activity where pid = pg_backend_pid()"))
        await self.connection.execute("set statement_timeout = '200ms'")
        await self.fails("select pg_sleep($1)", 30)
        await self.connection.execute("set statement_timeout = 0")

    async def denied(self):
        await self.fails("drop table customers")
        say(await self.rows("select 'goes on'"))
        transaction = self.connection.transaction()
        await transaction.start()
        await self.fails("drop table customers")
        await self.fails("select 1")
        await transaction.rollback()
        try:
            await self.connection.execute("drop table customers")
        except asyncpg.PostgresError as error:
            say("error", error.sqlstate, error.message)
        say(await self.rows("select 'and on'"))


def main():
    what, host, database, types = sys.argv[1:]
    with open(types, encoding="utf-8") as file:
        listed = [line.rstrip("\n").split("\t", 1) for line in file]
    asyncio.run(Peer(host, database, listed).run(what))


main()
