#!/usr/bin/env python3
"""kill -9 of the data plane under load: every acknowledged record is readable, and a restart serves again."""

import threading
import time

import archive
import lab


class KillDataplane(lab.LabTest):
    def test_acknowledged_records_survive_and_a_restart_serves(self):
        appliance = self.lab.appliance
        for round_number in range(3):
            load = threading.Thread(target=self.lab.in_client, args=(
                "wrk", "-t", "1", "-c", "32", "-d", "4s", self.lab.url("/1k")))
            load.start()
            time.sleep(2.5)
            acknowledged = self.counters()["recorder"]["records_durable"]
            self.assertGreater(acknowledged, 1000)
            appliance.dataplane.kill()
            load.join()
            killed_run = max(archive.records(appliance.archive))
            appliance.start_dataplane()
            self.assertTrue(lab.wait_until(self.lab.is_ready, 20, 0.1), "the restarted data plane does not serve")

            self.assertEqual(appliance.status()["archive"]["damaged_places"], 0, "a torn tail is cut, it is no damage")
            numbers = archive.records(appliance.archive)[killed_run]
            missing = set(range(1, acknowledged + 1)) - numbers
            self.assertEqual(len(missing), 0, f"round {round_number}: acknowledged and not readable")
            print(f"round {round_number}: {acknowledged} records were acknowledged, {len(numbers)} are readable")

    def test_it_comes_back_with_its_policy_while_control_is_away(self):
        appliance = self.lab.appliance
        appliance.control.kill()
        appliance.dataplane.kill()
        appliance.start_dataplane()
        self.assertTrue(lab.wait_until(self.lab.is_ready, 20, 0.1))
        body = self.get("/customers.json").text
        self.assertNotIn(b"@example.com", body, "the last good policy masks")
        appliance.start_control()
        appliance.wait_connected()


if __name__ == "__main__":
    lab.main()
