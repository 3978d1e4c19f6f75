#!/usr/bin/env python3
"""The bench's own maths: medians and ratios, what it reads of programs, the tables and the page it writes."""

import os
import sys
import tempfile
import types
import unittest
from unittest import mock

_HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(_HERE, "..", "..", "..", "tools"), os.path.join(_HERE, "..", "..", "support")]

from benchkit import disk, figures, http_load, payload, plots, profile, programs, readme, report, round_trip, table  # noqa: E402
from benchkit.figures import Figure  # noqa: E402
import unittest_report  # noqa: E402


def entry(name, value, label="us/request", **more):
    return {"name": name, "run_name": name, "run_type": "iteration", "label": label, "value": value} | more


class Rows(unittest.TestCase):
    def test_value_is_the_median_and_spread_the_range_over_it(self):
        row = Figure("a/b", "us", [10, 12, 11, 30, 9]).row()
        self.assertEqual((row["value"], row["spread"], row["runs"]), (11, 1.909, 5))
        self.assertNotIn("versus", row)

    def test_ratio_is_value_over_versus_value(self):
        row = Figure("a", "us", [30, 20, 40], "b", [8, 10, 12]).row()
        self.assertEqual((row["versus"], row["versus_value"], row["ratio"]), ("b", 10, 3))

    def test_nothing_is_divided_by_zero(self):
        row = Figure("a", "us", [0, 0], "b", [0, 0]).row()
        self.assertEqual((row["ratio"], row["spread"]), (None, 0.0))
        self.assertIn("a", table.render([row]))

    def test_four_digits_are_kept(self):
        self.assertEqual([figures.tidy(number) for number in (0, 0.00123456, 12.3456, 123456.7)], [0, 0.001235, 12.35, 123500])

    def test_rows_come_back_from_a_file_with_the_leading_one_apart(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "rows.json")
            rows = [Figure("a", "us", [1, 2, 3]).row(), Figure("b", "us", [1]).row()]
            figures.write_rows(path, [{"name": figures.META, "commit": "c"}, *rows])
            self.assertEqual(figures.read_rows(path), ({"name": figures.META, "commit": "c"}, rows))

    def test_rates_shall_be_large_and_times_small(self):
        self.assertFalse(any(map(figures.less_is_better, ("Gbit/s", "MB/s", "connections/s", "Gbit/s of DataRow bytes"))))
        self.assertTrue(all(map(figures.less_is_better, ("us/request", "ns/frame", "ms", "bytes/session", "us added"))))


class Programs(unittest.TestCase):
    def test_repetitions_are_gathered_and_aggregates_left_out(self):
        output = {"benchmarks": [entry("a/min_time:0.100/real_time", 3), entry("a/min_time:0.100/real_time", 5),
                                 entry("a_median", 4, run_type="aggregate"), entry("mute", 1, label=""),
                                 {"name": "none", "run_type": "iteration", "label": "us"}]}
        self.assertEqual(programs.samples(output), {"a": ("us/request", [3, 5], {})})

    def test_other_counters_are_fields_of_the_row(self):
        output = {"benchmarks": [entry("a", 3, iterations=9, real_time=1.5, seed=20771.0, build_s=number) for number in (2, 8.5, 4.12345)]}
        row = programs.join(programs.samples(output))[0].row()
        self.assertEqual((row["seed"], row["build_s"], row["runs"]), (20771, 4.123, 3))
        self.assertNotIn("real_time", row)

    def test_a_benchmark_that_failed_is_no_figure(self):
        output = {"benchmarks": [entry("a", 0, error_occurred=True, error_message="no room")]}
        with self.assertRaisesRegex(programs.ProgramError, "a: no room"):
            programs.samples(output)

    def test_figures_are_joined_by_the_name_in_the_label(self):
        measured = {"a": ("us versus b/c", [4, 6], {}), "b/c": ("us", [2, 2], {}), "alone": ("us versus gone", [1], {})}
        joined = {figure.name: figure for figure in programs.join(measured)}
        self.assertEqual((joined["a"].versus, joined["a"].versus_samples), ("b/c", [2, 2]))
        self.assertEqual((joined["alone"].versus, joined["b/c"].versus), ("", ""))

    def test_only_wanted_figures_are_shown_but_their_versus_is_used(self):
        joined = programs.join({"a": ("us versus b", [4], {}), "b": ("us", [2], {})}, ["a"])
        self.assertEqual([(figure.name, figure.versus_samples) for figure in joined], [("a", [2])])

    def test_the_filter_is_one_that_posix_reads(self):
        command = programs.command("p", ["worker/http1/10k+10000-rules", "a.b"], 0, 5, 0.1)
        self.assertIn(r"--benchmark_filter=^(a\.b|worker/http1/10k\+10000-rules)$", command)


    def test_what_is_measured_elsewhere_is_not_run(self):
        with mock.patch.object(programs, "benchmarks", return_value=["record/disk/real_time", "record/writer/none"]):
            self.assertEqual(programs.chosen_of("p", [], 0, apart=("record/disk",)), {"record/writer/none"})


class Disk(unittest.TestCase):
    def measure(self, *filters):
        self.order = []

        def fio(folder, _):
            self.order.append(("fio", folder))
            with open(os.path.join(folder, "fio"), "w", encoding="ascii"):
                return 2000.0

        def writer(_, folder, __):
            self.order.append(("writer", folder))
            return {disk.RECORD: ("MB/s", [1000.0], {"syncs": [3.0]})}

        options = types.SimpleNamespace(filters=list(filters), build="build")
        with mock.patch.object(disk, "fio_mb_per_s", fio), mock.patch.object(disk, "writer_run", writer):
            return {figure.name: figure.row() for figure in disk.figures(options, 3, 1, lambda _: None)}

    def test_fio_and_the_writer_take_turns_in_one_folder(self):
        rows = self.measure("record/disk")
        self.assertEqual([who for who, _ in self.order], ["fio", "writer"] * 3)
        self.assertEqual(len({folder for _, folder in self.order}), 1)
        self.assertEqual((rows["record/disk"]["ratio"], rows["record/disk"]["versus"], rows["record/disk"]["syncs"]),
                         (0.5, "machine/disk", 3))

    def test_only_what_is_wanted_is_measured(self):
        self.assertEqual(list(self.measure("machine/disk")), ["machine/disk"])
        self.assertEqual([who for who, _ in self.order], ["fio"] * 3)
        self.assertEqual(self.measure("inspect"), {})


class Profile(unittest.TestCase):
    def test_what_has_no_name_counts_for_its_library(self):
        text = ("# Overhead|Command\n 3.00%|worker|libhs.so.5|[.] 0x00000000005c896d|-\n 2.50%|worker|libhs.so.5|[.] 0x0000000000000001\n"
                " 4.00%|worker|[kernel.kallsyms]|[k] tcp_ack\n 1.00%|writer|main|[.] a::b (c, d)\n\n")
        self.assertEqual(profile.functions(text), [(("worker", "libhs.so.5, without names"), 5.5), (("worker", "tcp_ack (kernel)"), 4.0),
                                                   (("writer", "a::b (c, d)"), 1.0)])


class Lab(unittest.TestCase):
    def test_pages_have_their_sizes_and_their_secrets(self):
        for name, size in payload.SIZES.items():
            text = payload.text_of(size)
            self.assertEqual(len(text), size)
            self.assertTrue(all(secret in text for secret in payload.secrets(name)))

    def test_what_was_under_way_counts_by_its_bytes(self):
        sample = http_load.Sample({"worker": 900_000, "writer": 100_000}, 0.5, {"seconds": 2.0}, 2.5)
        self.assertEqual((sample.us, sample.threads_us["worker"], sample.per_second), (400.0, 360.0, 1.25))
        self.assertEqual(sample.core_us, 0.5 * 2e6 / 2.5)

    def test_what_wrk_counts_is_read_among_what_else_it_says(self):
        self.assertEqual(http_load.count_of('Running\ncount {"requests": 3}\nTransfer\n'), {"requests": 3})

    def test_quantiles(self):
        values = list(range(1, 101))
        self.assertEqual([round_trip.quantile(values, share) for share in (0.5, 0.99, 1.0)], [50, 99, 100])
        self.assertEqual(round_trip.quantile([7], 0.5), 7)

    def test_names_are_those_of_every_size_and_peer(self):
        self.assertIn("lab/http1/1m/haproxy-splice", http_load.names())
        self.assertIn("lab/http1/1k/nginx/no-offloads", http_load.names(offloads=False))


class Shown(unittest.TestCase):
    def setUp(self):
        self.meta = {"name": figures.META, "commit": "abc", "processor": "<fast> & good"}
        self.rows = [Figure("lab/http1/1k/nginx", "us/request", [30, 31, 32], "peer/http1/1k/nginx", [62, 62, 62]).row(),
                     Figure("lab/rtt/p50", "us added", [10, 11, 12], "peer/rtt/p50/router", [44, 44, 44]).row(),
                     Figure("worker/http1/64k/tcp", "us/request", [3]).row(), Figure("worker/http1/64k/inspect", "us/request", [9]).row()]

    def test_the_page_fetches_nothing_and_escapes_what_it_shows(self):
        page = report.page(self.meta, self.rows)
        self.assertIn("&lt;fast&gt; &amp; good", page)
        for word in ("<link", "<script", "src=", "@import", "url("):
            self.assertNotIn(word, page)
        self.assertIn("peer/http1/1k/nginx", page)

    def test_a_page_without_figures_is_a_page(self):
        self.assertIn("</html>", report.page({"name": figures.META}, []))

    def test_less_time_and_more_throughput_are_good(self):
        self.assertTrue(report.is_good({"ratio": 0.5, "unit": "us/request"}))
        self.assertFalse(report.is_good({"ratio": 0.5, "unit": "Gbit/s"}))

    def test_stacked_parts_fill_their_sum(self):
        drawn = plots.stacked([("a", [("x", 1.0), ("y", 3.0)])], "us", "label")
        self.assertIn('width="115.0"', drawn)
        self.assertIn('width="345.0"', drawn)

    def test_readme_says_what_the_file_says_and_a_change_is_found(self):
        with tempfile.TemporaryDirectory() as root:
            with open(os.path.join(root, "README.md"), "w", encoding="utf-8") as file:
                file.write(f"before\n{readme.BEGIN}\nold\n{readme.END}\nafter\n")
            self.assertIn("is not there", readme.check(root)[0])
            rows = os.path.join(root, "rows.json")
            figures.write_rows(rows, [self.meta, *self.rows])
            readme.adopt(rows, root)
            self.assertEqual(readme.check(root), [])
            with open(os.path.join(root, "README.md"), encoding="utf-8") as file:
                text = file.read()
            self.assertTrue(text.startswith("before\n") and text.endswith("\nafter\n") and "old" not in text)
            self.assertIn("| 1 KiB | **31** ±3 % |", text)
            with open(os.path.join(root, "README.md"), "w", encoding="utf-8") as file:
                file.write(text.replace("**31**", "**21**"))
            self.assertIn("Remedy", readme.check(root)[0])


if __name__ == "__main__":
    unittest_report.main()
