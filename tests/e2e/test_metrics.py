#!/usr/bin/env python3
"""What a real Prometheus reads equals what the client did, exactly."""

import json
import os
import pty
import re
import select
import signal
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request

import lab
from labkit import api, nginx, telemetry
from labkit.processes import Daemon, wait_until

PACKAGING = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "packaging")
TOKEN = "a-token-of-the-test-0123456789"
ALICE = "\r\nAuthorization: Basic YWxpY2U6eA=="
BOB = "\r\nAuthorization: Basic Ym9iOng="
CAROL = "\r\nAuthorization: Basic Y2Fyb2w6eA=="

# Alerts, as their labels.
AWAY = ['alertname="SluiceDataPlaneAway"']
WAITS = ['alertname="SluiceHoldWaits"']
NEW = ['alertname="SluiceRunaway",principal="new"']
STEADY_IS_NEW = ['alertname="SluiceRunaway",principal="steady"']
NOBODY = ['alertname="SluiceHoldsExpire"', 'alertname="SluiceHoldsExhausted"']

PROMETHEUS = """\
global: {{scrape_interval: 1s}}
scrape_configs:
  - job_name: sluice
    authorization: {{credentials_file: {token}}}
    static_configs: [{{targets: ["127.0.0.1:{port}"]}}]
"""


class Metrics(lab.LabTest):
    policy = lab.POLICY.replace("    rules: [pii/*]\n", "    rules: [pii/*, local/drop]\n", 1) + """\
rules:
  - {name: drop, match: 'drop table', where: [request.body], action: deny}
"""

    @classmethod
    def raise_lab(cls):
        super().raise_lab()
        appliance = cls.lab.appliance
        cls.port = lab.free_port()
        cls.token = os.path.join(cls.lab.state, "metrics-token")
        with open(os.open(cls.token, os.O_CREAT | os.O_WRONLY, 0o600), "w", encoding="utf-8") as file:
            file.write(TOKEN + "\n")
        appliance.control.stop()
        appliance.control_options = ["--metrics", f"127.0.0.1:{cls.port}", "--metrics-token", cls.token]
        appliance.start_control()
        appliance.wait_connected()
        cls.start_prometheus()

    @classmethod
    def start_prometheus(cls):
        folder = os.path.join(cls.lab.state, "prometheus")
        os.makedirs(folder, exist_ok=True)
        config = os.path.join(folder, "prometheus.yml")
        with open(config, "w", encoding="utf-8") as file:
            file.write(PROMETHEUS.format(token=cls.token, port=cls.port))
        cls.prometheus_port = lab.free_port()
        cls.prometheus = Daemon("prometheus", folder)
        cls.prometheus.start(["prometheus", f"--config.file={config}", f"--storage.tsdb.path={folder}/data",
                              f"--web.listen-address=127.0.0.1:{cls.prometheus_port}"])
        cls.addClassCleanup(cls.prometheus.stop)

    def query(self, expression):
        """The samples that Prometheus has of it now: [(labels, value)]."""
        url = f"http://127.0.0.1:{self.prometheus_port}/api/v1/query?" + urllib.parse.urlencode({"query": expression})
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:
                result = json.load(answer)["data"]["result"]
        except OSError:
            return []
        return [(sample["metric"], float(sample["value"][1])) for sample in result]

    def value(self, expression):
        samples = self.query(expression)
        return samples[0][1] if len(samples) == 1 else None

    def assert_value(self, expression, expected):
        wait_until(lambda: self.value(expression) == expected, 20, 0.2)
        self.assertEqual(self.value(expression), expected, expression)

    def test_counts_equal_what_the_client_did(self):
        served_before = len(nginx.access_log(self.lab.nginx_folder()))
        for _ in range(30):
            self.assertEqual(self.ask("GET /1k HTTP/1.1\r\nHost: orders" + ALICE).status, 200)
        for _ in range(7):
            self.assertEqual(self.ask("GET /nothing HTTP/1.1\r\nHost: orders" + BOB).status, 404)
        for _ in range(5):
            answer = self.ask("POST /1k HTTP/1.1\r\nHost: orders\r\nContent-Length: 10" + ALICE, b"drop table")
            self.assertEqual(answer.status, 403)
        self.assertEqual(len(nginx.access_log(self.lab.nginx_folder())) - served_before, 37)
        of_alice = '{service="orders",principal="alice"}'
        self.assert_value("sluice_requests_total" + of_alice, 35)
        self.assert_value("sluice_denied_total" + of_alice, 5)
        self.assert_value("sluice_request_duration_seconds_count" + of_alice, 30)
        self.assert_value("sluice_request_bytes_total" + of_alice, 50)
        self.assert_value('sluice_requests_total{service="orders",principal="bob"}', 7)
        self.assert_value("sum(sluice_requests_total) - sum(sluice_service_requests_total)", 0)
        self.assert_value('sluice_rule_matches_total{rule="local/drop"}', 5)
        self.assert_value('sluice_events_total{error="rule_denied"}', 5)
        waited = self.value('histogram_quantile(0.5, sum by (le) (sluice_request_duration_seconds_bucket))')
        self.assertTrue(0 < waited < 10, waited)
        self.assert_value("sluice_data_plane_up", 1)

    def test_the_text_is_as_prometheus_wants_it(self):
        status, text = api.call(self.lab.appliance.api, "GET", "/v1/metrics")
        self.assertEqual(status, 200)
        check = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, check=False)
        self.assertEqual((check.returncode, check.stdout + check.stderr), (0, b""))

    def test_alert_rules_and_the_dashboard_speak_of_what_is_told(self):
        rules = os.path.join(PACKAGING, "prometheus", "sluice-alerts.yml")
        check = subprocess.run(["promtool", "check", "rules", rules], capture_output=True, text=True, check=False)
        self.assertEqual(check.returncode, 0, check.stdout + check.stderr)
        text = api.call(self.lab.appliance.api, "GET", "/v1/metrics")[1].decode()
        told = set(re.findall(r"^# TYPE (\w+)", text, re.M)) | set(re.findall(r"^(\w+)", text, re.M))
        for path in (rules, os.path.join(PACKAGING, "grafana", "sluice.json")):
            with open(path, encoding="utf-8") as file:
                named = set(re.findall(r"\bsluice_\w+", file.read()))
            self.assertGreater(len(named), 5)
            self.assertLessEqual(named, told, path)

    def test_alerts_fire_when_they_should(self):
        rules = os.path.join(self.lab.state, "alerts-test.yml")
        with open(rules, "w", encoding="utf-8") as file:
            json.dump({
                "rule_files": [os.path.join(PACKAGING, "prometheus", "sluice-alerts.yml")],
                "evaluation_interval": "1m",
                "tests": [{
                    "interval": "1m",
                    "input_series": [{"series": series, "values": values} for series, values in (
                        ('sluice_requests_total{service="orders",principal="new"}', "_x90 0+1200x30"),
                        ('sluice_requests_total{service="orders",principal="steady"}', "0+1200x120"),
                        ("sluice_holds_open", "0x90 1x30"),
                        ("sluice_holds_exhausted_total", "0x110 1x10"),
                        ('sluice_holds_ended_total{ending="expired"}', "0x110 1x10"))],
                    "promql_expr_test": [{
                        "expr": 'count by (alertname, principal) (ALERTS{alertstate="firing"})',
                        "eval_time": f"{minute}m",
                        "exp_samples": [{"labels": "{" + labels + "}", "value": 1} for labels in fire],
                    } for minute, fire in ((10, AWAY + STEADY_IS_NEW), (105, AWAY + WAITS + NEW),
                                           (115, AWAY + WAITS + NEW + NOBODY))],
                }]}, file)
        check = subprocess.run(["promtool", "test", "rules", rules], capture_output=True, text=True, check=False)
        self.assertEqual(check.returncode, 0, check.stdout + check.stderr)

    def test_top_tells_who_calls_now(self):
        self.assertEqual(self.ask("GET /1k HTTP/1.1\r\nHost: orders" + CAROL).status, 200)
        once = self.lab.appliance.cli("top", "--once", "--interval", "1s")
        self.assertEqual(once.returncode, 0, once.stderr)
        self.assertRegex(once.stdout, r"(?m)^carol from 10\.77\.0\.64 +orders ")

    def test_top_draws_on_a_terminal_until_it_is_told_to_end(self):
        self.assertEqual(self.ask("GET /1k HTTP/1.1\r\nHost: orders" + CAROL).status, 200)
        child, terminal = pty.fork()
        if child == 0:
            os.environ["TERM"] = "xterm"
            command = self.lab.appliance.cli_command("top", "--interval", "1s")
            os.execv(command[0], command)
        drawn, until = b"", time.monotonic() + 20
        while b"carol" not in drawn:
            if not select.select([terminal], [], [], max(until - time.monotonic(), 0))[0]:
                os.kill(child, signal.SIGKILL)
                os.waitpid(child, 0)
                self.fail(f"top drew no caller: {drawn!r}")
            drawn += os.read(terminal, 65536)  # ends with an error if top does
        os.write(terminal, b"q")
        self.assertEqual(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), 0)
        os.close(terminal)

    def dpdk_telemetry(self, command):
        answer = telemetry.ask(self.lab.appliance.dataplane.pid(), command)
        self.assertIsNotNone(answer, "no telemetry socket is of our data plane")
        return answer

    def test_dpdk_telemetry_tells_the_same(self):
        for _ in range(3):
            self.assertEqual(self.ask("GET /1k HTTP/1.0\r\nHost: a\r\nHost: b").status, 400)
        self.assertEqual(self.dpdk_telemetry("/sluice/events")["http_bad_host"], 3)
        self.assertGreater(self.dpdk_telemetry("/sluice/worker")["busy_ns"], 0)

    def test_without_the_token_nothing_is_told(self):
        with self.assertRaises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(f"http://127.0.0.1:{self.port}/metrics", timeout=5)
        self.assertEqual(refused.exception.code, 401)
        refused.exception.close()


if __name__ == "__main__":
    lab.main()
