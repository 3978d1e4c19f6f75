"""Keeps the figures that README shows: a file of rows in the tree, and the tables written from it."""

import os
import shutil
from fnmatch import fnmatchcase

from benchkit.figures import read_rows
from benchkit.machine import ROOT
from benchkit.table import number, percent

KEPT = "bench/results/latest.json"
BEGIN = "<!-- figures: written by `tools/bench --readme` from bench/results/latest.json -->"
END = "<!-- end of the figures -->"
PEERS = {"tap-relay": "bare relay", "haproxy-tcp": "HAProxy tcp", "haproxy-splice": "HAProxy splice",
          "haproxy-http": "HAProxy http", "nginx": "nginx", "nginx-sub": "nginx, 2 regexes"}
SIZES = {"1k": "1 KiB", "64k": "64 KiB", "1m": "1 MiB"}
# The rest of the figures that README shows, in this order; --json and --report have all.
_SHOWN = ("worker/http1/1k", "worker/http1/64k", "worker/http1/1m", "worker/http1/64k/superframe",
          "worker/postgres/rows", "worker/postgres/rows/10k", "worker/postgres/rows/10k/superframe",
          "worker/postgres/rows/10k/binary", "lab/postgres/*/pgbouncer", "inspect/pii/clean", "inspect/pii/10k",
          "inspect/pii/100", "tcp/relay/1448", "tcp/relay/superframe", "tcp/connect", "http1/parse",
          "record/writer/*", "record/disk", "lab/rtt/*", "lab/iperf/*")


def peers_table(rows):
    """Sluice and its peers in microseconds a request; empty when the lab was not measured."""
    by_name = {row["name"]: row for row in rows}
    lines = []
    for size, title in SIZES.items():
        row = {peer: by_name.get(f"lab/http1/{size}/{peer}") for peer in PEERS}
        first = next((one for one in row.values() if one), None)
        if first:
            cells = [title, f"**{number(first['value'])}** ±{percent(first['spread'] / 2)}"]
            lines.append(cells + [number(one["versus_value"]) if one else "" for one in row.values()])
    return _markdown(["answer", "Sluice", *PEERS.values()], lines) if lines else ""


def others_table(rows):
    lines = []
    for pattern in _SHOWN:
        for row in rows:
            if fnmatchcase(row["name"], pattern):
                beside = f"{number(row['versus_value'])} ({row['versus']})" if "versus" in row else ""
                lines.append([f"`{row['name']}`", f"{number(row['value'])} {row['unit']}", beside,
                              number(row.get("ratio")), percent(row["spread"])])
    return _markdown(["figure", "value", "beside", "ratio", "spread"], lines) if lines else ""


def _markdown(head, lines):
    return "\n".join("| " + " | ".join(cells) + " |" for cells in [head, ["---"] * len(head), *lines])


def section(meta, rows):
    """What stands between the two marks."""
    machine = (f"{meta.get('cores')} cores of {meta.get('processor')}{', a virtual machine' if meta.get('hypervisor') else ''}, "
               f"Linux {meta.get('kernel')}, {'no ' if not meta.get('hugepages') else ''}hugepages")
    parts = [f"Measured on {meta.get('date')} at commit {meta.get('commit')}, a {meta.get('mode')} run on a machine with a load of "
             f"{meta.get('load_before')} before it: {machine}. Medians; "
             "`spread` is (max − min) / median of the runs." + (f" {meta['note']}" if "note" in meta else "")]
    peers, others = peers_table(rows), others_table(rows)
    if peers:
        parts += ["CPU of the whole process, in µs a request (Sluice masks with pack `pii` and records; of the peers only "
                  "nginx with regexes masks, and none records):", peers]
    if others:
        parts.append(others)
    return "\n\n".join(parts)


def with_section(text, new):
    """The README with what stands between the marks replaced."""
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"README.md has not the two marks {BEGIN} and {END}")
    return f"{before}{begin}\n{new}\n{end}{after}"


def check(root):
    """What is wrong between README and the kept figures, as a list."""
    kept = os.path.join(root, KEPT)
    if not os.path.exists(kept):
        return [f"{KEPT} is not there. Remedy: tools/bench --json FILE, then tools/bench --readme FILE"]
    with open(os.path.join(root, "README.md"), encoding="utf-8") as file:
        text = file.read()
    try:
        right = with_section(text, section(*read_rows(kept)))
    except ValueError as problem:
        return [str(problem)]
    return [] if right == text else [f"README.md differs from {KEPT}. Remedy: tools/bench --readme {KEPT}"]


def adopt(path, root=ROOT):
    """Keeps the rows of the file in the tree and writes README's tables from them."""
    kept = os.path.join(root, KEPT)
    os.makedirs(os.path.dirname(kept), exist_ok=True)
    if os.path.realpath(path) != os.path.realpath(kept):
        shutil.copyfile(path, kept)
    readme = os.path.join(root, "README.md")
    with open(readme, encoding="utf-8") as file:
        text = file.read()
    with open(readme, "w", encoding="utf-8") as file:
        file.write(with_section(text, section(*read_rows(kept))))
    return 0
