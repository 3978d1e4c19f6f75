#!/usr/bin/env python3
"""A policy is swapped under load and no connection notices; a wrong one is refused whole, in words."""

import threading
import time

import lab

TIGHTER = lab.POLICY + """\
rules:
  - name: city
    match: 'Utrecht|Oslo|Aarhus'
    where: [response.body]
    action: mask
"""
TIGHTER = TIGHTER.replace("rules: [pii/*]", "rules: [pii/*, local/city]")
WRONG = lab.POLICY.replace("protocol: http", "protocol: htttp", 1)


class PolicyPush(lab.LabTest):
    def test_pushes_under_load_disturb_nobody(self):
        result = []
        load = threading.Thread(target=lambda: result.append(self.lab.in_client(
            "wrk", "-t", "1", "-c", "32", "-d", "6s", self.lab.url("/customers.json")).stdout))
        load.start()
        time.sleep(0.5)
        for text in [TIGHTER, lab.POLICY] * 5:
            self.lab.write_policy(text)
            self.lab.appliance.push(self.lab.policy)
        load.join()
        self.assertNotIn("Socket errors", result[0])
        self.assertNotIn("Non-2xx", result[0])

    def test_a_new_rule_masks_the_next_answer_on_an_open_connection(self):
        self.lab.write_policy(lab.POLICY)
        self.lab.appliance.push(self.lab.policy)
        with self.connect() as client:
            def ask():
                client.sendall(b"GET /customers.json HTTP/1.1\r\nHost: orders\r\n\r\n")
                return lab.read_response(client).text

            self.assertIn(b"Aarhus", ask())
            self.lab.write_policy(TIGHTER)
            self.lab.appliance.push(self.lab.policy)
            masked = ask()
        self.assertNotIn(b"Aarhus", masked)
        self.assertIn(b"Ada Stone", masked)

    def test_a_wrong_policy_names_line_and_column_and_the_old_one_runs_on(self):
        before = self.lab.appliance.status()["data_plane"]["policy_version"]
        self.lab.write_policy(WRONG)
        line = next(number for number, text in enumerate(WRONG.splitlines(), 1) if "htttp" in text)
        column = WRONG.splitlines()[line - 1].index("htttp") + 1
        for verb in ("check", "push"):
            done = self.lab.appliance.cli("policy", verb, self.lab.policy)
            self.assertNotEqual(done.returncode, 0)
            self.assertIn(f"policy.yaml:{line}:{column}", done.stderr)
            self.assertIn("http", done.stderr.replace("htttp", ""), "it says what would be right")
        self.assertEqual(self.lab.appliance.status()["data_plane"]["policy_version"], before)
        self.assertNotIn(b"@example.com", self.get("/customers.json").text)


if __name__ == "__main__":
    lab.main()
