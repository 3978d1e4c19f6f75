#!/usr/bin/env python3
"""The style checks find what they are there to find: small made-up trees with one mistake each."""

import os
import sys
import tempfile
import unittest

import banned
import compiling
import floors
import sizes
import tree

sys.path.insert(1, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import unittest_report  # noqa: E402


class MadeUpTree(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.root = self.folder.name
        self.write("common/bytes.h", "// Bytes.\n#pragma once\n")
        self.write("dataplane/wire/frame.h", "// Frames.\n#pragma once\n")

    def tearDown(self):
        self.folder.cleanup()

    def write(self, path, text):
        full = os.path.join(self.root, path)
        os.makedirs(os.path.dirname(full), exist_ok=True)
        with open(full, "w", encoding="utf-8") as file:
            file.write(text)

    def assert_finds(self, check, *words):
        problems, _ = check(self.root)
        self.assertEqual(len(problems), 1, problems)
        for word in words:
            self.assertIn(word, problems[0])


class Floors(MadeUpTree):
    def test_an_arrow_down_is_fine(self):
        self.write("dataplane/session/session.cc", '#include "dataplane/wire/frame.h"\n#include "common/bytes.h"\n')
        self.assertEqual(floors.check(self.root), ([], 2))

    def test_an_arrow_up_is_found_with_its_line(self):
        self.write("common/clock.h", '// Clock.\n#include "dataplane/wire/frame.h"\n')
        self.assert_finds(floors.check, "common/clock.h:2", "Remedy")

    def test_a_sibling_is_found(self):
        self.write("dataplane/inspect/scanner.h", '#include "dataplane/wire/frame.h"\n')
        self.assert_finds(floors.check, "sibling")

    def test_the_said_exception_is_allowed_one_way_only(self):
        self.write("dataplane/port/port.h", '#include "dataplane/wire/frame.h"\n')
        self.assertEqual(floors.check(self.root)[0], [])
        self.write("dataplane/wire/frame.h", '#include "dataplane/port/port.h"\n')
        self.assert_finds(floors.check, "sibling")

    def test_control_and_dataplane_do_not_meet(self):
        self.write("control/main.cc", '#include "dataplane/wire/frame.h"\n')
        self.assert_finds(floors.check, "meet only in")

    def test_a_folder_without_a_floor_is_found(self):
        self.write("dataplane/novelty/novelty.cc", '#include "common/bytes.h"\n')
        self.assert_finds(floors.check, "no floor")

    def test_a_path_that_is_not_from_the_root_is_found(self):
        self.write("dataplane/wire/frame.cc", '#include "frame.h"\n')
        self.assert_finds(floors.check, "full path")

    def test_a_generated_contract_needs_no_file(self):
        self.write("rules/compile.cc", '#include "schema/policy_generated.h"\n')
        self.assertEqual(floors.check(self.root)[0], [])


class Banned(MadeUpTree):
    def test_a_clock_in_a_pure_folder_is_found(self):
        self.write("dataplane/tcp/timers.cc", "// x\nauto t = std::chrono::steady_clock::now();\n")
        self.assert_finds(banned.check, "timers.cc:2", "clock")

    def test_the_worker_may_read_a_clock(self):
        self.write("dataplane/worker/loop.cc", "auto t = std::chrono::steady_clock::now();\n")
        self.assertEqual(banned.check(self.root)[0], [])

    def test_words_in_comments_and_strings_are_no_calls(self):
        self.write("dataplane/tcp/a.cc", '// never sleep(1)\n/* throw */ auto s = "throw"; auto n = 1\'000;\n')
        self.assertEqual(banned.check(self.root)[0], [])

    def test_a_digit_separator_hides_nothing(self):
        self.write("dataplane/tcp/a.cc", "int n = 1'000; throw n; int m = 2'000;\n")
        self.assert_finds(banned.check, "throws")


class Sizes(MadeUpTree):
    def test_a_long_file_is_found(self):
        self.write("common/long.cc", "// Long.\n" * (sizes.MAX_LINES + 1))
        self.assert_finds(sizes.check, "split it")

    def test_a_header_without_a_guard_is_found(self):
        self.write("common/twice.h", "// Twice.\n")
        self.assert_finds(sizes.check, "pragma once")

    def test_a_file_without_a_head_comment_is_found(self):
        self.write("common/mute.cc", "int x;\n")
        self.assert_finds(sizes.check, "head comment")


class Fingerprint(MadeUpTree):
    def test_it_changes_with_a_header_reached_through_another(self):
        self.write("common/middle.h", '#include "common/bytes.h"\n')
        self.write("common/top.cc", '#include "common/middle.h"\n')
        before = compiling.fingerprint(self.root, "common/top.cc", "flags")
        self.assertEqual(before, compiling.fingerprint(self.root, "common/top.cc", "flags"))
        self.assertNotEqual(before, compiling.fingerprint(self.root, "common/top.cc", "other flags"))
        self.write("common/bytes.h", "// Other bytes.\n#pragma once\n")
        self.assertNotEqual(before, compiling.fingerprint(self.root, "common/top.cc", "flags"))


class Tree(unittest.TestCase):
    def test_blanking_keeps_line_numbers(self):
        text = 'a /* 1\n2 */ "x\\"y" // z\nR"(\n\n)" b\n'
        self.assertEqual(tree.code_only(text).count("\n"), text.count("\n"))
        self.assertNotIn("z", tree.code_only(text))


if __name__ == "__main__":
    unittest_report.main()
