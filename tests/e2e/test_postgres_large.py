#!/usr/bin/env python3
"""A result of any size passes as it comes: its rows unchanged, in memory that does not grow with it, the first while the server still works."""

import hashlib

import lab
from labkit import namespaces
from postgres_lab import PostgresLab
from postgres_wire import Wire, query

MIB = 1024 * 1024
SIZE = 1024 * MIB
WARM = 32 * MIB
MOST_GROWTH = 24 * MIB
ROW = 1011  # bytes of each DataRow message
READY = b"Z\0\0\0\5I"


def rows(size):
    return query(f"select md5(n::text) || repeat('x', 968) from generate_series(1, {size // ROW + 1}) n")


class PostgresLarge(PostgresLab):
    def wire(self):
        return Wire(self.connect(5432))

    def wire_beside(self):
        connection = namespaces.open_socket(self.lab.server)
        connection.settimeout(10)
        connection.connect((self.lab.server_address, 5432))
        return Wire(connection)

    def peak_bytes(self):
        """The most memory that the data plane ever had."""
        with open(f"/proc/{self.lab.appliance.dataplane.pid()}/status", encoding="ascii") as status:
            return next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM"))

    def test_a_large_result_passes_unchanged_in_bounded_memory(self):
        with self.wire() as wire, self.wire_beside() as beside:
            drained(wire, rows(WARM))
            before = self.peak_bytes()
            count, digest = drained(wire, rows(SIZE))
            grown = self.peak_bytes() - before
            self.assertGreater(count, SIZE)
            self.assertEqual((count, digest), drained(beside, rows(SIZE)))
        self.assertLess(grown, MOST_GROWTH)
        session = self.wait_for_sessions(1, seconds=60, of=lambda one: one["response_bytes"] > SIZE)[0]
        units = self.whole_session(session["id"])["units"]
        self.assertIn(SIZE // ROW + 1, [unit["response"].get("rows") for unit in units])

    def test_the_first_rows_come_while_the_server_works_on_the_rest(self):
        slow = "select repeat('x', 1000), case when n = 1000 then pg_sleep(20) end from generate_series(1, 2000) n"
        with self.wire() as wire:
            wire.ask(query(slow), until=b"D")
            self.assertEqual(self.direct("select state from pg_stat_activity where query like 'select repeat%'"), "active")
            self.direct("select pg_cancel_backend(pid) from pg_stat_activity where query like 'select repeat%'")
            self.assertIn(b"C57014", dict(wire.read_until(b"Z"))[b"E"])


def drained(wire, asked):
    """What the answer comes to: its bytes, and their SHA-256."""
    wire.connection.sendall(asked)
    count, digest, end = 0, hashlib.sha256(), b""
    while end != READY:
        part = wire.connection.recv(MIB)
        if not part:
            raise ConnectionError(f"the connection ended behind {count} bytes")
        count += len(part)
        digest.update(part)
        end = (end + part)[-len(READY):]
    return count, digest.hexdigest()


if __name__ == "__main__":
    lab.main()
