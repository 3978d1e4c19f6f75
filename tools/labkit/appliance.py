"""The two processes of the appliance and the CLI, as the lab runs them."""

import os
import subprocess

from labkit import api
from labkit.namespaces import LabError
from labkit.processes import Daemon, wait_until

REPOSITORY = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

_DATAPLANE_CONFIG = """\
ports:
  client: {client_port}
  server: {server_port}
worker_core: {core}
idle: adaptive
hugepages: auto
telemetry: on
sessions: {sessions}
archive: {{directory: {archive}, segment_bytes: {segment_bytes}}}
channel: {run}/channel.sock
bundle: {state}/bundle
public_key: {state}/policy.pub
run: {run}
"""


def binary(path):
    """A built program; the build folder comes from SLUICE_BUILD or is build/."""
    full = os.path.join(REPOSITORY, os.environ.get("SLUICE_BUILD", "build"), path)
    if not os.access(full, os.X_OK):
        raise LabError(f"{full} is not there; build it with tools/build")
    return full


class Appliance:
    def __init__(self, lab):
        self.lab = lab
        self.state = os.path.join(lab.state, "sluice")
        self.run = os.path.join(self.state, "run")
        self.archive = os.path.join(self.state, "archive")
        self.config = os.path.join(self.state, "dataplane.yaml")
        self.api = os.path.join(self.run, "api.sock")
        self.control = Daemon("sluice-control", lab.state)
        self.dataplane = Daemon("sluice-dataplane", lab.state)
        self.segment_bytes = "64MiB"
        self.sessions = 65536
        self.control_options = []

    def prepare(self):
        for folder in (self.state, self.run, self.archive):
            os.makedirs(folder, mode=0o700, exist_ok=True)
        with open(self.config, "w", encoding="utf-8") as file:
            file.write(_DATAPLANE_CONFIG.format(
                client_port=self.lab.client_port, server_port=self.lab.server_port, core=self.lab.dataplane_core,
                sessions=self.sessions, segment_bytes=self.segment_bytes, archive=self.archive, run=self.run, state=self.state))

    def control_command(self):
        return [binary("control/sluice-control"), "--state", self.state, "--run", self.run, "--archive", self.archive, *self.control_options]

    def dataplane_command(self):
        return [binary("dataplane/sluice-dataplane"), "--config", self.config]

    def start_control(self):
        self.control.start(self.control_command())
        self._wait_for(self.control, self._answers, 20, "control does not answer")

    def start_dataplane(self, **how):
        self.dataplane.start(self.dataplane_command(), **how)

    def wait_connected(self, seconds=30):
        """Until control has heard the data plane's hello."""
        self._wait_for(self.dataplane, lambda: self.status()["data_plane"], seconds, "the data plane does not reach control")

    def _wait_for(self, daemon, condition, seconds, problem):
        came = wait_until(lambda: daemon.pid() is None or condition(), seconds, 0.05)
        if daemon.pid() is None:
            raise LabError(f"{daemon.name} ended at once:\n{daemon.log()}")
        if not came:
            raise LabError(f"{problem}; its log: {daemon.log_file}")

    def _answers(self):
        try:
            return api.call(self.api, "GET", "/v1/status", seconds=2)[0] == 200
        except OSError:
            return False

    def status(self):
        return api.get(self.api, "/v1/status")

    def cli(self, *arguments, seconds=60):
        """Runs the CLI; its exit code, output and errors are those of subprocess.run."""
        return subprocess.run(self.cli_command(*arguments), stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              check=False, timeout=seconds)

    def cli_command(self, *arguments):
        return [binary("control/cli/sluice"), "--socket", self.api, *arguments]

    def push(self, policy_path):
        done = self.cli("policy", "push", policy_path)
        if done.returncode != 0:
            raise LabError(f"policy push {policy_path}: {done.stderr.strip() or done.stdout.strip()}")
        return done.stdout

    def stop(self):
        self.dataplane.stop()
        self.control.stop()
