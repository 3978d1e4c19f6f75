#!/usr/bin/env python3
"""A full archive disk slows protected traffic down and says so; it loses nothing and goes on when there is room."""

import errno
import os
import threading

import lab

SIZE_MIB = 160
REQUESTS = 100  # of 1 MiB: more than the recorder holds in memory, less than the file system


def fill(folder, path):
    """Leaves 4 MiB at most; the recorder may take room ahead at any moment."""
    with open(path, "wb", buffering=0) as file:
        while True:
            free = os.statvfs(folder)
            spare = free.f_bavail * free.f_frsize - 4 * 1024 * 1024
            if spare <= 0:
                return
            try:
                file.write(b"\0" * min(spare, 1024 * 1024))
            except OSError as error:
                if error.errno != errno.ENOSPC:
                    raise
                return


class DiskFull(lab.LabTest):
    @classmethod
    def raise_lab(cls):
        """The archive is a small file system of its own."""
        cls.lab.up_network()
        cls.lab.up_servers()
        cls.lab.mount_memory(cls.lab.appliance.archive, SIZE_MIB)
        cls.lab.appliance.segment_bytes = "8MiB"
        cls.lab.up_appliance(cls.policy)

    def test_traffic_waits_and_status_says_so_and_all_is_well_again_with_room(self):
        archive = self.lab.appliance.archive
        ballast = os.path.join(archive, "ballast")
        fill(archive, ballast)

        done = []
        load = threading.Thread(target=lambda: done.append(self.lab.in_client(
            "curl", "-sS", "-w", "%{http_code} %{size_download}\\n", "-o", "/dev/null",
            self.lab.url(f"/1m?[1-{REQUESTS}]"))))
        load.start()
        self.assertTrue(lab.wait_until(lambda: self.archive_error(), 30, 0.2), "status does not tell of the full disk")
        print("status says:", self.archive_error())
        load.join(3)
        self.assertTrue(load.is_alive(), "traffic went on although nothing could be recorded")

        os.remove(ballast)
        load.join(60)
        self.assertFalse(load.is_alive(), "traffic did not resume")
        self.assertEqual(done[0].stdout.split(), ["200", "1048576"] * REQUESTS, done[0].stderr)
        self.assertTrue(lab.wait_until(lambda: not self.archive_error(), 20, 0.2), "status still complains")
        found = self.wait_for_sessions(1, seconds=20, of=lambda session: session["requests"] == REQUESTS)
        self.assertEqual(found[0]["missing_records"], 0)

    def archive_error(self):
        counters = self.counters()
        return counters["recorder"]["error"] if counters else ""


if __name__ == "__main__":
    lab.main()
