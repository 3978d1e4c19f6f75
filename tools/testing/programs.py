"""Runs one program with a bound on its time, in its own process group, and collects what it says."""

import os
import signal
import subprocess
import tempfile
import time

import results


def run(command, seconds, env=None, cwd=None):
    """(exit code, output). A program beyond its time is ended with all its children; the code is then 124."""
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
                                   env=dict(os.environ, **(env or {})), cwd=cwd, start_new_session=True)
        late = False
        try:
            process.wait(timeout=seconds)
        except subprocess.TimeoutExpired:
            late = True
        finally:
            _end_group(process)
        output.seek(0)
        text = output.read().decode("utf-8", "replace")
    return (124, f"{text}\nended after {seconds} s") if late else (process.returncode, text)


def _end_group(process):
    """A test may leave nothing behind. It first gets a chance to clean up (a lab to take down)."""
    if process.poll() is None:
        _signal(process, signal.SIGTERM)
        try:
            process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            pass
    _signal(process, signal.SIGKILL)
    process.wait()


def _signal(process, number):
    try:
        os.killpg(process.pid, number)
    except ProcessLookupError:
        pass


def run_test(tally, name, command, seconds, env=None, cwd=None):
    """Runs a test program and counts it, case by case where it tells of cases."""
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        report = os.path.join(folder, "report.json")
        code, text = run(command, seconds, dict(env or {}, GTEST_OUTPUT="json:" + report, SLUICE_TEST_REPORT=report), cwd)
        outcome = results.from_gtest(report, code, text)
    tally.add(name, outcome, time.monotonic() - started)
