#!/usr/bin/env python3
"""kill -9 of control under load: no connection notices, and control takes up again when it is back."""

import threading
import time

import lab


class KillControl(lab.LabTest):
    def test_traffic_goes_on_and_control_takes_up_again(self):
        appliance = self.lab.appliance
        result = []
        load = threading.Thread(target=lambda: result.append(self.lab.in_client(
            "wrk", "-t", "1", "-c", "16", "-d", "5s", self.lab.url("/1k")).stdout))
        load.start()
        time.sleep(1)
        appliance.control.kill()
        time.sleep(1.5)
        self.assertNotIn(b"@example.com", self.get("/customers.json").text, "masking goes on without control")
        appliance.start_control()
        appliance.wait_connected(15)
        load.join()
        self.assertNotIn("Socket errors", result[0])
        self.assertNotIn("Non-2xx", result[0])
        self.assertIsNotNone(appliance.dataplane.pid())
        # The sessions that ran while control was away are there, and a push works.
        self.assertTrue(lab.wait_until(lambda: sum(one["requests"] for one in self.sessions()) > 100, 20, 0.2))
        appliance.push(self.lab.policy)

    def test_a_second_control_refuses_to_start(self):
        self.assert_second_refuses("sluice-control", self.lab.appliance.control_command())

    def test_a_second_data_plane_refuses_to_start(self):
        self.assert_second_refuses("sluice-dataplane", self.lab.appliance.dataplane_command())

    def assert_second_refuses(self, name, command):
        second = lab.namespaces.run("timeout", "10", *command, check=False)
        self.assertNotIn(second.returncode, (0, 124), f"a second {name} started")
        self.assertIn("already", (second.stderr + second.stdout).lower())
        self.assertTrue(self.lab.is_ready())
        self.assertEqual(self.lab.appliance.cli("status").returncode, 0)


if __name__ == "__main__":
    lab.main()
