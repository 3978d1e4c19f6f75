"""A lab with a PostgreSQL server: who asks it through the appliance and who asks it beside it, and what was recorded."""

import base64
import os
import re

import lab
from labkit import namespaces
from labkit.postgres import Postgres

HERE = os.path.dirname(os.path.abspath(__file__))
CARD = "4111111111111111"
STARRED = "************1111"

POLICY = """\
services:
  - name: shop
    address: 10.77.0.2:5432
    protocol: postgres
    mode: enforce
    record: {class: routine, durability: group}
    rules: [pii/card, local/drop]
    after_window: stream
rules:
  - name: drop
    match: 'drop table customers'
    ignore_case: true
    where: [request]
    action: deny
retention: {routine: 90d}
"""


class PostgresLab(lab.LabTest):
    """One server for all tests of the class, in which `ann` may do everything and owns the database `shop`."""

    policy = POLICY
    settings = {}
    extensions = ()

    @classmethod
    def raise_lab(cls):
        super().raise_lab()
        cls.postgres = Postgres(cls.lab)
        cls.addClassCleanup(cls.postgres.down)
        cls.postgres.up(**cls.settings)
        for sql in ("create role ann login superuser", "create database shop owner ann"):
            cls.postgres.direct(sql)

    def through(self, *command):
        """What a client says that runs at the client's place."""
        return self.lab.in_client("timeout", "120", *command)

    def beside(self, *command):
        """The same client at the server's own place: what it says does not come by the appliance."""
        return namespaces.run("ip", "netns", "exec", self.lab.server, "timeout", "120", *command, check=False)

    def both(self, *command):
        return self.through(*command), self.beside(*command)

    def at(self, database="shop"):
        """Options of PostgreSQL's own programs."""
        return ("-h", self.lab.server_address, "-U", "ann", "-d", database)

    def direct(self, sql, database="shop"):
        done = self.postgres.direct(sql, "-d", database, "-A", "-t", "-v", "ON_ERROR_STOP=1")
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout.strip()

    def whole_session(self, session_id):
        """A session with all its units."""
        session, first = None, 0
        while True:
            part = self.session(session_id, 1000, first)
            if session is None:
                session = part
            else:
                session["units"] += part["units"]
            if not part.get("has_more"):
                return session
            first = part["units"][-1]["unit"] + 1


def recorded_bytes(shown):
    """Of what the API shows of a head or a body."""
    if not shown:
        return b""
    return shown["text"].encode() if "text" in shown else base64.b64decode(shown["base64"])


def recorded_values(body):
    """Texts and values of a recorded body in their order, None for NULL; rows are left out (docs/formats/segment.md)."""
    out, at, begin = [], 0, 0
    while at < len(body):
        mark = re.compile(rb"\n([\x00-\x03])([\x10-\x1f]*)([\x00-\x0f])").match(body, at)
        if mark is None:
            at += 1
            continue
        item, length = mark[1][0], 0
        for digit in mark[2] + mark[3]:
            length = length << 4 | digit & 15
        if item == 3:
            out.append(body[begin:at].decode())
        at = mark.end()
        if item == 2:
            out.append(None)
        if item == 1:
            out.append(body[at:at + length].decode("utf-8", "replace"))
            at += length
        begin = at
    return out


def statements(units):
    """What a session ran, as the server sees it: (statement, values) of each Query and Execute, in their order."""
    prepared, portals, out = {}, {}, []
    for unit in units:
        request = unit["request"]
        if not request["head"]["text"]:
            continue  # what the server said unasked
        kind, *names = re.findall(r'"[^"]*"|[A-Z]+', recorded_bytes(request["head"]).decode())
        values = recorded_values(recorded_bytes(request["body"]))
        if kind == "QUERY":
            out.append((values[0], []))
        elif kind == "PARSE":
            prepared[names[0]] = values[0]
        elif kind == "BIND":
            portals[names[0]] = (prepared[names[1]], values)
        elif kind == "EXECUTE":
            out.append(portals[names[0]])
    return out
