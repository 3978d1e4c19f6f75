#!/usr/bin/env python3
"""A big download and a big upload: SHA-256 is the same at both ends and in the archive."""

import hashlib
import os

import lab

SIZE = (1024 if lab.BIG else 64) * 1024 * 1024


def write_file(path, size):
    """Random hex digits; made so that nothing in it looks like a card number or an address."""
    digest = hashlib.sha256()
    with open(path, "wb") as file:
        written = 0
        while written < size:
            block = os.urandom(512 * 1024).hex().translate(str.maketrans("0123456789", "ghijklmnop")).encode()
            block = block[:size - written]
            digest.update(block)
            file.write(block)
            written += len(block)
    return digest.hexdigest()


def file_sha256(path):
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


class BigTransfer(lab.LabTest):
    # An upload is judged in a window; what comes after it is scanned as it passes.
    policy = lab.POLICY.replace("    rules: [pii/*]\n", "    rules: [pii/*]\n    after_window: stream\n", 1)

    def test_download(self):
        expected = write_file(os.path.join(self.lab.nginx_folder(), "site", "big"), SIZE)
        got = os.path.join(self.lab.state, "downloaded")
        done = self.lab.in_client("curl", "-sS", "--max-time", "600", "-o", got, self.lab.url("/big"))
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(os.path.getsize(got), SIZE)
        self.assertEqual(file_sha256(got), expected, "at the client")
        os.remove(got)
        self.assertEqual(self.archived_sha256("response"), expected, "in the archive")

    def test_upload(self):
        source = os.path.join(self.lab.state, "to-upload")
        expected = write_file(source, SIZE)
        done = self.lab.in_client("curl", "-sS", "--max-time", "600", "-w", "%{http_code}", "-T", source, self.lab.url("/upload/big"))
        self.assertEqual((done.returncode, done.stdout[-3:]), (0, "201"), done.stderr)
        self.assertEqual(file_sha256(os.path.join(self.lab.nginx_folder(), "uploads/upload/big")), expected, "at the server")
        self.assertEqual(self.archived_sha256("request"), expected, "in the archive")

    def archived_sha256(self, direction):
        """Of the body that the newest session with a body this long has in the archive."""
        key = direction + "_bytes"
        found = self.wait_for_sessions(1, seconds=60, of=lambda session: session[key] >= SIZE)
        return lab.sha256(self.recorded_body(found[0]["id"], 0, direction))


if __name__ == "__main__":
    lab.main()
