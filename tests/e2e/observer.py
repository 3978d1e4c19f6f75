"""An observer on both legs: dumpcap beside the ends' devices, and tshark's opinion of what it saw."""

import contextlib
import os
import signal
import subprocess

from labkit.processes import wait_until

# What tshark notes of a sound connection: a receiver that was slow for a moment, its window, and the question for it
# (a probe without a byte looks like a keepalive).
HARMLESS = ("window_update", "window_full", "zero_window", "zero_window_probe", "zero_window_probe_ack", "keep_alive",
            "keep_alive_ack")
# What a timer does when the machine was busy elsewhere for longer than the path takes: one segment, now and then.
LATE = ("retransmission", "rto_frame", "spurious_retransmission", "duplicate_ack")
MOST_LATE = 10


def noted(*names):
    return " || ".join("tcp.analysis." + name for name in names)


class Observer:
    """For a LabTest: what is done while observed() must look sound to tshark."""

    capture_bytes = 128
    options = ()
    wrong = f"tcp.analysis.flags && !({noted(*HARMLESS, *LATE)})"
    late = noted("retransmission")

    @contextlib.contextmanager
    def observed(self):
        """Captures both legs; afterwards nothing in either may be wrong."""
        captures = [os.path.join(self.lab.state, device + ".pcap") for _, device in self.lab.ends()]
        for capture in captures:  # of the last time: a new one says that dumpcap is at work
            if os.path.exists(capture):
                os.remove(capture)
        observers = [subprocess.Popen(["ip", "netns", "exec", namespace, "dumpcap", "-q", "-i", device, "-s", str(self.capture_bytes), "-B", "256", "-w", capture],
                                      stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
                     for (namespace, device), capture in zip(self.lab.ends(), captures)]
        try:
            for observer in observers:  # it says so when it begins
                self.assertIn("Capturing", observer.stderr.readline())
            self.assertTrue(wait_until(lambda: all(map(os.path.exists, captures)), 10))
            yield
        finally:
            ends = [observer.send_signal(signal.SIGINT) or observer.communicate()[1] for observer in observers]
        for capture, end in zip(captures, ends):
            self.assertRegex(end, r"received/dropped on interface '\w+': \d+/0 ", "the observer missed frames")
            self.assert_sound(capture)

    def assert_sound(self, capture):
        self.assertEqual(self.frames_with(self.wrong, capture)[:20], [], os.path.basename(capture))
        late = self.frames_with(self.late, capture)
        self.assertLessEqual(len(late), MOST_LATE, late[:20])

    def frames_with(self, what, capture):
        command = ["tshark", "-n", "-o", "tcp.desegment_tcp_streams:FALSE", "--disable-protocol", "http", *self.options]
        return subprocess.run([*command, "-r", capture, "-Y", what], capture_output=True, text=True, check=True).stdout.splitlines()
