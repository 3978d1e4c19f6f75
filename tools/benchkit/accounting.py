"""What the kernel says of time: that of a process, and of a core."""

import os
import re


def process_ns(pid):
    """{thread name: nanoseconds on a core}; threads of one name are added up. System time is in it, and the time of
    the kernel's helpers that belong to the process."""
    busy = {}
    for task in os.listdir(f"/proc/{pid}/task"):
        try:
            with open(f"/proc/{pid}/task/{task}/comm", encoding="ascii") as file:
                name = re.sub(r"-\d+$", "", file.read().strip())
            with open(f"/proc/{pid}/task/{task}/schedstat", encoding="ascii") as file:
                busy[name] = busy.get(name, 0) + int(file.read().split()[0])
        except (FileNotFoundError, ProcessLookupError):
            pass  # a kernel helper that has just ended
    return busy


def core_ticks(core):
    """(busy, all) ticks of a core since boot: interrupts are busy, waiting for a disk is not."""
    with open("/proc/stat", encoding="ascii") as file:
        for line in file:
            name, *ticks = line.split()
            if name == f"cpu{core}":
                ticks = [int(tick) for tick in ticks[:8]]  # guest time is in user time already
                return sum(ticks) - ticks[3] - ticks[4], sum(ticks)
    raise ValueError(f"/proc/stat knows no core {core}")


class Interval:
    """What passed between two moments: for a process by thread, and for a core as a share."""

    def __init__(self, pid, core):
        self.pid, self.core = pid, core
        self.before, self.ticks = process_ns(pid) if pid else {}, core_ticks(core)

    def end(self):
        """({thread name: nanoseconds}, share of the core that was busy)."""
        after = process_ns(self.pid) if self.pid else {}
        busy, every = (now - then for now, then in zip(core_ticks(self.core), self.ticks))
        return {name: ns - self.before.get(name, 0) for name, ns in after.items()}, busy / every if every else 0.0
