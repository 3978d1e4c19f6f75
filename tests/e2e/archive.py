"""Reads segments by docs/formats/segment.md alone, with no code of the project: a second pair of eyes.

Only what the tests ask is read: whether blocks are whole, and each record's number, session and worker.
"""

import os
import struct

_TABLE = [0] * 256
for _byte in range(256):
    _value = _byte
    for _ in range(8):
        _value = (_value >> 1) ^ (0x82F63B78 if _value & 1 else 0)
    _TABLE[_byte] = _value


def crc32c(data):
    value = 0xFFFFFFFF
    for byte in data:
        value = _TABLE[(value ^ byte) & 255] ^ (value >> 8)
    return value ^ 0xFFFFFFFF


def segments(folder):
    return sorted(os.path.join(directory, name)
                  for directory, _, names in os.walk(folder) for name in names if name.endswith(".seg"))


def records(folder):
    """{(run, worker): set of record numbers} of all segments; an AssertionError names what is broken."""
    found = {}
    for path in segments(folder):
        for run, worker, number in _records_of(path):
            numbers = found.setdefault((run, worker), set())
            assert number not in numbers, f"{path}: record {number} of worker {worker} stands twice"
            numbers.add(number)
    return found


def _records_of(path):
    with open(path, "rb") as file:
        data = file.read()
    if not data[:4096].strip(b"\0"):
        return
    assert data[:8] == b"SLUICSEG", f"{path}: no segment"
    assert crc32c(data[:4092]) == _u32(data, 4092), f"{path}: header checksum"
    segment_id, run = _u64(data, 64), _u64(data, 80)
    offset, expected = 4096, 0
    while offset + 128 <= len(data) and data[offset:offset + 8] == b"SLUICBLK":
        stored = _u32(data, offset + 40)
        payload = data[offset + 128:offset + 128 + stored]
        # What breaks here is the tail of a writer that died; the caller knows what was acknowledged.
        if crc32c(data[offset + 12:offset + 128]) != _u32(data, offset + 8) or _u64(data, offset + 16) != segment_id:
            return
        if _u64(data, offset + 24) != expected or len(payload) != stored:
            return
        if data[offset + 52] == 1:  # the footer
            return
        yield from ((run, worker, number) for worker, number in _records_in(payload))
        expected += 1
        offset += (128 + stored + 4095) // 4096 * 4096


def _records_in(payload):
    position = 0
    while position < len(payload):
        size = _u32(payload, position)
        record = payload[position + 4:position + 4 + size]
        yield _field(record, 2, 1), _field(record, 0, 8)
        position += 4 + size


def _field(buffer, index, size):
    """A scalar of the root table of a FlatBuffers buffer; 0 when it is absent."""
    table = _u32(buffer, 0)
    vtable = table - struct.unpack_from("<i", buffer, table)[0]
    slot = 4 + 2 * index
    if slot >= struct.unpack_from("<H", buffer, vtable)[0]:
        return 0
    offset = struct.unpack_from("<H", buffer, vtable + slot)[0]
    return int.from_bytes(buffer[table + offset:table + offset + size], "little") if offset else 0


def _u32(data, offset):
    return struct.unpack_from("<I", data, offset)[0]


def _u64(data, offset):
    return struct.unpack_from("<Q", data, offset)[0]


assert crc32c(b"123456789") == 0xE3069283
