#!/usr/bin/env python3
"""Scores, with a real client: what rules find and what the caller does add up, and the reviewer sees how."""

import lab
from labkit import api, nginx
from labkit.processes import wait_until

LINES = "{above: 30, then: observe}, {above: 60, then: hold}, {above: 200, then: deny}"
RULES = """\
rules:
  - {name: everything, match: 'export=all', where: [request.head], score: 40}
  - {name: wipe, match: 'wipe everything', where: [request.body], score: 25}
  - {name: never, match: 'never=ever', where: [request.head], score: 500}
"""


def policy(pieces, mode="enforce"):
    return lab.POLICY.replace("    mode: enforce\n", f"    mode: {mode}\n", 1).replace("    rules: [pii/*]\n", f"""\
    rules: [pii/*, local/*]
    risk:
      lines: [{LINES}]
      behaviour: {{interval: 1m, pieces: {{above: {pieces}, of: 4KiB, score: 45}}}}
""", 1) + RULES


class Risk(lab.LabTest):
    policy = policy(100_000)

    def push(self, *arguments):
        self.lab.write_policy(policy(*arguments))
        self.lab.appliance.push(self.lab.policy)

    def put(self, client, path, body):
        client.sendall(f"PUT /upload/{path} HTTP/1.1\r\nHost: orders\r\nContent-Length: {len(body)}\r\n\r\n".encode()
                       + body)

    def served(self, path):
        return sum(path in line for line in nginx.access_log(self.lab.nginx_folder()))

    def wait_for_hold(self):
        found = []

        def look():
            found[:] = api.get(self.lab.appliance.api, "/v1/holds?state=live&limit=10")["holds"]
            return bool(found)

        self.assertTrue(wait_until(look, 10, 0.02), "no hold came to control")
        return found[0]

    def request_of(self, client):
        """The last request of a connection, as the record has it."""
        address = "%s:%d" % client.getsockname()
        client.close()
        session = self.wait_for_sessions(1, of=lambda session: session["client"] == address)[0]
        return self.session(session["id"])["units"][-1]["request"]

    def counts(self, line):
        return self.counters()["limits"].get(f"orders/risk:{line}", {})

    def test_a_request_above_the_line_is_held_and_shown_with_its_parts(self):
        self.push(100_000)
        held = self.counts(60).get("held", 0)
        with self.connect() as client:
            self.put(client, "a?export=all", b"please wipe everything")
            hold = self.wait_for_hold()
            self.assertEqual((hold["cause"], hold["score"]), ("score", 65))
            shown = self.lab.appliance.cli("holds", "show", hold["id"]).stdout
            self.assertIn("score/65, above 60: local/everything 40, local/wipe 25\n", shown)
            self.assertEqual(self.served("export=all"), 0)
            done = self.lab.appliance.cli("holds", "approve", hold["id"], "--reason", "it is fine")
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertLess(lab.read_response(client).status, 300)
            told = self.request_of(client)
        self.assertEqual(told["score"], {"total": 65, "above": 60, "parts": {"local/everything": 40, "local/wipe": 25}})
        self.assertEqual((told["held"]["cause"], told["held"]["passed"]), ("score/65", True))
        self.assertTrue(wait_until(lambda: self.counts(60).get("held", 0) == held + 1, 5, 0.1), self.counts(60))

    def test_a_stream_in_pieces_brings_what_is_found_above_the_line(self):
        self.push(20)
        with self.connect() as client:
            for number in range(21):
                self.put(client, f"piece-{number}", b"x" * 1024)
                self.assertLess(lab.read_response(client).status, 300)
            self.put(client, "piece-last?export=all", b"x" * 1024)
            hold = self.wait_for_hold()
            self.assertEqual(hold["score"], 85)
            self.assertEqual(hold["cause_name"], "above 60: behaviour/pieces 45, local/everything 40")
            done = self.lab.appliance.cli("holds", "reject", hold["id"], "--reason", "a runaway")
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertEqual(lab.read_response(client).status, 403)
            told = self.request_of(client)
        self.assertEqual(told["score"]["parts"], {"behaviour/pieces": 45, "local/everything": 40})
        self.assertEqual(self.served("piece-last"), 0)

    def test_above_the_highest_line_it_is_denied_and_below_the_lowest_nothing_happens(self):
        self.push(100_000)
        with self.connect() as client:
            client.sendall(b"GET /1k?never=ever HTTP/1.1\r\nHost: orders\r\n\r\n")
            answer = lab.read_response(client)
            self.assertEqual(answer.status, 403)
            self.assertIn(b"score_denied", answer.text)
            client.sendall(b"GET /1k HTTP/1.1\r\nHost: orders\r\n\r\n")
            self.assertEqual(lab.read_response(client).status, 200)
            self.assertNotIn("score", self.request_of(client))
        self.assertEqual(self.served("never=ever"), 0)

    def test_observed_it_passes_and_the_record_says_what_would_have_been(self):
        self.push(100_000, "observe")
        with self.connect() as client:
            self.put(client, "observed?export=all", b"please wipe everything")
            self.assertLess(lab.read_response(client).status, 300)
            told = self.request_of(client)
        self.assertEqual((told["verdict"], told["observed"], told["score"]["total"]), ("hold", True, 65))


if __name__ == "__main__":
    lab.main()
