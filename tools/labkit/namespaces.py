"""Network namespaces, TAPs in them, and sockets that live in them."""

import contextlib
import ctypes
import os
import socket
import subprocess
import threading

_CLONE_NEWNET = 0x40000000
_libc = ctypes.CDLL(None, use_errno=True)


class LabError(Exception):
    """Something that the person at the terminal can act on."""


def run(*command, check=True):
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if check and done.returncode != 0:
        raise LabError(f"{' '.join(command)}: {done.stderr.strip() or 'failed'}")
    return done


def exists(name):
    return os.path.exists("/run/netns/" + name)


def create(name, tap, mac, *addresses, mtu=1500):
    """A namespace with loopback and one persistent TAP; the data plane attaches to the TAP and may come and go."""
    run("ip", "netns", "add", name)
    run("ip", "-n", name, "link", "set", "lo", "up")
    # What nobody asked for keeps quiet: no second family, no router solicitations, no duplicate address detection.
    ipv6 = any(":" in address for address in addresses)
    settings = (("disable_ipv6", 0 if ipv6 else 1), ("router_solicitations", 0), ("accept_dad", 0), ("accept_ra", 0))
    run("ip", "netns", "exec", name, "sysctl", "-qw", *(f"net.ipv6.conf.{scope}.{key}={value}"
                                                        for key, value in settings for scope in ("all", "default")))
    run("ip", "-n", name, "tuntap", "add", "dev", tap, "mode", "tap", "vnet_hdr")
    run("ip", "-n", name, "link", "set", tap, "address", mac, "mtu", str(mtu), "up")
    for address in addresses:
        run("ip", "-n", name, "address", "add", address, "dev", tap, *(["nodad"] if ":" in address else []))


def remove(name):
    """Ends nothing: processes that still run in the namespace keep it alive, without its name."""
    if exists(name):
        run("ip", "netns", "delete", name)


def pids_in(name):
    return [int(pid) for pid in run("ip", "netns", "pids", name, check=False).stdout.split()] if exists(name) else []


@contextlib.contextmanager
def inside(name):
    """The calling thread is in the namespace; sockets made there stay there."""
    with open(f"/proc/self/task/{threading.get_native_id()}/ns/net", "rb") as home, open("/run/netns/" + name, "rb") as there:
        _setns(there.fileno())
        try:
            yield
        finally:
            _setns(home.fileno())


def _setns(fd):
    if _libc.setns(fd, _CLONE_NEWNET) != 0:
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error))


def open_socket(name, kind=socket.SOCK_STREAM, family=socket.AF_INET):
    with inside(name):
        return socket.socket(family, kind)
