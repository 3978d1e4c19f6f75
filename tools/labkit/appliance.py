"""The two processes of the appliance and the CLI, as the lab runs them."""

import json
import os
import subprocess

from labkit.namespaces import LabError
from labkit.processes import Daemon, wait_until

REPOSITORY = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

_DATAPLANE_CONFIG = """\
ports:
  client: {{tap: {client_tap}, netns: {client}}}
  server: {{tap: {server_tap}, netns: {server}}}
worker_core: {core}
idle: adaptive
hugepages: auto
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

    def prepare(self):
        for folder in (self.state, self.run, self.archive):
            os.makedirs(folder, mode=0o700, exist_ok=True)
        with open(self.config, "w", encoding="utf-8") as file:
            file.write(_DATAPLANE_CONFIG.format(
                client=self.lab.client, server=self.lab.server, client_tap=self.lab.client_tap,
                server_tap=self.lab.server_tap, core=self.lab.dataplane_core, sessions=self.sessions,
                segment_bytes=self.segment_bytes, archive=self.archive, run=self.run, state=self.state))

    def start_control(self):
        self.control.start([binary("control/sluice-control"), "--state", self.state, "--run", self.run,
                            "--archive", self.archive])
        if not wait_until(lambda: self.control.pid() is None or self.cli("status").returncode == 0, 20, 0.05):
            raise LabError(f"sluice-control does not answer; its log: {self.control.log_file}")
        if self.control.pid() is None:
            raise LabError(f"sluice-control ended at once:\n{self.control.log()}")

    def start_dataplane(self, **how):
        self.dataplane.start([binary("dataplane/sluice-dataplane"), "--config", self.config], **how)

    def wait_connected(self, seconds=30):
        """Until control has heard the data plane's hello."""
        if not wait_until(lambda: self.dataplane.pid() is None or self.is_connected(), seconds, 0.05):
            raise LabError(f"the data plane does not reach control; its log: {self.dataplane.log_file}")
        if self.dataplane.pid() is None:
            raise LabError(f"sluice-dataplane ended at once:\n{self.dataplane.log()}")

    def is_connected(self):
        done = self.cli("--json", "status")
        return done.returncode == 0 and bool(json.loads(done.stdout).get("dataplane", {}).get("connected"))

    def cli(self, *arguments, seconds=60):
        return subprocess.run([binary("control/cli/sluice"), "--socket", self.api, *arguments], stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, check=False, timeout=seconds)

    def cli_json(self, *arguments):
        done = self.cli("--json", *arguments)
        if done.returncode != 0:
            raise LabError(f"sluice {' '.join(arguments)}: {done.stderr.strip() or done.stdout.strip()}")
        return json.loads(done.stdout)

    def push(self, policy_path):
        done = self.cli("policy", "push", policy_path)
        if done.returncode != 0:
            raise LabError(f"policy push {policy_path}: {done.stderr.strip() or done.stdout.strip()}")
        return done.stdout

    def stop(self):
        self.dataplane.stop()
        self.control.stop()
