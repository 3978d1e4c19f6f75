#!/usr/bin/env python3
"""A caller that runs wild is named, told of and paused by Sluice itself, and its neighbour goes on."""

import hashlib
import hmac
import http.server
import json
import os
import signal
import socket
import threading
import time

import lab
from labkit import api, namespaces
from labkit.processes import wait_until

RUNAWAY = "10.77.0.65"  # a second caller in the client's namespace
SECRET = "a secret of the test, long enough"
POLICY = lab.POLICY.replace("  - {name: lab-client, from: 10.77.0.64/26}\n", f"""\
  - {{name: shop, from: 10.77.0.64/32}}
  - {{name: ci-chunker, from: {RUNAWAY}/32}}
""")
ALERTS = """\
sinks:
  - name: hook
    webhook: {{url: 'http://127.0.0.1:{port}/hook', secret_file: {secret}}}
  - name: program
    command: [{program}, a word, $(id)]
  - name: log
    syslog: {{socket: {socket}}}
alerts:
  - name: runaway
    summary: who owns it?
    severity: critical
    per: principal
    service: orders
    measure: requests
    above: 30/s
    window: 5s
    for: 1s
    clear_below: 5/s
    clear_after: 8s
    pause: 5m
  - name: failing
    per: principal
    service: odd
    measure: errors
    above: 50%
    window: 5s
    for: 1s
    clear_below: 10%
    clear_after: 2s
    at_least: 5
    tell: [program]
"""


class Alerts(lab.LabTest):
    policy = POLICY

    @classmethod
    def raise_lab(cls):
        super().raise_lab()
        namespaces.run("ip", "-n", cls.lab.client, "address", "add", RUNAWAY + "/24", "dev", cls.lab.client_tap)
        cls.told = []
        cls.receive()
        cls.out = cls.path("told")
        with open(os.open(cls.path("program"), os.O_CREAT | os.O_WRONLY, 0o755), "w", encoding="utf-8") as file:
            file.write(f'#!/bin/sh\n[ "$1|$2" = "a word|\\$(id)" ] || exit 1\ncat >> {cls.out}\n')
        with open(os.open(cls.path("secret"), os.O_CREAT | os.O_WRONLY, 0o600), "w", encoding="utf-8") as file:
            file.write(SECRET + "\n")
        cls.syslog = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        cls.syslog.bind(cls.path("log"))
        cls.syslog.settimeout(20)
        cls.addClassCleanup(cls.syslog.close)
        cls.write_alerts()
        appliance = cls.lab.appliance
        appliance.control.stop()
        appliance.control_options = ["--alerts", cls.path("alerts.yaml")]
        appliance.start_control()
        appliance.wait_connected()

    @classmethod
    def path(cls, name):
        return os.path.join(cls.lab.state, "alerts-" + name)

    @classmethod
    def write_alerts(cls, change=lambda text: text):
        with open(os.open(cls.path("alerts.yaml"), os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o644), "w", encoding="utf-8") as file:
            file.write(change(ALERTS.format(port=cls.receiver.server_port, secret=cls.path("secret"), program=cls.path("program"),
                                            socket=cls.path("log"))))

    @classmethod
    def receive(cls):
        """A webhook's other end: what it was told, where it was signed."""
        told = cls.told

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):  # noqa: N802
                body = self.rfile.read(int(self.headers["Content-Length"]))
                signed = b"v1:" + self.headers["X-Sluice-Timestamp"].encode() + b":" + body
                right = "v1=" + hmac.new(SECRET.encode(), signed, hashlib.sha256).hexdigest()
                is_signed = hmac.compare_digest(self.headers["X-Sluice-Signature"], right)
                self.send_response(200 if is_signed else 403)
                self.send_header("Content-Length", "0")
                self.end_headers()
                if is_signed:
                    told.append(json.loads(body))

            def log_message(self, *_):
                pass

        cls.receiver = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=cls.receiver.serve_forever, daemon=True).start()
        cls.addClassCleanup(cls.receiver.server_close)
        cls.addClassCleanup(cls.receiver.shutdown)

    # What there is.

    def alerts(self, state="active"):
        return api.get(self.lab.appliance.api, f"/v1/alerts?state={state}")["alerts"]

    def wait_for_alert(self, name):
        found = []

        def look():
            found[:] = [alert for alert in self.alerts() if alert["alert"] == name]
            return bool(found)

        self.assertTrue(wait_until(look, 30, 0.1), f"no alert {name}")
        return found[0]

    def wait_until_over(self, alert):
        def state():
            return api.get(self.lab.appliance.api, f"/v1/alerts/{alert['id']}")["state"]

        self.assertTrue(wait_until(lambda: state() == "over", 60, 0.1), "the alert stays")

    def programs(self, alert):
        """What the program was told of an alert, in order."""
        if not os.path.exists(self.out):
            return []
        with open(self.out, encoding="utf-8") as file:
            lines = [json.loads(line) for line in file if line.endswith("\n")]
        return [line["event"] for line in lines if line["alert"]["id"] == alert["id"]]

    def hooks(self, alert):
        return [one["event"] for one in self.told if one["alert"]["id"] == alert["id"]]

    def take_back_orders(self):
        for order in api.get(self.lab.appliance.api, "/v1/orders")["orders"]:
            self.assertEqual(self.lab.appliance.cli("grants", "revoke", str(order["order"])).returncode, 0)

    def runaway(self):
        client = namespaces.open_socket(self.lab.client)
        client.settimeout(60)
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        client.bind((RUNAWAY, 0))
        client.connect((self.lab.server_address, lab.Lab.port))
        self.addCleanup(client.close)
        return client

    # What must hold.

    def test_a_runaway_is_named_told_of_and_paused_and_its_neighbour_goes_on(self):
        self.addCleanup(self.take_back_orders)
        client, stop = self.runaway(), threading.Event()
        answered = []

        def run():
            while not stop.is_set():
                client.sendall(b"GET /1k HTTP/1.1\r\nHost: orders\r\n\r\n")
                answered.append(lab.read_response(client).status)
                time.sleep(0.005)

        thread = threading.Thread(target=run)
        thread.start()
        self.addCleanup(stop.set)
        alert = self.wait_for_alert("runaway")
        self.assertEqual((alert["service"], alert["principals"], alert["severity"]), ("orders", ["ci-chunker"], "critical"))
        self.assertGreater(alert["value"], 30)
        address = "%s:%d" % client.getsockname()
        flows = api.get(self.lab.appliance.api, "/v1/flows?principal=ci-chunker")["flows"]
        live = [flow["session"] for flow in flows if flow["client"] == address]
        self.assertEqual(alert["sessions"][:1], live)
        # Its own requests wait, its neighbour's do not.
        self.assertTrue(wait_until(lambda: api.get(self.lab.appliance.api, "/v1/holds")["holds"], 10, 0.05), "nothing is held")
        holds = api.get(self.lab.appliance.api, "/v1/holds")["holds"]
        self.assertEqual({(hold["principal"], hold["cause"], hold["cause_order"]) for hold in holds},
                         {("ci-chunker", "order", alert["order"])})
        for _ in range(20):
            self.assertEqual(self.get("/1k").status, 200)
        order = next(one for one in api.get(self.lab.appliance.api, "/v1/orders")["orders"] if one["order"] == alert["order"])
        self.assertEqual((order["verdict"], order["principal"], order["service"], order["by"]),
                         ("hold", "ci-chunker", "orders", "alert runaway"))
        self.tell_of(alert)
        # What is held calls no more: it is over, and the pause goes on.
        self.wait_until_over(alert)
        self.assertTrue(wait_until(lambda: self.hooks(alert) == self.programs(alert) == ["alert_raised", "alert_cleared"], 10, 0.1),
                        (self.hooks(alert), self.programs(alert)))
        before = len(answered)
        self.take_back_orders()
        self.assertTrue(wait_until(lambda: len(answered) > before, 10, 0.05), "it is held still")
        stop.set()
        thread.join()
        self.assertEqual(set(answered), {200})

    def tell_of(self, alert):
        """The CLI, the incident, the metrics, syslog and the audit say the same."""
        cli = self.lab.appliance.cli
        metrics = api.call(self.lab.appliance.api, "GET", "/v1/metrics")[1].decode()
        self.assertIn('\nsluice_alerts_active{alert="runaway"} 1\n', metrics)
        self.assertRegex(cli("alerts", "list", "--all").stdout, r"(?m)^ *%d +runaway +(active|over) +critical .* runaway: requests of ci-chunker at orders" % alert["id"])
        shown = cli("alerts", "show", str(alert["id"])).stdout
        self.assertIn(alert["sessions"][0], shown)
        self.assertIn(f"paused for 5m by order {alert['order']}", shown)
        told = cli("incident", "--principal", "ci-chunker", "--since", "10m").stdout
        self.assertIn(f"alert {alert['id']} runaway is raised", told)
        self.assertRegex(told, r"(?m)^\| %d \| runaway \| (active|over) \| critical \|" % alert["id"])
        message = self.syslog.recv(4096).decode()
        self.assertRegex(message, r"^<26>1 \S+Z \S+ sluice-control \d+ alert_raised \[alert@32473 ")
        self.assertIn(f'principal="ci-chunker" session="{alert["sessions"][0]}"', message)
        changes = api.get(self.lab.appliance.api, "/v1/holds/watch?after=0&limit=1000")["changes"]
        self.assertIn(("alert runaway", "alert_raised"), [(change["by"], change["what"]) for change in changes])

    def test_an_alert_outlives_control_and_is_over_once(self):
        stop = threading.Event()
        status = b"500 Failed"

        def failing(connection):
            while lab.read_head(connection) is not None:
                connection.sendall(b"HTTP/1.1 " + status + b"\r\nContent-Length: 0\r\n\r\n")

        def call():
            while not stop.is_set():
                self.get("/x", port=lab.ODD_PORT)
                time.sleep(0.1)

        with lab.Server(self.lab, failing):
            thread = threading.Thread(target=call)
            thread.start()
            self.addCleanup(stop.set)
            alert = self.wait_for_alert("failing")
            self.assertEqual(alert["principals"], ["shop"])
            self.assertTrue(alert["sessions"])
            self.assertTrue(wait_until(lambda: self.programs(alert) == ["alert_raised"], 10, 0.1))
            self.lab.appliance.control.kill()
            self.lab.appliance.start_control()
            self.lab.appliance.wait_connected()
            time.sleep(8)
            self.assertEqual([one["id"] for one in self.alerts() if one["alert"] == "failing"], [alert["id"]])
            status = b"200 OK"
            self.wait_until_over(alert)
            stop.set()
            thread.join()
        self.assertTrue(wait_until(lambda: self.programs(alert) == ["alert_raised", "alert_cleared"], 10, 0.1))
        self.assertEqual(self.hooks(alert), [], "a sink is told that the alert does not name")

    def test_a_file_is_checked_taken_at_sighup_and_refused_when_it_is_wrong(self):
        appliance = self.lab.appliance

        def listed():
            return api.get(appliance.api, "/v1/alerts")

        self.assertEqual(appliance.cli("alerts", "check", self.path("alerts.yaml")).stdout, "valid: 2 alerts, 3 sinks\n")
        self.addCleanup(lambda: os.kill(appliance.control.pid(), signal.SIGHUP))
        self.addCleanup(self.write_alerts)
        self.write_alerts(lambda text: text.replace("above: 30/s", "above: 30"))
        checked = appliance.cli("alerts", "check", self.path("alerts.yaml"))
        self.assertEqual(checked.returncode, 3)
        self.assertRegex(checked.stderr, r"alerts\.yaml:15:12: \"30\" is no number for this measure; for example 200/s")
        os.kill(appliance.control.pid(), signal.SIGHUP)
        self.assertTrue(wait_until(lambda: listed()["refused"], 10, 0.1))
        self.assertIn("is not taken", appliance.cli("alerts", "list").stdout)
        self.assertEqual([rule["above"] for rule in listed()["rules"]], ["30/s", "50%"])
        self.write_alerts(lambda text: text.replace("above: 30/s", "above: 40/s"))
        os.kill(appliance.control.pid(), signal.SIGHUP)
        self.assertTrue(wait_until(lambda: [rule["above"] for rule in listed()["rules"]] == ["40/s", "50%"], 10, 0.1))
        self.assertIsNone(listed()["refused"])


if __name__ == "__main__":
    lab.main()
