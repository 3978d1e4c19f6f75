"""Control's HTTP/JSON API over its Unix socket: what the CLI speaks too."""

import http.client
import json
import socket

from labkit.namespaces import LabError


class _Connection(http.client.HTTPConnection):
    def __init__(self, path, seconds):
        super().__init__("control", timeout=seconds)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


def call(socket_path, method, path, body=None, seconds=60):
    """(status, body). OSError when control does not answer."""
    connection = _Connection(socket_path, seconds)
    try:
        connection.request(method, path, body)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def get(socket_path, path):
    """The JSON answer; LabError says what control said when it said no."""
    status, body = call(socket_path, "GET", path)
    answer = json.loads(body)
    if status != 200:
        raise LabError(f"{path}: {answer.get('message')}: {answer.get('detail')}")
    return answer
