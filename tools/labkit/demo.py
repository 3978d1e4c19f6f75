"""tools/demo: what Sluice does, shown and checked step by step. The main job here, other stories in files of their own."""

import argparse
import difflib
import os
import re
import signal
import subprocess
import sys
import threading
import time

from labkit import api, content, nginx
from labkit.command import how_to_use
from labkit.incident import Incident
from labkit.lab import POLICY
from labkit.namespaces import LabError
from labkit.postgres_story import PostgresStory
from labkit.processes import wait_until
from labkit.story import Story

PICTURE = """\
   client                     Sluice                       server
   10.77.0.64   ── TAP ──   data plane   ── TAP ──   nginx, 10.77.0.2:8080
   (own namespace)              │                     (own namespace)
                             control  ── sluice, the CLI

   One subnet, and Sluice has no address in it: a bump in the wire."""

CHANGED_RULE = """\
rules:
  - name: city
    match: 'Aarhus|Oslo|Utrecht'
    where: [response.body]
    action: mask
"""


class Demo(Story):
    def __init__(self):
        super().__init__()
        self.secrets = content.secrets(content.customers())
        self.session_id = None

    def run(self):
        self.raise_lab()
        self.exchange()
        self.on_disk()
        self.push_under_traffic()
        self.wrong_policy()
        self.replay()
        self.status()

    def has_secret(self, text):
        return any(secret in text for secret in self.secrets)

    # The steps.

    def raise_lab(self):
        self.say.step("The lab", "Two network namespaces; an unmodified client, an unmodified server, the appliance between.")
        self.say.line()
        self.say.output(PICTURE)
        self.lab.up()
        self.say.line()
        for name, state in self.lab.parts():
            self.say.line(f"     {name:26} {state}")
        self.say.command("cat policy.yaml")
        self.say.output(POLICY)
        self.say.expect(self.lab.is_up(), "everything runs, the policy is pushed")

    def exchange(self):
        self.say.step("What the client asks", "curl calls the server by the server's own address.")
        self.say.command("curl -v " + self.lab.url("/customers.json"))
        done = self.lab.curl("/customers.json", "-v")
        self.say.output("\n".join(line for line in done.stderr.splitlines() if line[:2] in ("> ", "< ", "* ") and
                                  ("Connected" in line or line[0] in "<>")))

        self.say.step("What the server sent", "The file as nginx has it, and nginx's log: it saw the client's own address.")
        with open(os.path.join(self.lab.nginx_folder(), "site", "customers.json"), encoding="utf-8") as file:
            sent = file.read()
        self.say.output(sent, 14, mark=self.secrets)
        wait_until(lambda: any("customers.json" in line for line in nginx.access_log(self.lab.nginx_folder())), 5)
        logged = nginx.access_log(self.lab.nginx_folder())[-1]
        self.say.line("     ...")
        self.say.command("tail -1 access.log")
        self.say.output(logged)
        self.say.expect(logged.startswith(self.lab.client_address + ":"), "the server saw the client's real address")

        self.say.step("What the client got", "Card numbers and e-mail addresses are masked; everything else is as it was.")
        self.say.output(done.stdout, 14)
        self.say.expect(not self.has_secret(done.stdout), "no card number and no address reached the client")
        self.say.expect(len(done.stdout) == len(sent) and "Ada Stone" in done.stdout, "the rest of the answer is unchanged")
        chunked = self.lab.curl("/chunked/customers.json")
        self.say.expect(chunked.stdout == done.stdout, "the same answer sent chunked is masked alike")

    def on_disk(self):
        self.say.step("What is on disk", "Both directions of the exchange are in the archive, with the secrets gone.")
        archive = self.lab.appliance.archive
        wait_until(lambda: "orders" in self.lab.appliance.cli("sessions", "list").stdout, 10, 0.2)
        self.cli("sessions", "list", limit=8)
        session = self.session_with("/customers.json")
        self.say.expect(session is not None, "the exchange is listed")
        self.session_id = session["id"]
        shown = self.cli("sessions", "show", self.session_id, limit=44)
        self.say.expect("GET /customers.json" in shown.stdout and "Ada Stone" in shown.stdout, "request and response can be read")
        self.say.expect(not self.has_secret(shown.stdout), "the recording has no secret")
        card = content.customers()[0]["card"]
        self.say.command(f"grep -r -c -a -F {card} archive/")
        found = subprocess.run(["grep", "-r", "-l", "-a", "-F", *[part for secret in self.secrets for part in ("-e", secret)],
                                self.lab.appliance.state], capture_output=True, text=True, check=False)
        counted = subprocess.run(["grep", "-r", "-c", "-a", "-F", card, archive], capture_output=True, text=True, check=False)
        self.say.output(counted.stdout.replace(archive, "archive"))
        self.say.expect(found.stdout == "" and counted.stdout != "", "none of the ten secrets lies in any file of the appliance")

    def session_with(self, path):
        """The newest recorded session whose first request asks for the path."""
        found = []

        def look():
            for session in api.get(self.lab.appliance.api, "/v1/sessions?limit=50")["sessions"]:
                units = api.get(self.lab.appliance.api, f"/v1/sessions/{session['id']}?limit=1")["units"]
                if session["closed"] and units and f" {path} " in str(units[0]["request"]):
                    found.append(session)
                    return True
            return False

        return found[0] if wait_until(look, 10, 0.2) else None

    def push_under_traffic(self):
        self.say.step("A changed rule, pushed while traffic runs", "The new rule masks three cities too. No connection notices.")
        changed = POLICY.replace("rules: [pii/*]", "rules: [pii/*, local/city]") + CHANGED_RULE
        difference = difflib.unified_diff(POLICY.splitlines(), changed.splitlines(), "policy.yaml", "changed.yaml", lineterm="", n=1)
        self.say.output("\n".join(difference))
        self.lab.write_policy(changed)
        self.say.command("wrk -c 16 -d 4 " + self.lab.url("/customers.json") + "   (as the client, in the background)")
        traffic = []
        load = threading.Thread(target=lambda: traffic.append(self.lab.in_client(
            "wrk", "-t", "1", "-c", "16", "-d", "4s", self.lab.url("/customers.json")).stdout))
        load.start()
        time.sleep(1.5)
        pushed = self.cli("policy", "push", self.lab.policy)
        answer = self.lab.curl("/customers.json").stdout
        load.join()
        self.say.command("wrk's result")
        self.say.output("\n".join(line for line in traffic[0].splitlines() if re.search("requests in|errors|Non-2xx|Requests/sec", line)))
        self.say.expect(pushed.returncode == 0, "the data plane took the new policy between two bursts")
        self.say.expect("requests in" in traffic[0] and "errors" not in traffic[0] and "Non-2xx" not in traffic[0],
                        "no request failed while it was swapped")
        self.say.expect("Aarhus" not in answer and "Ada Stone" in answer, "the next answer is masked by the new rule as well")

    def wrong_policy(self):
        self.say.step("A policy with a mistake", "It is refused whole, with the place and what would be right; the old one runs on.")
        before = self.lab.appliance.status()["data_plane"]["policy_version"]
        wrong = os.path.join(self.lab.state, "wrong.yaml")
        with open(wrong, "w", encoding="utf-8") as file:
            file.write(POLICY.replace("mode: enforce", "mode: enforced"))
        refused = self.cli("policy", "push", wrong)
        self.say.expect(refused.returncode != 0, f"refused, with exit code {refused.returncode}")
        self.say.expect("wrong.yaml:6:11" in refused.stderr + refused.stdout, "the message names file, line and column")
        self.say.expect(self.lab.appliance.status()["data_plane"]["policy_version"] == before, "the old policy runs on")

    def replay(self):
        self.say.step("Replay", "The recorded requests go to a staging server, which differs in one customer's city;",
                      "the answers are compared with the recorded ones.")
        replayed = self.cli("replay", self.session_id, "--to", f"127.0.0.1:{self.lab.staging_port}")
        self.say.expect("Bergen" in replayed.stdout, "the diff shows the changed city")
        self.say.expect(not self.has_secret(replayed.stdout), "and no secret, though staging sends them")
        refused = self.cli("replay", self.session_id, "--to", f"{self.lab.server_address}:{self.lab.port}")
        self.say.expect(refused.returncode != 0, "a protected service is no target unless forced")

    def status(self):
        self.say.step("Status")
        time.sleep(1.5)  # counters come once a second
        self.say.expect(self.cli("status").returncode == 0, "all is well")


STORIES = {"main": Demo, "incident": Incident, "postgres": PostgresStory}


def main():
    parser = argparse.ArgumentParser(prog="tools/demo", description="Raises the lab, shows the main job, takes the lab down.")
    parser.add_argument("--keep", action="store_true", help="leave the lab up and say how to use it")
    parser.add_argument("story", nargs="?", choices=list(STORIES), default="main",
                        help="what is shown: masking, recording and replay (main), how a runaway is stopped (incident), "
                             "or a database (postgres)")
    chosen = parser.parse_args()
    keep = chosen.keep
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    demo = STORIES[chosen.story]()
    problem = None
    try:
        demo.run()
    except LabError as error:
        problem = str(error)
    except KeyboardInterrupt:
        problem = "interrupted"
    finally:
        if not keep:
            demo.down()
    say = demo.say
    say.line()
    for text in demo.say.failed + ([problem] if problem else []):
        say.line(say.paint("1;31", "✗ ") + text)
    say.line(f"{say.held} of {say.held + len(say.failed)} expectations held" + ("" if not problem else "; the demo did not come to its end"))
    if keep:
        say.line()
        say.output(how_to_use(demo.lab))
    return 1 if problem or say.failed else 0


if __name__ == "__main__":
    sys.exit(main())
