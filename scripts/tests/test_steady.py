# SPDX-License-Identifier: GPL-2.0
"""Many runs of lanes, and what is beside them."""

import json
import os
import tempfile
import unittest
from pathlib import Path
from unittest import mock

from labkit import browser, ktap, minimal, steadiness, steadyreport
from labkit.ktap import Result
from labkit.ui import Fail


class Report(unittest.TestCase):
    """Counting failures."""

    def setUp(self):
        scratch = tempfile.TemporaryDirectory(prefix="steady-test-")
        self.addCleanup(scratch.cleanup)
        root = Path(scratch.name) / "steady"
        for name, value in (("DIRECTORY", root), ("FILE", root / "report.json")):
            patch = mock.patch.object(steadyreport, name, value)
            patch.start()
            self.addCleanup(patch.stop)
        self.report = steadyreport.Report(["a", "b"], 2)

    def test_failures_are_counted(self):
        good, bad = Result("x", ktap.PASS), Result("x", ktap.FAIL, "why")
        self.report.add("a", 0, 0, [good])
        self.report.add("a", 2, 1, [bad])
        self.report.add("a", 0, 1, [bad])
        self.report.add("b", 0, 0, [good])
        self.assertEqual(self.report.failures(), [
            {"lane": "a", "test": "x", "quiet": 1, "busy": 1, "said": ["why"]}])
        table = self.report.table()
        self.assertRegex(table, r"a +1 of 2 failed +1 of 1 failed")
        self.assertRegex(table, r"b +0 of 1 failed +0 of 0 failed")
        self.assertIn("| why", table)

    def test_lane_that_died(self):
        """Without a failed test it is a failure all the same."""
        self.report.add("a", 0, 3, [Result("x", ktap.PASS)])
        self.assertEqual(self.report.failures()[0]["said"],
                         ["it ended with exit status 3"])

    def test_file(self):
        self.report.add("a", 2, 1, [Result("x", ktap.FAIL, "why")])
        self.report.write()
        found = json.loads(steadyreport.FILE.read_text(encoding="utf-8"))
        self.assertEqual(found["runs"][0]["busy_loops"], 2)
        self.assertEqual(found["failures"][0]["busy"], 1)


class Busy(unittest.TestCase):
    """Loops beside."""

    @staticmethod
    def children():
        path = f"/proc/self/task/{os.getpid()}/children"
        return set(Path(path).read_text(encoding="ascii").split())

    def test_they_run_and_end(self):
        before = self.children()
        with steadiness.busy(2):
            self.assertEqual(len(self.children() - before), 2)
        self.assertEqual(self.children(), before)

    def test_they_end_with_a_failure(self):
        before = self.children()
        with self.assertRaises(KeyError), steadiness.busy(2):
            raise KeyError
        self.assertEqual(self.children(), before)

    def test_one_that_was_killed(self):
        """What was not beside all the time proves nothing."""
        before = self.children()
        with self.assertRaises(Fail), steadiness.busy(1):
            for pid in self.children() - before:
                os.kill(int(pid), 9)
                os.waitid(os.P_PID, int(pid), os.WEXITED | os.WNOWAIT)


class Packages(unittest.TestCase):
    """What is missing in a root is told."""

    def test_missing(self):
        with tempfile.TemporaryDirectory() as scratch:
            root = Path(scratch)
            (root / "usr/bin").mkdir(parents=True)
            (root / "usr/bin/dtc").symlink_to("/nowhere")
            self.assertEqual(minimal.missing(root, ("dtc", "gcc"), ("a/b",)),
                             ["gcc", "a/b"])

    def test_bench_has_what_its_scenarios_need(self):
        """It played one without QEMU for arm64."""
        found = minimal.packages("bench")
        for name in ("qemu-system-arm", "device-tree-compiler", "libelf-dev",
                     "qemu-system-x86", "gcc-aarch64-linux-gnu", "make"):
            self.assertIn(name, found)
        self.assertNotIn("@arm64", minimal.packages())

    def test_lists_that_are_named_are_there(self):
        lists = minimal.paths.REPO / "base/packages"
        for path in lists.iterdir():
            for row in path.read_text(encoding="ascii").splitlines():
                if row.startswith("@"):
                    self.assertTrue((lists / row[1:]).is_file(), row)


class Page(unittest.TestCase):
    """What is wrong with a page as a browser sees it."""

    SEEN = {"width": 400, "scroll": 400, "texts": 3, "smallest": 15,
            "overlaps": [], "outside": [], "verdicts": 2, "errors": []}

    def test_each_complaint(self):
        self.assertEqual(browser.complaints(self.SEEN, 400), [])
        for wrong in ({"width": 500}, {"scroll": 401}, {"texts": 0},
                      {"verdicts": 0}, {"smallest": 5}, {"overlaps": ["a / b"]},
                      {"outside": ["a"]}, {"errors": ["CONSOLE x"]}):
            found = browser.complaints(self.SEEN | wrong, 400)
            self.assertEqual(len(found), 1, wrong)
