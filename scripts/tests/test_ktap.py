# SPDX-License-Identifier: GPL-2.0
"""Reading test results: what is missing is a failure."""

import textwrap
import unittest

from labkit import ktap
from labkit.ktap import FAIL, PASS, SKIP, XFAIL


def parse(text):
    """{name: status} of an indented text."""
    return {r.name: r.status for r in ktap.parse(textwrap.dedent(text))}


class Flat(unittest.TestCase):
    """The output of a kselftest program."""

    def test_results(self):
        self.assertEqual(parse("""\
            TAP version 13
            1..4
            # Starting 4 tests
            ok 1 global.good
            not ok 2 global.bad
            ok 3 global.skipped # SKIP no such feature
            ok 4 global.known # XFAIL mainline cannot
            # Totals: pass:1 fail:1
            """), {"global.good": PASS, "global.bad": FAIL,
                   "global.skipped": SKIP, "global.known": XFAIL})

    def test_unexpected_success_fails(self):
        self.assertEqual(parse("TAP version 13\n1..1\nok 1 a # XPASS\n"),
                         {"a": FAIL})

    def test_plan_not_fulfilled(self):
        self.assertEqual(parse("TAP version 13\n1..3\nok 1 a\nok 2 b\n"),
                         {"a": PASS, "b": PASS, "plan": FAIL})

    def test_more_than_planned(self):
        text = "TAP version 13\n1..1\nok 1 a\nok 2 b\n"
        self.assertEqual(parse(text)["plan"], FAIL)

    def test_no_plan(self):
        self.assertEqual(parse("TAP version 13\nok 1 a\n"),
                         {"a": PASS, "plan": FAIL})

    def test_total_of_parameters_is_a_plan(self):
        text = ("KTAP version 1\n1..1\n    KTAP version 1\n"
                "    # Subtest: case\n    ok 1 a\n    ok 2 b\n"
                "# case: pass:2 fail:0 skip:0 total:%d\nok 1 case\n")
        self.assertEqual(ktap.count(ktap.parse(text % 2)),
                         {"pass": 2, "fail": 0, "skip": 0, "xfail": 0})
        self.assertEqual(ktap.count(ktap.parse(text % 3))["fail"], 1)

    def test_nothing(self):
        self.assertEqual(ktap.parse(""), [])
        self.assertEqual(ktap.parse("ok 1 without a header\n"), [])

    def test_skipped_as_a_whole(self):
        self.assertEqual(parse("TAP version 13\n1..0 # SKIP no GPU\n"),
                         {"all": SKIP})

    def test_output_belongs_to_the_next_result(self):
        results = ktap.parse("TAP version 13\n1..2\n# first\nok 1 a\n"
                             "# why it failed\nnot ok 2 b\n")
        self.assertEqual(results[1].output, ["# why it failed"])


class Nested(unittest.TestCase):
    """The output of KUnit in a kernel log."""

    LOG = """\
        [    0.100000] something else
        [    0.200000] KTAP version 1
        [    0.200000] 1..2
        [    0.200000]     KTAP version 1
        [    0.200000]     # Subtest: first
        [    0.200000]     1..2
        [    0.200000]     ok 1 a
        [    0.200000]         KTAP version 1
        [    0.200000]         # Subtest: b
        [    0.200000]         ok 1 0 pages
        [    0.200000]         not ok 2 1 page
        [    0.200000]         1..2
        [    0.200000]     # b: pass:1 fail:1
        [    0.200000]     not ok 2 b
        [    0.200000] not ok 1 first
        [    0.200000]     KTAP version 1
        [    0.200000]     # Subtest: second
        [    0.200000]     1..1
        [    0.200000]     ok 1 c # SKIP x
        [    0.200000] ok 2 second # SKIP x
        """

    def test_leaves_are_counted(self):
        self.assertEqual(parse(self.LOG), {
            "first.a": PASS, "first.b.0 pages": PASS, "first.b.1 page": FAIL,
            "second.c": SKIP})

    def test_suite_that_fails_as_a_whole(self):
        text = self.LOG.replace("ok 2 second # SKIP x", "not ok 2 second")
        self.assertEqual(parse(text)["second"], FAIL)

    def test_log_that_ends_early(self):
        text = textwrap.dedent(self.LOG).split("    # Subtest: second")[0]
        self.assertIn("plan", {r.name for r in ktap.parse(text)
                               if r.status == FAIL})

    def test_what_is_written_reads_back(self):
        groups = {"one": [ktap.Result("a", PASS),
                          ktap.Result("b", FAIL, "reason", ["1..7", "ok 3"])],
                  "two": [ktap.Result("c", SKIP, "no GPU"),
                          ktap.Result("d", XFAIL, "known")]}
        self.assertEqual(parse(ktap.write(groups)), {
            "one.a": PASS, "one.b": FAIL, "two.c": SKIP, "two.d": XFAIL})

    def test_closing_line(self):
        self.assertEqual(ktap.closing({PASS: 3, FAIL: 0, SKIP: 0, XFAIL: 0}),
                         "3 passed, 0 failed")
        self.assertEqual(ktap.closing({PASS: 3, FAIL: 1, SKIP: 2, XFAIL: 0}),
                         "3 passed, 1 failed, 2 skipped")
