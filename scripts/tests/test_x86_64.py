# SPDX-License-Identifier: GPL-2.0
"""The x86_64 lane: what TESTS chooses."""

import contextlib
import io
import tempfile
import unittest
from pathlib import Path
from unittest import mock

from labkit import paths, x86_64
from labkit.ktap import PASS, Result


class Chosen(unittest.TestCase):
    """With TESTS only what matches is built, booted and judged."""

    def run_lane(self, pattern, *lane):
        """(exit status, output, kernels, [(boot, suites, programs)])."""
        kernels, boots = [], []

        def kernel(variant):
            kernels.append(variant.name)
            return mock.Mock(selftests=lambda *_: (
                None, [Path("/x/ttm_swap_test")]))

        def boot(_kernel, chosen):
            boots.append((chosen.name, chosen.suites,
                          tuple(p.name for p in chosen.programs)))
            tests.lane.add(chosen.name, [Result("x", PASS, "", [])])
            return []

        with tempfile.TemporaryDirectory() as scratch, \
             mock.patch.object(paths, "REPO", Path(scratch)), \
             mock.patch.object(paths, "TEST", Path(scratch)), \
             mock.patch.dict("os.environ", TESTS=pattern), \
             contextlib.redirect_stdout(io.StringIO()) as out:
            tests = x86_64.Tests(*lane)
            tests.kernel, tests.boot = kernel, boot
            status = tests.run()
        return status, out.getvalue(), kernels, boots

    def test_one_suite(self):
        status, _, kernels, boots = self.run_lane("ttm_backup_noswap")
        self.assertEqual(status, 0)
        self.assertEqual(kernels, [v.name for v in x86_64.VARIANTS])
        self.assertEqual([b[0] for b in boots],
                         ["zram", "no-swap", "nothp"])
        self.assertEqual({b[1] for b in boots}, {("ttm_backup_noswap",)})

    def test_a_program_needs_one_kernel(self):
        status, _, kernels, boots = self.run_lane("ttm_swap_test")
        self.assertEqual((status, kernels), (0, ["x86_64"]))
        self.assertEqual(boots, [("qxl", (), ("ttm_swap_test",))])

    def test_nothing_matches(self):
        status, words, _, boots = self.run_lane("bind*")
        self.assertEqual((status, boots), (1, []))
        self.assertIn("matches 'bind*'", words)

    def test_all_counts_mainlines_tests(self):
        status, words, _, boots = self.run_lane("")
        # The fixture's boots have none
        self.assertEqual((status, len(boots)), (1, 7))
        self.assertIn(f"{x86_64.MAINLINE_TESTS} tests of mainline pass", words)

    def test_a_kernel_without_swap_is_a_lane_of_its_own(self):
        status, _, kernels, boots = self.run_lane("", "uml-ttm-noswap",
                                                  x86_64.WITHOUT_SWAP)
        self.assertEqual((status, kernels), (0, ["uml-ttm-noswap"]))
        self.assertEqual([b[0] for b in boots], ["noswap", "noswap-mainline"])


if __name__ == "__main__":
    unittest.main()
