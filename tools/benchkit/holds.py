"""lab/hold/*: how soon a reviewer sees what a limit holds, and how soon what they approve reaches the server.

`visible` is from the first byte that the client sends to the line of `sluice holds watch`; `release` from the start of
`sluice holds approve` to the first byte at the server, so the time that a program takes to start is in it.
"""

import contextlib
import json
import queue
import socket
import subprocess
import threading
import time

from benchkit.figures import Figure, wanted
from labkit import namespaces
from labkit.namespaces import LabError

NAMES = ("lab/hold/visible", "lab/hold/release")
PORT = 8083  # of SERVICE
SERVICE = """\
  - name: held
    address: {address}:8083
    protocol: http
    mode: enforce
    limits:
      - {{per: service, rate: 1/h, burst: 1, then: hold}}
    hold: {{timeout: 5m}}
"""
_REQUEST = b"POST /call HTTP/1.1\r\nHost: held\r\nContent-Length: 5\r\n\r\nhello"
_ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
_PATIENCE = 20  # seconds


class Origin:
    """Answers one connection's requests, and says when the first byte of each came."""

    def __init__(self, lab):
        self.came = queue.Queue()
        self.listener = namespaces.open_socket(lab.server)
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listener.bind((lab.server_address, PORT))
        self.listener.listen()
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        connection, _ = self.listener.accept()
        with connection, contextlib.suppress(ConnectionResetError):  # the lab goes before its connections
            got = b""
            while part := connection.recv(65536):
                if not got:
                    self.came.put(time.monotonic())
                got += part
                if len(got) == len(_REQUEST):
                    connection.sendall(_ANSWER)
                    got = b""

    def close(self):
        self.listener.close()


class Watch:
    """`sluice holds watch`, line by line with the time of each."""

    def __init__(self, appliance):
        self.seen = queue.Queue()
        self.process = subprocess.Popen(appliance.cli_command("--json", "holds", "watch"), stdin=subprocess.DEVNULL,
                                        stdout=subprocess.PIPE, text=True)
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        for line in self.process.stdout:
            change = json.loads(line)
            if change["what"] == "opened":
                self.seen.put((time.monotonic(), change["hold"]))

    def close(self):
        self.process.terminate()
        self.process.wait()


def once(lab, client, watch, origin):
    """(ms until it is seen, ms until it is at the server) of one request."""
    crossed = time.monotonic()
    client.sendall(_REQUEST)
    seen, hold = watch.seen.get(timeout=_PATIENCE)
    if not origin.came.empty():
        raise LabError("a held request reached the server")
    decided = time.monotonic()
    done = lab.appliance.cli("holds", "approve", hold)
    if done.returncode != 0:
        raise LabError(f"holds approve: {done.stderr}")
    came = origin.came.get(timeout=_PATIENCE)
    _answer(client)
    return (seen - crossed) * 1000, (came - decided) * 1000


def _answer(client):
    got = b""
    while not got.endswith(b"ok"):
        part = client.recv(65536)
        if not part:
            raise LabError("the held connection was closed")
        got += part


def figures(lab, filters, runs, say):
    if not any(wanted(name, filters) for name in NAMES):
        return []
    say("lab/hold")
    origin, watch = Origin(lab), Watch(lab.appliance)
    client = namespaces.open_socket(lab.client)
    try:
        client.settimeout(_PATIENCE)
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        client.connect((lab.server_address, PORT))
        client.sendall(_REQUEST)  # the one that the limit lets pass
        _answer(client)
        origin.came.get(timeout=_PATIENCE)
        time.sleep(0.5)  # until the watch waits
        times = [once(lab, client, watch, origin) for _ in range(4 * runs)]
    except queue.Empty:
        raise LabError("lab/hold: a held request was not seen or not released") from None
    finally:
        client.close()
        watch.close()
        origin.close()
    return [Figure(name, "ms", list(samples)) for name, samples in zip(NAMES, zip(*times)) if wanted(name, filters)]
