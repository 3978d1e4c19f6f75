#!/usr/bin/env python3
"""The bench's lab in small: the appliance, the bare relay and a peer carry the same load, and each has its figure."""

import unittest

import lab
from benchkit import http_load, topology

BESIDE = ("tap-relay", "nginx")


class BenchLab(unittest.TestCase):
    def setUp(self):
        self.lab = topology.BenchLab(set(BESIDE))
        self.addCleanup(self.lab.down)
        self.lab.raise_all()

    def test_each_way_has_a_figure(self):
        names = [f"lab/http1/1k/{beside}" for beside in BESIDE]
        rows = [figure.row() for figure in http_load.figures(self.lab, names, 1, 1, print)]
        self.assertEqual(sorted(row["name"] for row in rows), sorted(names))
        for row in rows:
            self.assertGreater(row["value"], 0)
            self.assertGreater(row["versus_value"], 0)
            self.assertGreater(row["requests_per_s"], 10)
        relay = next(row for row in rows if row["name"].endswith("tap-relay"))
        self.assertGreater(relay["ratio"], 0.5, "the appliance cannot be far below a relay that does nothing")


if __name__ == "__main__":
    lab.main()
