#!/usr/bin/env python3
"""Reads one row of every type with asyncpg, which takes all in binary, twice (the second time by the statement that is
prepared already), and binds values in binary. Prints JSON: column, the value as Python shows it."""

import asyncio
import json
import sys

import asyncpg


async def main(host, sql, bound):
    connection = await asyncpg.connect(host=host, database="shop", user="ann")
    statement = await connection.prepare(sql)
    rows = [await statement.fetchrow() for _ in range(2)]
    assert rows[0] == rows[1], "the same statement, run again"
    found = {name: repr(value) for name, value in rows[0].items()}
    found["bound"] = repr(await connection.fetchval("select $1::int8", int(bound)))
    await connection.close()
    print(json.dumps(found))


asyncio.run(main(*sys.argv[1:]))
