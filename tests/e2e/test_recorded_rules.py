#!/usr/bin/env python3
"""`sluice rules test --session`: what rules find in a recorded body is what they find in the same bytes from a file."""

import json
import os
import tempfile

import lab

# Nothing is masked, so that the record has what rules that come later are tried on.
POLICY = lab.POLICY.replace("rules: [pii/*]", "rules: []")

UPLOAD = b'{"note":"' + b"padding " * 40_000 + b'","card":"4111 1111 1111 1111","mail":"ada@example.com"}'


class RecordedRules(lab.LabTest):
    policy = POLICY

    def record(self):
        """A session of two units: an answer with personal data, and an upload with some behind 320 kB."""
        with self.connect() as client:
            name = client.getsockname()
            client.sendall(b"GET /customers.json HTTP/1.1\r\nHost: orders\r\n\r\n")
            answer = lab.read_response(client)
            client.sendall(b"PUT /upload/recorded HTTP/1.1\r\nHost: orders\r\nContent-Length: %d\r\n\r\n" % len(UPLOAD) + UPLOAD)
            lab.read_response(client)
        return self.session_of(name)["id"], answer.text

    def rules(self, *arguments):
        return self.lab.appliance.cli("--json", "rules", "test", "--pack", "pii", *arguments)

    def found_in_file(self, body):
        with tempfile.NamedTemporaryFile() as file:
            file.write(body)
            file.flush()
            done = self.rules(file.name)
        self.assertIn(done.returncode, (0, 1), done.stderr)
        return json.loads(done.stdout)

    def test_a_recorded_body_shows_what_the_same_file_shows(self):
        session, answer = self.record()
        for arguments, body, rules in ((["--unit", "0"], answer, {"pii/card", "pii/email"}),
                                       (["--unit", "1", "--body", "request"], UPLOAD, {"pii/card", "pii/email"})):
            done = self.rules("--session", session, *arguments)
            self.assertIn(done.returncode, (0, 1), done.stderr)
            found = json.loads(done.stdout)
            self.assertEqual(found["bytes"], len(body))
            self.assertLessEqual(rules, {match["rule"] for match in found["matches"]})
            self.assertEqual(found, self.found_in_file(body))
            self.assertNotIn("4111 1111 1111 1111", done.stdout)
            self.assertNotIn("@example.com", done.stdout)

    def test_a_policy_to_come_is_tried_on_what_was_recorded(self):
        session, answer = self.record()
        with tempfile.TemporaryDirectory() as directory:
            path = os.path.join(directory, "next.yaml")
            with open(path, "w", encoding="utf-8") as file:
                file.write(POLICY.replace("rules: []", "rules: [local/city]") +
                           "rules:\n  - {name: city, match: 'Oslo|Bergen', where: [response], action: observe}\n")
            done = self.lab.appliance.cli("rules", "test", "--policy", path, "--session", session)
        self.assertIn("local/city", done.stdout, done.stderr)
        self.assertIn(str(answer.index(b"Oslo")), done.stdout)

    def test_what_is_not_in_the_archive_is_told(self):
        session, _ = self.record()
        for arguments, error, words in ((["--session", "0123456789abcdef"], "not_found", "no session of that id"),
                                        (["--session", session, "--unit", "7"], "not_found", "no such message"),
                                        (["--session", "12"], "bad_argument", "16 hexadecimal digits")):
            said = self.lab.appliance.cli("rules", "test", "--pack", "pii", *arguments)
            self.assertNotIn(said.returncode, (0, 1), said.stdout)
            self.assertIn(words, said.stderr)
            self.assertEqual(said.stdout, "")
            as_json = self.rules(*arguments)
            self.assertEqual(as_json.returncode, said.returncode)
            self.assertEqual(as_json.stderr, "")
            told = json.loads(as_json.stdout)
            self.assertEqual(told["error"], error)
            self.assertIn(words, told["message"] + told.get("detail", ""))


if __name__ == "__main__":
    lab.main()
