"""Which tests there are: found in the tree and in the build, not listed by hand."""

import glob
import json
import os
import subprocess
import sys
from dataclasses import dataclass, field

# End-to-end tests that take longer than others.
E2E_SECONDS = {"test_postgres_regress": 900}
FUZZ_BUILD_FOLDER = "build-fuzz"
FUZZ_BUILD = ["tools/testing/build_fuzzers", FUZZ_BUILD_FOLDER]


@dataclass
class Test:
    name: str  # suite/name
    command: list
    seconds: int  # ended beyond this
    env: dict = field(default_factory=dict)
    alone: bool = False


def style(chosen):
    def check(name, *arguments):
        return Test("style/" + name, [sys.executable, f"tests/style/{name}.py", *arguments], 600)

    jobs = str(chosen.jobs)
    return [
        Test("style/style_test", [sys.executable, "tests/style/style_test.py"], 60),
        Test("unit/bench_test", [sys.executable, "tests/unit/tools/bench_test.py"], 60, {"PYTHONDONTWRITEBYTECODE": "1"}),
        Test("unit/testing_test", [sys.executable, "tests/unit/tools/testing_test.py"], 60),
        check("figures"),
        check("format"),
        check("floors"),
        check("sizes"),
        check("banned"),
        Test("style/headers", [sys.executable, "tests/style/headers.py", ".", chosen.build, jobs], 900, alone=True),
    ]


def tidy(chosen):
    return [Test("style/tidy", [sys.executable, "tests/style/tidy.py", ".", chosen.build, str(chosen.jobs)], 1800, alone=True)]


def from_meson(chosen):
    """Unit tests, simulations and whatever else the build declares as a test."""
    text = subprocess.run(["meson", "introspect", "--tests", chosen.build], check=True, capture_output=True, text=True).stdout
    tests = []
    for entry in json.loads(text):
        suite = entry["suite"][0].split(":")[-1] if entry["suite"] else "unit"
        if suite == "e2e":
            continue  # found by its own function below
        env = dict(entry["env"])
        if chosen.sim_seeds is not None:
            env["SLUICE_SIM_SEEDS"] = str(chosen.sim_seeds)
        seconds = {"sim": 3600, "bench": 900}.get(suite, 300)
        tests.append(Test(f"{suite}/{entry['name']}", entry["cmd"], seconds, env))
    return tests


def fuzz(chosen):
    tests = []
    for source in sorted(glob.glob("tests/fuzz/fuzz_*.cc")):
        name = os.path.basename(source)[:-3]
        command = ["tools/testing/run_fuzzer", os.path.join(FUZZ_BUILD_FOLDER, "tests/fuzz", name),
                   os.path.join("tests/fuzz/corpus", name[len("fuzz_"):]), str(chosen.fuzz_seconds)]
        tests.append(Test("fuzz/" + name, command, chosen.fuzz_seconds + 120))
    return tests


def e2e(chosen):
    env = {"SLUICE_BUILD": os.path.abspath(chosen.build)}
    if chosen.big:
        env["SLUICE_E2E_BIG"] = "1"
    tests = []
    for path in sorted(glob.glob("tests/e2e/test_*.py")):
        name = os.path.basename(path)[:-3]
        tests.append(Test("e2e/" + name, [sys.executable, path], 1200 if chosen.big else E2E_SECONDS.get(name, 300), env, alone=True))
    return tests
