"""A client of PostgreSQL that is nothing but the bytes of its messages (protocol 3.0): what it was sent can be looked at as it came."""

import struct


def text(value):
    return value.encode() + b"\0"


def message(kind, *parts):
    body = b"".join(parts)
    return kind + struct.pack("!I", len(body) + 4) + body


def query(sql):
    return message(b"Q", text(sql))


def parse(sql, name="", types=()):
    return message(b"P", text(name), text(sql), struct.pack(f"!H{len(types)}I", len(types), *types))


def bind(values=(), formats=(), result_format=0, portal="", name=""):
    sized = b"".join(struct.pack("!i", -1) if value is None else struct.pack("!I", len(value)) + value for value in values)
    return message(b"B", text(portal), text(name), struct.pack(f"!H{len(formats)}H", len(formats), *formats),
                   struct.pack("!H", len(values)), sized, struct.pack("!HH", 1, result_format))


def describe(target, name=""):
    return message(b"D", target, text(name))


def execute(rows=0, portal=""):
    return message(b"E", text(portal), struct.pack("!I", rows))


def call(function, argument, result_format=0):
    return message(b"F", struct.pack("!IHHHI", function, 1, 0, 1, len(argument)), argument, struct.pack("!H", result_format))


def copy_data(data):
    return message(b"d", data)


SYNC, FLUSH, COPY_DONE, TERMINATE = (message(kind) for kind in (b"S", b"H", b"c", b"X"))


class Wire:
    """One connection, open and ready. `received` is all that came since it was last taken."""

    def __init__(self, connection, user="ann", database="shop", **settings):
        self.connection = connection
        self.received = b""
        self.at = 0
        pairs = b"".join(text(name) + text(value) for name, value in {"user": user, "database": database, **settings}.items()) + b"\0"
        connection.sendall(struct.pack("!II", len(pairs) + 8, 3 << 16) + pairs)
        self.read_until(b"ZE")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        try:
            self.connection.sendall(TERMINATE)
        finally:
            self.connection.close()

    def ask(self, *messages, until=b"Z"):
        """Says it and reads up to the end of what is answered: [(kind, body)], the last of one of these kinds."""
        self.connection.sendall(b"".join(messages))
        return self.read_until(until)

    def read_until(self, kinds):
        out = []
        while not out or out[-1][0] not in kinds:
            header = self._take(5)
            length = struct.unpack("!I", header[1:])[0]
            out.append((header[:1], self._take(length - 4)))
        return out

    def take(self):
        """All bytes that came since the last time."""
        received, self.received, self.at = self.received, b"", 0
        return received

    def _take(self, count):
        while len(self.received) - self.at < count:
            part = self.connection.recv(65536)
            if not part:
                raise ConnectionError(f"the connection ended behind {self.received[-200:]!r}")
            self.received += part
        self.at += count
        return self.received[self.at - count:self.at]


def cells(messages):
    """Of all rows: the bytes of each cell, None for NULL."""
    out = []
    for kind, body in messages:
        if kind != b"D":
            continue
        at, row = 2, []
        for _ in range(struct.unpack("!H", body[:2])[0]):
            length = struct.unpack("!i", body[at:at + 4])[0]
            at += 4
            row.append(None if length < 0 else body[at:at + length])
            at += max(length, 0)
        out.append(row)
    return out
