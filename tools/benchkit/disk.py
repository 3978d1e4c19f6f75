"""machine/disk: what fio writes in sequence past the page cache, where the archive of the lab lies. It is set beside the
writer's own figure, record/disk, when that was measured."""

import json
import os
import subprocess
import tempfile

from benchkit.figures import Figure, wanted
from labkit.namespaces import LabError

NAME = "machine/disk"
RECORD = "record/disk"
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


def figures(filters, measured, runs, seconds, say):
    """`measured`: the figures so far; record/disk among them gets fio beside it."""
    record = next((figure for figure in measured if figure.name == RECORD), None)
    if record is None and not wanted(NAME, filters):
        return []
    samples = []
    with tempfile.TemporaryDirectory(dir=_FOLDER, prefix="sluice-bench-") as folder:
        for number in range(runs):
            say(f"{NAME} round {number + 1} of {runs}")
            samples.append(fio_mb_per_s(folder, seconds))
        size = os.path.getsize(os.path.join(folder, "fio"))
    if record is not None and not record.versus:
        record.versus, record.versus_samples = NAME, samples
    return [Figure(NAME, "MB/s", samples, extra={"load": "fio, sequential writes of 1 MiB, O_DIRECT, 8 under way",
                                                 "file_bytes": size, "folder": _FOLDER})]
