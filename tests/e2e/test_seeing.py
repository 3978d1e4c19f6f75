#!/usr/bin/env python3
"""What goes on inside, while curl is served: live sessions with their TCP state."""

import json
import re
import subprocess

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


if __name__ == "__main__":
    lab.main()
