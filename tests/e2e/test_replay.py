#!/usr/bin/env python3
"""A recorded session is replayed against staging, and the differences are told."""

import lab


class Replay(lab.LabTest):
    def record(self, *paths):
        with self.connect() as client:
            name = client.getsockname()
            for path in paths:
                client.sendall(f"GET {path} HTTP/1.1\r\nHost: orders\r\n\r\n".encode())
                lab.read_response(client)
        return self.session_of(name)["id"]

    def replay(self, session, *options):
        return self.lab.appliance.cli("replay", session, "--to", f"127.0.0.1:{self.lab.staging_port}", *options)

    def test_the_same_content_shows_no_difference_in_the_body(self):
        done = self.replay(self.record("/1k", "/64k"))
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_other_content_shows_what_differs_and_no_secret(self):
        done = self.replay(self.record("/customers.json", "/invoice.json"))
        print(done.stdout)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("Bergen", done.stdout, "the changed city")
        self.assertIn("404", done.stdout, "the page that staging lacks")
        self.assertNotIn("@example.com", done.stdout)

    def test_a_protected_service_is_no_target_unless_forced(self):
        session = self.record("/1k")
        done = self.lab.appliance.cli("replay", session, "--to", f"{self.lab.server_address}:{self.lab.port}")
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("protected", done.stderr)


if __name__ == "__main__":
    lab.main()
