"""tools/bench --profile: the hottest functions of the data plane under the load of a lab figure, or of a benchmark program,
and the worker's stages where the program tells them.

perf counts cycles where the machine has a counter, else it samples by the clock. Without perf, callgrind counts
instructions of programs; the lab has no such fallback."""

import os
import shutil
import subprocess
import sys
import tempfile

from benchkit import http_load, payload, programs, table
from benchkit.figures import wanted
from benchkit.topology import BenchLab
from labkit.namespaces import LabError

_SECONDS = 5
_SHOWN = 30


def event():
    """cycles, or the clock where a virtual machine shows no counter; None when perf does not work at all."""
    if shutil.which("perf") is None:
        return None
    for one in ("cycles", "cpu-clock"):
        done = subprocess.run(["perf", "stat", "-x", ",", "-e", one, "true"], capture_output=True, text=True, check=False)
        if done.returncode == 0 and "<not" not in done.stderr:
            return one
    return None


def hottest(data):
    """perf's report of a recording, one function a line, the hottest first. What has no name counts for its library."""
    done = subprocess.run(["perf", "report", "-i", data, "--stdio", "--no-children", "-g", "none", "-t", "|", "-F",
                           "overhead,comm,dso,sym"], capture_output=True, text=True, check=False)
    shares = functions(done.stdout)
    if not shares:
        raise LabError(f"perf report shows nothing: {done.stderr.strip()[-500:]}")
    return [f"{share:6.2f} %  {thread:16} {function}" for (thread, function), share in shares[:_SHOWN]]


def functions(report):
    """[((thread, function), percent)], the hottest first."""
    shares = {}
    for line in report.splitlines():
        fields = [field.strip() for field in line.split("|")]
        if line.startswith("#") or len(fields) < 4 or not fields[0].endswith("%"):
            continue
        share, thread, library, function = fields[:4]
        name = f"{library}, without names" if "0x0000" in function else function.partition(" ")[2].strip() or function
        where = " (kernel)" if function.startswith("[k]") else ""
        key = (thread, name + where)
        shares[key] = shares.get(key, 0) + float(share.rstrip("%"))
    return sorted(shares.items(), key=lambda entry: -entry[1])


def _record(counted, data, *what):
    return ["perf", "record", "-q", "-F", "997", "-e", counted, "-o", data, *what]


def lab_profile(size, counted, folder, say):
    lab = BenchLab(set())
    try:
        lab.raise_all()
        way = lab.ways["sluice"]
        http_load.load(lab, way, size, 1)
        data = os.path.join(folder, f"lab-{size}")
        say(f"the data plane, {size}, {_SECONDS} s by {counted}")
        recorder = subprocess.Popen(_record(counted, data, "-p", str(way.pid()), "--", "sleep", str(_SECONDS)),
                                    stderr=subprocess.DEVNULL)
        http_load.load(lab, way, size, _SECONDS + 1)
        recorder.wait(timeout=30)
    finally:
        lab.down()
    print(f"\nlab/http1/{size}: the data plane and its writer, by {counted}")
    print("\n".join(hottest(data)))


def program_profile(program, chosen, counted, folder, core, say):
    name = os.path.basename(program)
    measured = programs.command(program, chosen, core, 1, 1.0)
    say(f"{name}: {len(chosen)} benchmarks by {counted or 'callgrind'}")
    data = os.path.join(folder, name)
    print(f"\n{name}, by {counted or 'instructions (callgrind)'}", flush=True)
    if counted:
        done = subprocess.run(_record(counted, data, "--", *measured), capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise LabError(f"{name}: {done.stderr.strip()[-500:]}")
        print("\n".join(hottest(data)))
    else:
        _callgrind(program, chosen, data, core)


def _callgrind(program, chosen, data, core):
    if shutil.which("valgrind") is None:
        raise LabError("neither perf nor valgrind works here: install linux-perf or valgrind")
    tiny = programs.command(program, chosen, core, 1, 0.001)
    subprocess.run(["valgrind", "-q", "--tool=callgrind", f"--callgrind-out-file={data}", *tiny], capture_output=True, check=True)
    shown = subprocess.run(["callgrind_annotate", "--auto=no", data], capture_output=True, text=True, check=True).stdout
    print("\n".join(shown.splitlines()[:_SHOWN + 20]))


def stages(options, core, say):
    """The stages of what is profiled, from the program that has a clock between them."""
    found, problems = programs.figures(options.build, [f + "/" if f.startswith("worker/") else f for f in options.filters], core,
                                       3, 0.1, say)
    rows = [figure.row() for figure in found if figure.name.startswith("worker/")]
    if rows:
        print("\n" + table.render(rows))
    return problems


def run(options, say):
    core = sorted(os.sched_getaffinity(0))[0]
    counted = event()
    sizes = [size for size in payload.SIZES if options.filters and any(
        wanted(name, options.filters) for name, (one, _) in http_load.names().items() if one == size)]
    work = [(program, programs.chosen_of(program, options.filters, core)) for program in programs.find(options.build)] \
        if options.filters else []
    work = [(program, chosen) for program, chosen in work if chosen]
    if not sizes and not work:
        print("tools/bench: --profile needs the name of a figure, or part of it; --list tells the names", file=sys.stderr)
        return 2
    problems = []
    with tempfile.TemporaryDirectory(prefix="sluice-profile-") as folder:
        for program, chosen in work:
            program_profile(program, chosen, counted, folder, core, say)
        if counted is None and sizes:
            raise LabError("perf does not work here, and the lab cannot be profiled without")
        for size in sizes:
            lab_profile(size, counted, folder, say)
    if any(programs.plain_name(name).startswith("worker/") for _, chosen in work for name in chosen):
        problems = stages(options, core, say)
    for problem in problems:
        print(f"tools/bench: {problem}", file=sys.stderr)
    return 1 if problems else 0
