"""What the end-to-end tests share: a lab of their own, odd servers, raw clients, and a look at the archive.

A test program raises one lab for each of its classes and takes it down again. Servers that a test needs to misbehave
run inside the test itself, on a socket that lives in the server's namespace.
"""

import hashlib
import http.client
import io
import os
import signal
import socket
import struct
import sys
import threading
import unittest
import weakref

_HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(_HERE, "..", "..", "tools"), os.path.join(_HERE, "..", "support")]

from labkit import api, namespaces  # noqa: E402
from labkit.lab import Lab  # noqa: E402
from labkit.processes import wait_until  # noqa: E402
import unittest_report  # noqa: E402

ODD_PORT = 8081
BIG = os.environ.get("SLUICE_E2E_BIG") == "1"

# `orders` is nginx; `odd` is whatever server a test brings along.
POLICY = """\
services:
  - name: orders
    address: 10.77.0.2:8080
    protocol: http
    mode: enforce
    record: {class: routine, durability: group}
    rules: [pii/*]
  - name: odd
    address: 10.77.0.2:8081
    protocol: http
    mode: enforce
    record: {class: routine, durability: group}
    rules: [pii/*]
principals:
  - {name: lab-client, from: 10.77.0.64/26}
retention: {routine: 90d}
"""

def main():
    """Runs the tests of the program. Takes its lab down however it ends; skipped when not root."""
    if os.geteuid() != 0:
        print("the lab makes network namespaces: only root can run this")
        sys.exit(77)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        unittest_report.main()
    finally:
        take_down(LabTest)


def take_down(test):
    if test.lab is not None:
        test.lab.down()
    for kind in test.__subclasses__():
        take_down(kind)


def free_port():
    """A TCP port of the loopback that nobody listens at now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class LabTest(unittest.TestCase):
    """One lab for all tests of the class."""

    policy = POLICY
    lab = None

    @classmethod
    def new_lab(cls):
        return Lab(os.environ.get("SLUICE_LAB", "sluice") + "-e2e")

    @classmethod
    def raise_lab(cls):
        cls.lab.up(cls.policy)

    @classmethod
    def setUpClass(cls):
        cls.lab = cls.new_lab()
        cls.addClassCleanup(cls.lab.down)
        try:
            cls.raise_lab()
        except unittest.SkipTest:
            raise
        except Exception:
            cls.show_logs()
            raise

    @classmethod
    def show_logs(cls, lines=25):
        for daemon in (cls.lab.appliance.dataplane, cls.lab.appliance.control, cls.lab.nginx):
            tail = daemon.log().splitlines()[-lines:]
            print(f"--- {daemon.name} {'runs' if daemon.pid() else 'does not run'}; the end of its log:", *tail, sep="\n    ")

    def run(self, result=None):
        failed_before = len(result.failures) + len(result.errors)
        super().run(result)
        if len(result.failures) + len(result.errors) > failed_before:
            self.show_logs()
        return result

    # Clients.

    def connect(self, port=Lab.port, seconds=10, address=Lab.server_address):
        """A TCP connection from the client's namespace to the server's own address."""
        client = namespaces.open_socket(self.lab.client)
        client.settimeout(seconds)
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        client.connect((address, port))
        return client

    def ask(self, head, body=b"", port=Lab.port):
        """One request on its own connection; the response with its body read."""
        with self.connect(port) as client:
            client.sendall(head.encode() + b"\r\n\r\n" + body)
            return read_response(client, head.split(" ", 1)[0])

    def get(self, path, *headers, port=Lab.port):
        return self.ask("\r\n".join([f"GET {path} HTTP/1.1", "Host: orders", *headers]), port=port)

    # The record.

    def sessions(self, limit=10000):
        """What the archive knows of the newest sessions."""
        return api.get(self.lab.appliance.api, f"/v1/sessions?limit={limit}")["sessions"]

    def session(self, session_id, units=1000, first=0):
        """A session with its exchanges."""
        return api.get(self.lab.appliance.api, f"/v1/sessions/{session_id}?limit={units}&from={first}")

    def recorded_body(self, session_id, unit, direction):
        """The whole body as the archive has it."""
        status, body = api.call(self.lab.appliance.api, "GET", f"/v1/sessions/{session_id}/units/{unit}/{direction}/body")
        self.assertEqual(status, 200, body[:500])
        return body

    def counters(self):
        return self.lab.appliance.status()["counters"]

    def drops(self, reason):
        """How often something was dropped or refused for this reason so far."""
        counters = self.counters()
        return counters["drops"].get(reason, 0) if counters else 0

    def assert_counted(self, reason, before):
        self.assertTrue(wait_until(lambda: self.drops(reason) > before, 5, 0.2), f"{reason} was not counted")

    def wait_for_sessions(self, count, seconds=10, of=lambda session: True):
        """The closed sessions in the archive that `of` picks, as soon as there are `count` of them."""
        found = []

        def enough():
            found[:] = [one for one in self.sessions() if one["closed"] and of(one)]
            return len(found) >= count

        wait_until(enough, seconds, 0.1)
        self.assertEqual(len(found), count, "closed sessions in the archive")
        return found

    def session_of(self, client_address):
        """The closed session of a client's (address, port)."""
        name = "%s:%d" % client_address
        return self.wait_for_sessions(1, of=lambda session: session["client"] == name)[0]

    def assert_nowhere_on_disk(self, secrets):
        """None of the strings lies in the archive, in a log or in any other file of the appliance."""
        for path in self.files_of_appliance():
            with open(path, "rb") as file:
                data = file.read()
            for secret in secrets:
                self.assertNotIn(secret.encode(), data, f"{secret} lies in {path}")

    def files_of_appliance(self):
        appliance = self.lab.appliance
        found = [appliance.control.log_file, appliance.dataplane.log_file]
        for directory, _, names in os.walk(appliance.state):
            found += [os.path.join(directory, name) for name in names]
        return [path for path in found if os.path.isfile(path)]

    def archive_bytes(self):
        return sum(os.path.getsize(os.path.join(directory, name))
                   for directory, _, names in os.walk(self.lab.appliance.archive) for name in names)


class _Reader(io.BufferedReader):
    """What http.client reads a response from. One for each connection, so that nothing of a pipeline is lost."""

    readers = weakref.WeakKeyDictionary()

    @classmethod
    def of(cls, connection):
        if connection not in cls.readers:
            cls.readers[connection] = cls(socket.SocketIO(connection, "r"))
        return cls.readers[connection]

    def makefile(self, *_):
        return self

    def close(self):
        """http.client closes what it has read from; the connection lives on."""


def read_response(client, method="GET"):
    """The next final response on the connection; .text is its body."""
    response = http.client.HTTPResponse(_Reader.of(client), method=method)
    response.begin()
    response.text = response.read()
    return response


def read_to_end(client):
    """Everything until the peer closes or resets: (bytes, whether it was a reset)."""
    parts = []
    while True:
        try:
            part = client.recv(65536)
        except ConnectionResetError:
            return b"".join(parts), True
        if not part:
            return b"".join(parts), False
        parts.append(part)


def read_head(connection):
    """Reads one request head (and whatever came with it): (head, rest), or None at the end of the connection."""
    data = b""
    while b"\r\n\r\n" not in data:
        part = connection.recv(65536)
        if not part:
            return None
        data += part
    head, _, rest = data.partition(b"\r\n\r\n")
    return head.decode("latin-1"), rest


class Server:
    """Runs `handle(connection)` in a thread for every connection to a port of the server's namespace, or to a path."""

    def __init__(self, lab, handle, port=ODD_PORT, path=None):
        self.handle = handle
        if path is None:
            self.listener = namespaces.open_socket(lab.server)
            self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            self.listener.bind((lab.server_address, port))
        else:
            self.listener = socket.socket(socket.AF_UNIX)
            if os.path.exists(path):
                os.remove(path)
            self.listener.bind(path)
        self.listener.listen(1024)
        self.peers = []
        self.problems = []
        self.thread = threading.Thread(target=self._accept, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.thread.join(5)

    def _accept(self):
        while True:
            try:
                connection, peer = self.listener.accept()
            except OSError:
                return
            self.peers.append(peer)
            if connection.family != socket.AF_UNIX:
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection.settimeout(20)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        with connection:
            try:
                self.handle(connection)
            except (ConnectionError, socket.timeout) as problem:
                self.problems.append(problem)


def internet_checksum(data):
    """RFC 1071, of an even number of bytes."""
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    total = (total >> 16) + (total & 0xFFFF)
    return ~(total + (total >> 16)) & 0xFFFF


def sha256(data):
    return hashlib.sha256(data).hexdigest()
