"""machine/disk: what fio writes in sequence past the page cache, where the archive of the lab lies. record/disk: what the
archive's writer brings onto it, in turn with fio and in the same folder; neither is bound to a core."""

import json
import os
import subprocess
import tempfile

from benchkit import programs
from benchkit.figures import Figure, field, wanted
from labkit.namespaces import LabError

NAME = "machine/disk"
RECORD = "record/disk"
PROGRAM = "bench/bench_record"
_FOLDER = "/var/tmp"


def fio_mb_per_s(folder, seconds):
    done = subprocess.run(
        ["fio", "--name=sequential", f"--filename={folder}/fio", "--rw=write", "--bs=1M", "--direct=1", "--ioengine=io_uring",
         "--iodepth=8", "--size=1G", "--time_based", f"--runtime={seconds}", "--output-format=json"],
        capture_output=True, text=True, check=False)
    try:
        return json.loads(done.stdout[done.stdout.index("{"):])["jobs"][0]["write"]["bw_bytes"] / 1e6
    except (ValueError, KeyError, IndexError) as problem:
        raise LabError(f"fio: {done.stderr.strip() or done.stdout[-300:]}") from problem


def writer_run(program, folder, seconds):
    """{record/disk: (label, [MB/s], counters)} of one run of the writer."""
    chosen = [name for name in programs.benchmarks(program) if programs.plain_name(name) == RECORD]
    return programs.run(program, chosen, None, 1, seconds, environment={"SLUICE_BENCH_DIR": folder})


def figures(options, runs, seconds, say):
    has_writer = wanted(RECORD, options.filters)
    if not has_writer and not wanted(NAME, options.filters):
        return []
    fio, writer, counters = [], [], {}
    with tempfile.TemporaryDirectory(dir=_FOLDER, prefix="sluice-bench-") as folder:
        for number in range(runs):
            say(f"{NAME} round {number + 1} of {runs}")
            fio.append(fio_mb_per_s(folder, seconds))
            if has_writer:
                _, values, counters = writer_run(os.path.join(options.build, PROGRAM), folder, seconds)[RECORD]
                writer += values
        size = os.path.getsize(os.path.join(folder, "fio"))
    found = [Figure(NAME, "MB/s", fio, extra={"load": "fio, sequential writes of 1 MiB, O_DIRECT, 8 under way",
                                              "file_bytes": size, "folder": _FOLDER})]
    if has_writer:
        said = {counter: field(values[-1]) for counter, values in sorted(counters.items())}  # of the last run
        found.insert(0, Figure(RECORD, "MB/s", writer, NAME, fio, {"load": "bodies of 64 KiB, O_DIRECT, to acknowledged and sealed",
                                                                   "folder": _FOLDER, **said}))
    return found
