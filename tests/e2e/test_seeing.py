#!/usr/bin/env python3
"""What goes on inside, while curl is served: live sessions with their TCP state, and what the worker did last."""

import json
import os
import re
import stat
import subprocess
import tempfile

import lab


class Seeing(lab.LabTest):
    def slow_curl(self):
        """A download that takes its time."""
        curl = subprocess.Popen(
            ["ip", "netns", "exec", self.lab.client, "curl", "-sS", "-o", "/dev/null", "--limit-rate", "100k",
             self.lab.url("/1m")])
        self.addCleanup(curl.wait)
        self.addCleanup(curl.kill)
        return curl

    def flows(self, *filters):
        done = self.lab.appliance.cli("--json", "flows", *filters)
        self.assertEqual(done.returncode, 0, done.stdout)
        return json.loads(done.stdout)

    def wait_for_flow(self, *filters):
        found = []

        def there():
            found[:] = self.flows(*filters)["flows"]
            return bool(found)

        self.assertTrue(lab.wait_until(there, 10, 0.1), "no flow is listed")
        return found[0]

    def test_flows_tell_what_the_client_kernel_sees(self):
        self.slow_curl()
        flow = self.wait_for_flow("--service", "orders", "--state", "established", "--min-bytes", "1000")
        self.assertEqual(flow["principal"], "lab-client")
        self.assertEqual(flow["server"], f"{self.lab.server_address}:{self.lab.port}")
        self.assertEqual(flow["units"], 1)
        self.assertEqual(flow["handling"], "terminated")
        port = flow["client"].split(":")[1]
        # The client's kernel knows a connection from that port, and agrees on what both sides must agree on.
        kernel = self.lab.in_client("ss", "-tinH", f"sport = :{port}").stdout
        self.assertIn("ESTAB", kernel)
        scales = re.search(r"wscale:(\d+),(\d+)", kernel)
        leg = flow["client_leg"]
        self.assertEqual(leg["state"], "established")
        self.assertEqual((leg["receive_window_scale"], leg["send_window_scale"]), tuple(map(int, scales.groups())))
        self.assertGreater(leg["mss"], 500)
        self.assertGreater(leg["sent_bytes"], 1000)
        self.assertGreater(flow["server_leg"]["received_bytes"], 1000)
        self.assertLessEqual(leg["sent_bytes"], flow["server_leg"]["received_bytes"])
        # The same in words.
        text = self.lab.appliance.cli("flows", "--client", flow["client"]).stdout
        self.assertIn(flow["session"], text)
        self.assertRegex(text, r"client established .*cwnd:\d+")
        # It goes on the record under the same id.
        self.assertEqual(self.session(flow["session"])["client"], flow["client"])

    def test_filters_that_match_nothing_list_nothing(self):
        self.slow_curl()
        flow = self.wait_for_flow()
        for filters in (["--service", "nobody"], ["--principal", "nobody"], ["--client", "10.1.1.1"],
                        ["--client", ":1"], ["--server", "10.77.0.2:1"], ["--state", "syn_sent"],
                        ["--min-age", "1h"], ["--min-bytes", "100000000"], ["--session", "0123456789abcdef"]):
            self.assertEqual(self.flows(*filters)["flows"], [], filters)
        for filters in (["--client", "10.77.0.0/24"], ["--server", ":8080"], ["--session", flow["session"]]):
            self.assertIn(flow["session"], [one["session"] for one in self.flows(*filters)["flows"]], filters)

    def test_wrong_filters_are_refused_in_words(self):
        done = self.lab.appliance.cli("flows", "--state", "asleep")
        self.assertEqual(done.returncode, 3)
        self.assertIn("close_wait", done.stderr)
        self.assertEqual(self.lab.appliance.cli("flows", "--client", "nowhere").returncode, 3)
        self.assertEqual(self.lab.appliance.cli("flows", "--min-age", "soon").returncode, 2)

    def test_the_limit_says_that_there_is_more(self):
        connections = [self.connect() for _ in range(5)]
        for connection in connections:
            self.addCleanup(connection.close)
        self.assertTrue(lab.wait_until(lambda: len(self.flows("--state", "established")["flows"]) >= 5, 10, 0.1))
        answer = self.flows("--limit", "3")
        self.assertEqual(len(answer["flows"]), 3)
        self.assertTrue(answer["more"])
        self.assertIn("there are more", self.lab.appliance.cli("flows", "--limit", "3").stdout)

    def lose(self, *rule):
        """Frames on their way out of the client's namespace that the kernel there throws away."""
        for command in (["add", "table", "inet", "seeing"],
                        ["add", "chain", "inet", "seeing", "out", "{ type filter hook output priority 0; }"],
                        ["add", "rule", "inet", "seeing", "out", *rule, "drop"]):
            done = self.lab.in_client("nft", *command)
            self.assertEqual(done.returncode, 0, done.stderr)
        self.addCleanup(self.lab.in_client, "nft", "delete", "table", "inet", "seeing")

    def trace(self, *options):
        done = self.lab.appliance.cli("--json", "trace", *options)
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout)["records"]

    def test_flows_tell_that_a_peer_stopped_acknowledging(self):
        client = self.connect()
        self.addCleanup(client.close)
        client.sendall(b"GET /1k HTTP/1.1\r\nHost: orders\r\n\r\n")
        self.assertEqual(lab.read_response(client).status, 200)
        port = client.getsockname()[1]
        # The request comes through, and no acknowledgement of what it brings.
        self.lose("tcp", "sport", str(port), "meta", "length", "<", "100")
        client.sendall(b"GET /1m HTTP/1.1\r\nHost: orders\r\nX: " + b"x" * 200 + b"\r\n\r\n")
        flow = self.wait_for_flow("--client", f":{port}", "--state", "established")

        def waits():
            leg = self.flows("--session", flow["session"])["flows"][0]["client_leg"]
            is_waiting = leg["timer"] is not None and leg["timer"]["name"] == "retransmit" and leg["in_flight_bytes"] > 0
            return leg if is_waiting and leg["retransmitted_segments"] > 0 else None

        self.assertTrue(lab.wait_until(waits, 10, 0.1), self.flows()["flows"])
        leg = waits()
        self.assertGreater(leg["srtt_ns"], 0)
        self.assertGreater(leg["cwnd_bytes"], 0)
        self.assertLess(leg["ssthresh_bytes"], 1 << 20)
        text = self.lab.appliance.cli("flows", "--session", flow["session"]).stdout
        self.assertRegex(text, r"client established .*retrans:\d+.*timer:retransmit")
        # The server's side goes on: nothing was lost there.
        self.assertEqual(self.flows("--session", flow["session"])["flows"][0]["server_leg"]["retransmitted_segments"], 0)
        # And the trace tells the same, one by one.
        kinds = [record["kind"] for record in self.trace("--session", flow["session"], "--last", "0")]
        self.assertIn("retransmission", kinds)
        timers = self.trace("--session", flow["session"], "--kind", "timer", "--last", "0")
        self.assertIn(("client", "retransmit"), [(record["leg"], record["timer"]) for record in timers])

    def test_the_trace_tells_a_whole_session_in_order(self):
        with self.connect() as client:
            address = client.getsockname()
            client.sendall(b"GET /1k HTTP/1.1\r\nHost: orders\r\n\r\n")
            self.assertEqual(lab.read_response(client).status, 200)
        opened = self.session_of(address)["id"]
        records = self.trace("--session", opened, "--last", "0")
        self.assertEqual(records, sorted(records, key=lambda record: record["wall_ns"]))
        segments = [r for r in records if r["kind"].startswith("segment")]
        self.assertEqual([(r["kind"], r["leg"], r["flags"]) for r in segments[:4]],
                         [("segment_in", "client", "S"), ("segment_out", "server", "S"),
                          ("segment_in", "server", "S."), ("segment_out", "client", "S.")])
        self.assertEqual((segments[3]["seq"], segments[3]["ack"]), (0, 1))
        phases = [r["phase"] for r in records if r["kind"] == "phase"]
        self.assertEqual(phases[:2], ["handshake", "established"])
        # What the client got is what went out to it.
        sent = sum(r["length"] for r in records if r["kind"] == "segment_out" and r["leg"] == "client")
        self.assertGreater(sent, 1024)
        lines = self.lab.appliance.cli("trace", "--session", opened, "--kind", "segment_in").stdout.splitlines()
        self.assertRegex(lines[0], rf"^\d\d:\d\d:\d\d\.\d{{9}}  {opened}  client  segment_in +flags S seq 0 ack 0 length 0")

    def test_the_trace_tells_a_dropped_frame_with_its_reason(self):
        done = self.lab.in_client("python3", "-c", "import socket; socket.socket(socket.AF_INET, socket.SOCK_DGRAM)"
                                  f".sendto(b'around', ('{self.lab.server_address}', {self.lab.port}))")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertTrue(lab.wait_until(lambda: self.trace("--kind", "drop", "--since", "60s"), 5, 0.1))
        record = self.trace("--kind", "drop", "--last", "1")[0]
        self.assertEqual((record["error"], record["to_port"], record["leg"]), ("udp_refused", self.lab.port, "client"))
        self.assertIsNone(record["session"])
        self.assertIn("(UDP to a protected port)", self.lab.appliance.cli("trace", "--kind", "drop").stdout)
        self.assertTrue(lab.wait_until(lambda: "udp_refused" in self.lab.appliance.cli("status").stdout, 5, 0.2))

    def test_a_kept_trace_is_read_without_a_data_plane_and_a_cut_one_is_refused(self):
        self.assertEqual(self.get("/1k").status, 200)
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "kept")
            self.assertEqual(self.lab.appliance.cli("trace", "--write", path).returncode, 0)
            self.assertEqual(stat.S_IMODE(os.stat(path).st_mode), 0o600)
            kept = self.trace("--read", path, "--last", "0")
            self.assertGreater(len(kept), 10)
            # A payload is never in it.
            with open(path, "rb") as file:
                content = file.read()
            self.assertNotIn(b"GET /", content)
            with open(path, "wb") as file:
                file.write(content[:-1])
            done = self.lab.appliance.cli("trace", "--read", path)
            self.assertEqual(done.returncode, 3)
            self.assertIn("cut", done.stderr)

    def test_wrong_options_of_trace_are_refused_in_words(self):
        done = self.lab.appliance.cli("trace", "--kind", "teapot")
        self.assertEqual(done.returncode, 2)
        self.assertIn("retransmission", done.stderr)
        self.assertEqual(self.lab.appliance.cli("trace", "--session", "xyz").returncode, 2)
        self.assertEqual(self.lab.appliance.cli("trace", "--since", "soon").returncode, 2)
        self.assertEqual(self.lab.appliance.cli("trace", "--read", "/nowhere").returncode, 3)


class PostMortem(lab.LabTest):
    @classmethod
    def raise_lab(cls):
        """The run folder lies in memory, as /run does."""
        cls.lab.up_network()
        cls.lab.up_servers()
        cls.lab.mount_memory(cls.lab.appliance.run, 16)
        cls.lab.up_appliance(cls.policy)

    def read(self, name, *options):
        return self.lab.appliance.cli("trace", "--read", os.path.join(self.lab.appliance.run, name), *options)

    def test_what_a_killed_data_plane_did_last_is_told(self):
        appliance = self.lab.appliance
        with self.connect() as client:
            port = client.getsockname()[1]
            client.sendall(b"GET /1k HTTP/1.1\r\nHost: orders\r\n\r\n")
            self.assertEqual(lab.read_response(client).status, 200)
            appliance.dataplane.kill()
        told = self.read("trace-0.ring", "--last", "0")
        self.assertEqual(told.returncode, 0, told.stderr)
        self.assertRegex(told.stdout, rf"phase established client [0-9.]+:{port} ")
        appliance.start_dataplane()
        self.assertTrue(lab.wait_until(self.lab.is_ready, 20, 0.1))
        self.assertIn("did not stop in order; `sluice trace --read", appliance.dataplane.log())
        self.assertEqual(self.read("trace-0.died", "--last", "0").stdout, told.stdout)
        # One that stops in order leaves nothing.
        appliance.dataplane.stop()
        self.assertEqual(self.read("trace-0.ring").returncode, 3)


if __name__ == "__main__":
    lab.main()
