"""Figures of the Google Benchmark programs under bench/: each benchmark names its unit, and what stands beside it, in its
label ("UNIT" or "UNIT versus BENCHMARK"), and gives the figure in the counter "value". Its other counters become fields of
the figure's row. One without a label is shown by no one but the program itself."""

import json
import os
import re
import subprocess

from benchkit.figures import Figure, field, median, wanted

# What Google Benchmark adds to the name that the program gave.
_ADDED = re.compile(r"/(?:real_time|process_time|manual_time|(?:min_time|min_warmup_time|iterations|repeats|threads):[^/]+)")
# What Google Benchmark says of every benchmark; what else is a number is a counter.
_ITS_OWN = {"name", "family_index", "per_family_instance_index", "run_name", "run_type", "repetitions", "repetition_index", "threads",
            "iterations", "real_time", "cpu_time", "time_unit", "label", "value", "bytes_per_second", "items_per_second"}


class ProgramError(Exception):
    """A program under bench/ did not do its work."""


def plain_name(name):
    return _ADDED.sub("", name)


def find(build):
    """Paths of all benchmark programs of the build."""
    found = []
    for folder, _, files in os.walk(os.path.join(build, "bench")):
        found += [os.path.join(folder, name) for name in files
                  if name.startswith("bench_") and os.access(os.path.join(folder, name), os.X_OK)]
    return sorted(found)


def benchmarks(program):
    done = subprocess.run([program, "--benchmark_list_tests"], capture_output=True, text=True, check=False, timeout=120)
    if done.returncode != 0:
        raise ProgramError(f"{program} does not list its benchmarks: {done.stderr.strip()[-500:]}")
    return [line.strip() for line in done.stdout.splitlines() if line.strip() and not line.startswith("EAL")]


def command(program, chosen, core, runs, seconds):
    """Runs only the chosen benchmarks, on one core unless it is None; their repetitions take turns, so that a machine that drifts drifts for all."""
    # POSIX regular expressions know fewer escapes than Python's.
    pattern = "^(" + "|".join(re.sub(r"([][().*+?^$|{}\\])", r"\\\1", name) for name in sorted(chosen)) + ")$"
    pinned = [] if core is None else ["taskset", "-c", str(core)]
    return [*pinned, program, f"--benchmark_filter={pattern}", "--benchmark_format=json",
            f"--benchmark_repetitions={runs}", f"--benchmark_min_time={seconds}",
            "--benchmark_enable_random_interleaving=true"]


def run(program, chosen, core, runs, seconds, timeout=1800, miniature=False, environment=()):
    """Samples of the chosen benchmarks: {plain name: (label, [values], {counter: [values]})}."""
    done = subprocess.run(command(program, chosen, core, runs, seconds), capture_output=True, text=True, check=False,
                          timeout=timeout, env=os.environ | dict(environment) | ({"SLUICE_BENCH_MINIATURE": "1"} if miniature else {}))
    start = done.stdout.find("{\n")
    if start < 0:
        raise ProgramError(f"{program} ended with {done.returncode}: {(done.stderr or done.stdout).strip()[-500:]}")
    return samples(json.loads(done.stdout[start:]), program)


def samples(output, program="program"):
    """{plain name: (label, [values], {counter: [values]})} of a program's JSON. Benchmarks without a label or a value are left out."""
    found = {}
    for entry in output["benchmarks"]:
        if entry.get("error_occurred"):
            raise ProgramError(f"{program}, {entry['name']}: {entry.get('error_message', 'failed')}")
        if entry.get("run_type") == "aggregate" or not entry.get("label") or "value" not in entry:
            continue
        _, values, counters = found.setdefault(plain_name(entry.get("run_name", entry["name"])), (entry["label"], [], {}))
        values.append(entry["value"])
        for counter in entry.keys() - _ITS_OWN:
            counters.setdefault(counter, []).append(entry[counter])
    return found


def split_label(label):
    """(unit, what stands beside it or "")."""
    unit, _, versus = label.partition(" versus ")
    return unit.strip(), versus.strip()


def chosen_of(program, filters, core, apart=()):
    """The full names of the benchmarks to run: the wanted ones that are figures, and what stands beside them. Those apart are
    measured elsewhere."""
    every = {plain_name(name): name for name in benchmarks(program) if plain_name(name) not in apart}
    chosen = {plain: name for plain, name in every.items() if wanted(plain, filters)}
    if not chosen or not filters:
        return set(chosen.values())
    # A run in miniature tells the labels.
    labels = {name: label for name, (label, *_) in run(program, chosen.values(), core, 1, 0.001, miniature=True).items()}
    beside = {split_label(label)[1] for label in labels.values()}
    return {every[name] for name in set(labels) | beside if name in every}


def figures(build, filters, core, runs, seconds, say, apart=()):
    """Figures and what could not be had: ([Figure], [problem])."""
    measured, problems = {}, []
    for program in find(build):
        try:
            chosen = chosen_of(program, filters, core, apart)
            if chosen:
                say(f"{os.path.basename(program)}: {len(chosen)} benchmarks, {runs} runs each")
                found = run(program, chosen, core, runs, seconds)
                measured |= {name: found[name] for name in map(plain_name, benchmarks(program)) if name in found}
        except (ProgramError, subprocess.TimeoutExpired) as problem:
            problems.append(str(problem))
    return join(measured, filters), problems


def join(measured, filters=()):
    """Figures of {name: (label, values, counters)}, each with the samples of what it names beside it."""
    found = []
    for name, (label, values, counters) in measured.items():
        if not wanted(name, filters):
            continue
        unit, versus = split_label(label)
        beside = measured.get(versus)
        found.append(Figure(name, unit, values, versus if beside else "", beside[1] if beside else [],
                            {counter: field(median(samples)) for counter, samples in sorted(counters.items())}))
    return found
