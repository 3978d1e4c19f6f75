"""Processes that outlive the command that started them, and are ended only when they are surely ours.

A pid file holds the pid and the start time of the process (from /proc), so that a pid that was given to another
process meanwhile is never touched.
"""

import os
import signal
import subprocess
import time


def start_time(pid):
    """When the process started, in clock ticks since boot; None when there is none, or only its remains.

    A killed process whose first thread is gone lives on, with its files and locks, until its last thread is.
    """
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as file:
            fields = file.read().rpartition(")")[2].split()
        threads = len(os.listdir(f"/proc/{pid}/task"))
    except OSError:
        return None
    return None if fields[0] in "ZX" and threads <= 1 else fields[19]


class Daemon:
    """One named process with its pid file and log in a folder."""

    def __init__(self, name, folder):
        self.name = name
        self.pid_file = os.path.join(folder, name + ".pid")
        self.log_file = os.path.join(folder, name + ".log")
        self.child = None

    def start(self, command, core=None, namespace=None, limits=None, cwd="/", env=None):
        """Starts it, pinned to a core and in a network namespace if wanted. It must not be running."""
        assert self.pid() is None, f"{self.name} runs already"
        if core is not None and core in os.sched_getaffinity(0):
            command = ["taskset", "-c", str(core), *command]
        if namespace:
            command = ["ip", "netns", "exec", namespace, *command]
        with open(self.log_file, "ab") as log:
            # Both wrappers replace themselves by the program, so the child's pid is the program's.
            self.child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT,
                                          cwd=cwd, env=env, start_new_session=True, preexec_fn=limits)
        with open(self.pid_file, "w", encoding="ascii") as file:
            file.write(f"{self.child.pid} {start_time(self.child.pid)}\n")

    def pid(self):
        """Its pid while it runs, else None."""
        if self.child is not None:
            self.child.poll()  # takes note of a child that ended
        try:
            with open(self.pid_file, encoding="ascii") as file:
                pid, started = file.read().split()
        except (OSError, ValueError):
            return None
        return int(pid) if start_time(int(pid)) == started else None

    def stop(self, seconds=10):
        """Asks it to end, and insists when it does not within the time. Says how it went: gone, ended or killed."""
        pid = self.pid()
        how = "gone"
        if pid is not None:
            how = "ended"
            os.kill(pid, signal.SIGTERM)
            if not self.wait_gone(seconds):
                how = "killed"
                self.kill()
        self._forget()
        return how

    def kill(self):
        """kill -9, and waits until it is gone."""
        pid = self.pid()
        if pid is not None:
            os.kill(pid, signal.SIGKILL)
            self.wait_gone(10)
        self._forget()

    def wait_gone(self, seconds):
        return wait_until(lambda: self.pid() is None, seconds)

    def _forget(self):
        if self.child is not None:
            self.child.poll()
        if os.path.exists(self.pid_file):
            os.remove(self.pid_file)

    def log(self):
        try:
            with open(self.log_file, encoding="utf-8", errors="replace") as file:
                return file.read()
        except OSError:
            return ""


def wait_until(condition, seconds, step=0.02):
    """True as soon as the condition holds, False when it does not within the time."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(step)
    return True
