"""Command line of tools/bench."""

import argparse
import os
import signal
import sys
import time

from benchkit import disk, figures, lab_suite, load_suite, machine, programs, readme, report, table
from labkit.namespaces import LabError

RUNS = 5
QUICK_SESSIONS = 100_000  # of archive/*/1m, which says in its row how many there were


def parse(arguments):
    parser = argparse.ArgumentParser(prog="tools/bench", description="Measures Sluice beside its peers and limits.")
    parser.add_argument("filters", nargs="*", metavar="FILTER", help="only figures whose name holds one of these")
    parser.add_argument("--json", metavar="FILE", help="write one JSON object a line")
    parser.add_argument("--report", metavar="FILE.html", help="write a page with plots, complete in itself")
    parser.add_argument("--from", dest="source", metavar="FILE", help="measure nothing; show the rows of FILE")
    parser.add_argument("--quick", action="store_true", help="shorter runs: under 5 minutes, and less steady")
    parser.add_argument("--list", action="store_true", help="print the names of the figures and stop")
    parser.add_argument("--no-offloads", action="store_true", help="the lab without checksum and segmentation offloads")
    parser.add_argument("--profile", action="store_true", help="the hottest functions behind FILTER, instead of figures")
    parser.add_argument("--readme", metavar="FILE", help="keep FILE in the tree and write README's table from it")
    parser.add_argument("--build", default=os.environ.get("SLUICE_BUILD", "build"), help="the build folder (build)")
    return parser.parse_args(arguments)


def say(text):
    print(f"  {text}", file=sys.stderr, flush=True)


def measure(options):
    """(rows with their leading one, problems)."""
    started = time.monotonic()
    meta = machine.meta(options)
    core = sorted(os.sched_getaffinity(0))[0]
    if options.quick:
        os.environ["SLUICE_BENCH_SESSIONS"] = str(QUICK_SESSIONS)
    found, problems = programs.figures(options.build, options.filters, core, RUNS, 0.03 if options.quick else 0.5, say,
                                       apart=(disk.RECORD,))
    try:
        found += disk.figures(options, RUNS, 1 if options.quick else 3, say)
    except (LabError, programs.ProgramError) as problem:
        problems.append(str(problem))
    for suite in (lab_suite, load_suite):
        try:
            more, more_problems = suite.figures(options, RUNS, say)
        except (LabError, OSError) as problem:  # what was measured before is kept
            more, more_problems = [], [str(problem)]
        found += more
        problems += more_problems
    meta["minutes"] = round((time.monotonic() - started) / 60, 1)
    return [meta] + [figure.row() for figure in found], problems


def list_names(options):
    names = [programs.plain_name(name) for program in programs.find(options.build) for name in programs.benchmarks(program)]
    names += [disk.NAME, *lab_suite.names(not options.no_offloads), *load_suite.names()]
    print("\n".join(name for name in names if figures.wanted(name, options.filters)))
    return 0


def show(options, meta, rows):
    print(table.render(rows))
    if options.json:
        figures.write_rows(options.json, [meta, *rows])
    if options.report:
        with open(options.report, "w", encoding="utf-8") as file:
            file.write(report.page(meta, rows))


def main():
    options = parse(sys.argv[1:])
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # a lab is taken down however we end
    os.environ["SLUICE_BUILD"] = options.build
    try:
        if options.list:
            return list_names(options)
        if options.readme:
            return readme.adopt(options.readme)
        if options.profile:
            from benchkit import profile  # only here: it needs perf
            return profile.run(options, say)
        if options.source:
            meta, rows = figures.read_rows(options.source)
            rows = [row for row in rows if figures.wanted(row["name"], options.filters)]
            problems = []
        else:
            (meta, *rows), problems = measure(options)
    except LabError as problem:
        print(f"tools/bench: {problem}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    if not rows:
        problems.append(f"no figure is called so: {' '.join(options.filters)}; --list tells the names")
    show(options, meta, rows)
    for problem in problems:
        print(f"tools/bench: {problem}", file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
