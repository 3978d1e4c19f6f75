#!/usr/bin/env python3
"""Who is calling, in the weakest form: by source network, or by the user of Basic authentication; never the password."""

import base64

import lab


class Principals(lab.LabTest):
    policy = lab.POLICY.replace("rules: [pii/*]", "rules: [pii/*, secrets/*]")

    def principal_of(self, *headers):
        with self.connect() as client:
            head = "\r\n".join(["GET /1k HTTP/1.1", "Host: orders", *headers])
            client.sendall(head.encode() + b"\r\n\r\n")
            self.assertEqual(lab.read_response(client).status, 200)
            name = client.getsockname()
        session = self.session_of(name)
        self.assertFalse(session["principal_verified"])
        return session["principal"]

    def test_by_source_network(self):
        self.assertEqual(self.principal_of(), "lab-client")

    def test_by_basic_authentication(self):
        secret = "correct-horse-battery"
        credentials = base64.b64encode(f"mallory:{secret}".encode()).decode()
        self.assertEqual(self.principal_of(f"Authorization: Basic {credentials}"), "mallory")
        self.assert_nowhere_on_disk([secret, credentials])

    def test_malformed_credentials_name_nobody(self):
        self.assertEqual(self.principal_of("Authorization: Basic !!!"), "lab-client")


if __name__ == "__main__":
    lab.main()
