"""tools/demo incident: a job that nobody owns drowns a service; one person stops it, and a neighbour notices nothing."""

import os
import socket
import threading
import time

from labkit import api, namespaces, nginx
from labkit.lab import POLICY
from labkit.processes import wait_until
from labkit.story import Story

RUNAWAY = "10.77.0.65"
BURST = 20
PIECE = 1024
POLICY = POLICY.replace("    rules: [pii/*]\n", "    rules: [pii/*]\n    hold: {timeout: 15m, on_timeout: deny}\n").replace(
    "  - {name: lab-client, from: 10.77.0.64/26}\n", f"""\
  - {{name: shop, from: 10.77.0.64/32}}
  - name: ci-chunker
    from: {RUNAWAY}/32
    limits:
      - {{rate: {BURST}/m, burst: {BURST}, then: hold, name: pieces}}
""")


class Runaway(threading.Thread):
    """Cuts one stream into requests of 1 KiB, on one connection after another, until it is refused."""

    def __init__(self, lab):
        super().__init__(daemon=True)
        self.lab, self.statuses, self.stopped = lab, [], threading.Event()

    def connect(self):
        client = namespaces.open_socket(self.lab.client)
        client.settimeout(60)
        client.bind((RUNAWAY, 0))
        client.connect((self.lab.server_address, self.lab.port))
        return client

    def run(self):
        client = self.connect()
        for piece in range(10_000):
            if self.stopped.is_set():
                break
            head = f"PUT /upload/stream.{piece} HTTP/1.1\r\nHost: orders\r\nContent-Length: {PIECE}\r\n\r\n"
            client.sendall(head.encode() + b"." * PIECE)
            try:
                answer = client.recv(65536)
            except socket.timeout:
                break
            self.statuses.append(int(answer.split()[1]) if answer else 0)
        client.close()


class Neighbour(threading.Thread):
    """Asks for a customer list again and again, and notes how each was answered and how long it took."""

    def __init__(self, lab):
        super().__init__(daemon=True)
        self.lab, self.answers, self.stopped = lab, [], threading.Event()

    def run(self):
        while not self.stopped.is_set():
            began = time.monotonic()
            done = self.lab.curl("/1k", "-o", "/dev/null", "-w", "%{http_code}")
            self.answers.append((done.stdout, time.monotonic() - began))
            time.sleep(0.05)


class Incident(Story):
    def run(self):
        self.raise_lab()
        self.runaway()
        self.look()
        self.decide()
        self.evidence()

    def served(self):
        """Requests of the runaway in the server's own log."""
        return sum(line.startswith(RUNAWAY + ":") for line in nginx.access_log(self.lab.nginx_folder()))

    def holds(self):
        return api.get(self.lab.appliance.api, "/v1/holds?limit=100")["holds"]

    def raise_lab(self):
        self.say.step("The lab", "A shop and a forgotten CI job call the same service, through Sluice.")
        self.lab.up(POLICY)
        namespaces.run("ip", "-n", self.lab.client, "address", "add", RUNAWAY + "/24", "dev", self.lab.client_tap)
        self.say.command("cat policy.yaml")
        self.say.output(POLICY)
        self.neighbour = Neighbour(self.lab)
        self.neighbour.start()
        self.say.expect(wait_until(lambda: len(self.neighbour.answers) >= 10, 20), "the shop is served")

    def runaway(self):
        self.say.step("The runaway", f"ci-chunker cuts a stream into requests of {PIECE} bytes, as fast as it can.",
                      f"Its limit lets {BURST} pass at once, and {BURST} a minute.")
        self.job = Runaway(self.lab)
        self.job.start()
        self.say.expect(wait_until(self.holds, 20, 0.01), "its next request is held, and a reviewer sees it")
        time.sleep(1)
        self.say.expect(self.served() == BURST, f"the server's own log has {self.served()} of its requests, and not one more")
        self.cli("top", "--once", "--interval", "2s")

    def look(self):
        self.say.step("What the reviewer sees", "Who it is, why it waits, and exactly what it wants.")
        self.cli("holds", "list")
        self.hold = self.holds()[0]
        shown = self.cli("holds", "show", self.hold["id"])
        self.say.expect("ci-chunker" in shown.stdout and f"PUT /upload/stream.{BURST}" in shown.stdout,
                        "principal, limit and request are there")

    def decide(self):
        self.say.step("One decision", "The reviewer rejects all that ci-chunker sends, for two hours, and says why.")
        done = self.cli("holds", "reject", self.hold["id"], "--scope", "principal", "--for", "2h", "--reason",
                        "runaway: nobody owns this job")
        self.say.expect(done.returncode == 0, "it is decided")
        wait_until(lambda: len(self.job.statuses) > BURST + 50, 10, 0.05)
        self.job.stopped.set()
        self.job.join()
        self.say.expect(set(self.job.statuses[BURST:]) == {403}, "the held request and all after it were refused: "
                        f"{len(self.job.statuses) - BURST} times 403")
        self.say.expect(self.served() == BURST, f"the server's log still has {self.served()}")
        self.cli("grants", "list")

    def evidence(self):
        self.say.step("The neighbour")
        self.neighbour.stopped.set()
        self.neighbour.join()
        good = [seconds for status, seconds in self.neighbour.answers if status == "200"]
        self.say.expect(len(good) == len(self.neighbour.answers), f"the shop was served all the time: {len(good)} of "
                        f"{len(self.neighbour.answers)} requests")
        self.say.step("The evidence", "One file for those who ask tomorrow.")
        path = os.path.join(self.lab.state, "incident.md")
        wait_until(lambda: "denied" in self.lab.appliance.cli("sessions", "list", "--principal", "ci-chunker").stdout, 10, 0.2)
        self.cli("incident", "--principal", "ci-chunker", "--since", "1h", "-o", path)
        with open(path, encoding="utf-8") as file:
            text = file.read()
        self.say.output(text, 60)
        self.say.expect("nobody owns this job" in text and self.hold["id"] in text,
                        "it names the caller, the held request, the decision, who made it and why")
