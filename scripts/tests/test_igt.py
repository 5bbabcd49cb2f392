# SPDX-License-Identifier: GPL-2.0
"""What IGT's programs print, and what is made of it."""

import unittest

from labkit import igt, ktap

PLAIN = """IGT-Version: 2.5 (x86_64) (Linux: 7.3.4 x86_64)
Opened device: /dev/dri/card0
Starting subtest: bo_create
Subtest bo_create: SUCCESS (0.008s)
Starting subtest: bo_odd
Test requirement not met in function __igt_main, file ../tests/x.c:12:
Test requirement: has_odd(fd)
Subtest bo_odd: SKIP (0.000s)
"""
FAILS = PLAIN + """Starting subtest: bo_bad
(x:1) CRITICAL: Failed assertion: ret == 0
Subtest bo_bad: FAIL (0.001s)
"""


def told(text, status):
    """(name, status) of each result."""
    return [(r.name, r.status) for r in igt.parse(text, status)]


class Parse(unittest.TestCase):
    """igt.parse()"""

    def test_subtests_are_results(self):
        results = igt.parse(PLAIN, 0)
        self.assertEqual([(r.name, r.status) for r in results],
                         [("bo_create", ktap.PASS), ("bo_odd", ktap.SKIP)])
        self.assertEqual(results[1].reason, "has_odd(fd)")

    def test_a_failed_subtest_fails_with_what_it_printed(self):
        result = igt.parse(FAILS, 98)[-1]
        self.assertEqual((result.name, result.status), ("bo_bad", ktap.FAIL))
        self.assertIn("ret == 0", "\n".join(result.output))

    def test_a_program_without_subtests_has_one_result(self):
        self.assertEqual(told("IGT-Version: 2.5\nSUCCESS (0.1s)\n", 0),
                         [("all", ktap.PASS)])

    def test_nothing_applies(self):
        self.assertEqual(told("Test requirement: an_intel_gpu\n", 77),
                         [("all", ktap.SKIP)])

    def test_a_program_that_says_nothing_fails(self):
        self.assertEqual(told("", 0), [("end", ktap.FAIL)])

    def test_a_failure_without_a_failed_subtest_fails(self):
        self.assertIn(("end", ktap.FAIL), told(PLAIN, 98))

    def test_death_and_time_limit_fail(self):
        for status in (124, 137, 139):
            self.assertIn(("end", ktap.FAIL), told(PLAIN, status))


class Tries(unittest.TestCase):
    """Which programs may run again."""

    def test_only_those_that_depend_on_time(self):
        # pylint: disable=protected-access
        self.assertEqual(igt._tries("syncobj_wait"), igt.TRIES)
        self.assertEqual(igt._tries("panthor/panthor_vm"), 1)


if __name__ == "__main__":
    unittest.main()
