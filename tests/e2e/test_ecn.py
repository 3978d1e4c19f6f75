#!/usr/bin/env python3
"""Explicit congestion notification on both legs, with kernels that want it and paths that mark instead of dropping."""

import json
import os
import re

import lab
from labkit import impairment, namespaces

SIZE = 32 * 1024 * 1024
MOST_LATE = 10  # what a probe repeats when the machine was busy elsewhere


class Ecn(lab.LabTest):
    policy = lab.POLICY.replace("    rules: [pii/*]\n", "    rules: [pii/*]\n    after_window: stream\n", 1)

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        with open(os.path.join(cls.lab.nginx_folder(), "site", "content"), "wb") as file:
            file.write(b"marked\n" * (SIZE // 7))
        cls.want(cls.lab.client, 1)
        cls.want(cls.lab.server, 1)

    @classmethod
    def want(cls, namespace, how):
        namespaces.run("ip", "netns", "exec", namespace, "sysctl", "-qw", f"net.ipv4.tcp_ecn={how}")

    def mark(self, per_mille):
        """Of the frames that the ends send and receive."""
        for namespace, device in ((self.lab.client, self.lab.client_tap), (self.lab.server, self.lab.server_tap)):
            impairment.mark(namespace, device, os.path.join(self.lab.state, device + ".nft"), per_mille)
            self.addCleanup(impairment.clear, namespace)

    def sockets(self, namespace):
        """What the kernel says of the connections to the service."""
        port = f"( dport = :{self.lab.port} or sport = :{self.lab.port} )"
        return namespaces.run("ip", "netns", "exec", namespace, "ss", "-tinoH", "state", "established", port).stdout

    def legs(self, client):
        name = "%s:%d" % client.getsockname()
        flows = json.loads(self.lab.appliance.cli("--json", "flows", "--client", name).stdout)["flows"]
        self.assertEqual(len(flows), 1)
        return flows[0]["client_leg"], flows[0]["server_leg"]

    def exchange(self, client):
        """A download and an upload on the connection."""
        client.sendall(b"GET /content HTTP/1.1\r\nHost: orders\r\n\r\n")
        response = lab.read_response(client)
        self.assertEqual(lab.sha256(response.text), lab.sha256(b"marked\n" * (SIZE // 7)))
        body = b"up\n" * (SIZE // 3)
        client.sendall(f"PUT /upload/marked HTTP/1.1\r\nHost: orders\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)
        self.assertIn(lab.read_response(client).status, (201, 204))

    def test_both_ends_see_marks_and_slow_down_without_a_loss(self):
        self.mark(20)
        with self.connect(seconds=60) as client:
            self.exchange(client)
            for namespace in (self.lab.client, self.lab.server):
                told = self.sockets(namespace)
                self.assertRegex(told, r"\becn\b", namespace)
                self.assertRegex(told, r"\becnseen\b", namespace)
                marked = re.search(r"delivered_ce:(\d+)", told)
                self.assertTrue(marked and int(marked[1]) > 0, f"{namespace}: its marks did not come back: {told}")
            for leg in self.legs(client):
                self.assertTrue(leg["ecn"])
                self.assertGreater(leg["congestion_echoes"], 0)
                self.assertLessEqual(leg["retransmitted_segments"], MOST_LATE)
        for namespace in (self.lab.client, self.lab.server):
            self.assertGreater(impairment.frames_harmed(namespace), 0, namespace)

    def test_only_one_end_wants_it(self):
        self.want(self.lab.server, 0)
        self.addCleanup(self.want, self.lab.server, 1)
        self.mark(20)
        with self.connect(seconds=60) as client:
            self.exchange(client)
            for namespace in (self.lab.client, self.lab.server):
                self.assertNotRegex(self.sockets(namespace), r"\becn\b", namespace)
            for leg in self.legs(client):
                self.assertFalse(leg["ecn"])
        for namespace in (self.lab.client, self.lab.server):
            self.assertEqual(impairment.frames_harmed(namespace), 0, "nothing may be marked")


if __name__ == "__main__":
    lab.main()
