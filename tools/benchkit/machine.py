"""The leading row of a run: on what machine it was, of which commit, with which seed and rules."""

import datetime
import os
import platform
import subprocess

from benchkit import payload
from benchkit.figures import META

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def _first(path, key):
    try:
        with open(path, encoding="utf-8") as file:
            return next((line.partition(":")[2].strip() for line in file if line.startswith(key)), "")
    except OSError:
        return ""


def _output(*command):
    try:
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False).stdout.strip()
    except OSError:
        return ""


def meta(options):
    changed = _output("git", "status", "--porcelain", "--untracked-files=no")
    return {
        "name": META,
        "commit": _output("git", "rev-parse", "--short=12", "HEAD") + ("+changes" if changed else ""),
        "date": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M UTC"),
        "processor": _first("/proc/cpuinfo", "model name"),
        "cores": len(os.sched_getaffinity(0)),
        "memory": f"{round(int(_first('/proc/meminfo', 'MemTotal').split()[0]) / 2**20)} GiB",
        "hugepages": int(_first("/proc/meminfo", "HugePages_Total") or 0),
        "kernel": platform.release(),
        "hypervisor": "hypervisor" in _first("/proc/cpuinfo", "flags").split(),
        "load_before": round(os.getloadavg()[0], 2),
        "seed": payload.SEED,
        "rules": "pack pii",
        "lab_content": payload.DESCRIPTION,
        "mode": "quick" if options.quick else "full",
    }
