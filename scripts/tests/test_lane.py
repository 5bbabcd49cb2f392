# SPDX-License-Identifier: GPL-2.0
"""A lane fails on what must not be overlooked."""

import contextlib
import io
import tempfile
import unittest
from pathlib import Path
from unittest import mock

from labkit import klog, ktap, paths, uml
from labkit.guest import Outcome
from labkit.lane import Lane, left_out
from labkit.ui import Fail

GOOD = "TAP version 13\n1..2\nok 1 a\nok 2 b\n"
LOG = """\
[    0.000000] Linux version 7.3.4
[    0.700000] panthor panthor: [drm] Mali-G610 id 0xa867
[    0.890000] zram: Added device: zram0
[    2.140000] kasan: KernelAddressSanitizer initialized
[    9.820000] reboot: Power down
"""
SPLATS = {
    "WARN": "[    1.0] ------------[ cut here ]------------\n"
            "[    1.0] WARNING: drivers/gpu/drm/panthor/x.c:12 at f\n",
    "lockdep": "[    1.0] ======================\n"
               "[    1.0] WARNING: possible circular locking dependency\n",
    "KASAN": "[    1.0] BUG: KASAN: slab-use-after-free in g+0x1/0x2\n",
    "hung task": "[    1.0] INFO: task kworker/0:1:9 blocked for more than 120 "
                 "seconds.\n",
    "oops": "[    1.0] Kernel panic - not syncing: Kernel mode fault\n",
    "atomic": "[    1.0] BUG: sleeping function called from invalid context\n",
    "trace": "[    1.0] Call Trace:\n",
    "OOM": "[    1.0] Out of memory: Killed process 12 (tour)\n",
    "lockdep off": "[    1.0] INFO: lockdep is turned off.\n",
}


class Case(unittest.TestCase):
    """A lane that writes to a directory of its own."""

    def setUp(self):
        scratch = tempfile.TemporaryDirectory(prefix="lane-test-")
        self.addCleanup(scratch.cleanup)
        root = Path(scratch.name)
        for name, value in (("REPO", root), ("TEST", root / "test"),
                            ("LOG", root / "log")):
            patch = mock.patch.object(paths, name, value)
            patch.start()
            self.addCleanup(patch.stop)
        self.lane = Lane("fixture")

    def finish(self):
        """(exit status, output, KTAP) of the lane."""
        with contextlib.redirect_stdout(io.StringIO()) as out:
            status = self.lane.finish()
        tap = (paths.TEST / "fixture.tap").read_text(encoding="utf-8")
        return status, out.getvalue(), tap


class Absent(Case):
    """A lane that cannot run on this machine."""

    def test_it_is_skipped_with_its_reason(self):
        self.lane.skip("no such package")
        status, words, tap = self.finish()
        self.assertEqual(status, 0)
        self.assertEqual(words.splitlines()[-1],
                         "0 passed, 0 failed, 1 skipped")
        self.assertIn("no such package", tap)


class Programs(Case):
    """Programs that do not end as they should."""

    def test_good(self):
        self.lane.program("good", 0, GOOD)
        status, words, _ = self.finish()
        self.assertEqual(status, 0)
        self.assertEqual(words.splitlines()[-1], "2 passed, 0 failed")

    def check_fails(self, status, text, words):
        """A program fails the lane, and the summary says why."""
        self.lane.program("bad", status, text)
        result, output, tap = self.finish()
        self.assertEqual(result, 1)
        self.assertIn(words, output)
        self.assertIn("not ok 1 bad", tap)

    def test_that_died(self):
        self.check_fails(139, GOOD, "died of signal 11")

    def test_that_ran_out_of_time(self):
        self.check_fails(124, GOOD, "ran out of time")

    def test_that_failed_without_saying_so(self):
        self.check_fails(1, GOOD, "exit status 1")

    def test_that_reported_nothing(self):
        self.check_fails(0, "hello\n", "reported no result")

    def test_that_did_not_keep_its_plan(self):
        self.check_fails(0, "TAP version 13\n1..3\nok 1 a\n", "1 of 3 planned")

    def test_skipped(self):
        self.lane.program("good", 0, GOOD)
        self.lane.program("none", 4, "no GPU here\n")
        self.assertEqual(self.finish()[0], 0)

    def test_device_that_is_not_there(self):
        """All tests skip themselves if the driver does not probe."""
        self.lane.program("good", 0, GOOD)
        self.lane.program("lost", 0, "TAP version 13\n1..1\n"
                          "ok 1 bo.create # SKIP no panthor device\n")
        self.assertEqual(self.finish()[0], 1)
        self.assertEqual(1, len(self.lane.failures("lost")))

    def test_nothing_tested(self):
        self.lane.program("none", 4, "no GPU here\n")
        status, words, _ = self.finish()
        self.assertEqual(status, 1)
        self.assertIn("no test that ran", words)

    def test_kunit_without_tests(self):
        self.lane.tap("kunit", LOG)
        self.assertEqual(self.finish()[0], 1)


class LeftOut(unittest.TestCase):
    """What the summary says of tests that did not run."""

    def test_cases_of_a_test_are_one_line_a_reason(self):
        skipped = [ktap.Result(f"take.swap.order {i}", ktap.SKIP, "no THP")
                   for i in range(1, 10)]
        self.assertEqual(left_out([
            ktap.Result("take.swap.order 0", ktap.SKIP, "no swap"), *skipped,
            ktap.Result("take.poison", ktap.SKIP, "no THP"),
            ktap.Result("take.pages", ktap.PASS),
            ktap.Result("vm", ktap.XFAIL, "known")]), [
                "skipped take.swap.order 0: no swap",
                "skipped take.swap, 9 cases: no THP",
                "skipped take.poison: no THP",
                "failed as expected vm: known"])


class KernelLogs(Case):
    """Kernel logs with and without reports."""

    def test_good(self):
        self.assertEqual(klog.splats(LOG), [])
        self.lane.kernel_log("guest", LOG)
        self.assertEqual(self.finish()[0], 0)

    def test_empty(self):
        self.lane.kernel_log("guest", "")
        self.assertEqual(self.finish()[0], 1)

    def test_splats(self):
        for name, text in SPLATS.items():
            with self.subTest(name):
                self.assertEqual(len(klog.splats(LOG + text)), 1)

    OOM = ("[    1.0] hog invoked oom-killer: gfp_mask=0xcc0, order=0\n"
           "[    1.0] Call Trace:\n"
           "[    1.1] Mem-Info:\n"
           "[    1.2] Out of memory: Killed process 31 (hog) total-vm:1kB\n")
    EXPECTED = "[    0.9] lab: oom expected\n"
    OVER = "[    1.3] lab: oom unexpected\n"

    def test_oom_where_it_is_expected(self):
        self.assertEqual(len(klog.splats(LOG + self.OOM)), 1)
        self.assertEqual(klog.splats(LOG + self.EXPECTED + self.OOM +
                                     SPLATS["OOM"] + self.OVER), [])
        for after in (self.OVER, "[    1.3] lab: end one_test\n"):
            self.assertEqual(len(klog.splats(
                LOG + self.EXPECTED + self.OOM + after + self.OOM)), 1)

    FAILURE = ("[    1.1] {}: page allocation failure: order:0, mode:0x1\n"
               "[    1.1] Call Trace:\n"
               "[    1.1] 6683 pages reserved\n")

    def test_victim_gets_no_page(self):
        """It says so, but nobody else does."""
        victim, other = self.FAILURE.format("hog"), self.FAILURE.format("tour")
        begin = LOG + self.EXPECTED + self.OOM
        killed = "[    1.0] Out of memory: Killed process 12 (hog)\n"
        self.assertEqual(klog.splats(begin + killed + victim + self.OVER), [])
        self.assertEqual(len(klog.splats(begin + killed + other)), 1)
        self.assertEqual(len(klog.splats(
            begin + killed + self.OVER + victim)), 1)

    def test_what_else_happens_where_an_oom_is_expected(self):
        for name in ("WARN", "KASAN", "trace", "hung task"):
            with self.subTest(name):
                self.assertEqual(len(klog.splats(
                    LOG + self.EXPECTED + self.OOM + SPLATS[name])), 1)
        panic = "[    1.1] Kernel panic - not syncing: System is deadlocked\n"
        self.assertEqual(len(klog.splats(
            LOG + self.EXPECTED + self.OOM[:60] + "\n" + panic)), 1)

    def test_splat_fails_the_lane(self):
        self.lane.kernel_log("guest", "[ 1.0] lab: begin bo_test\n" +
                             SPLATS["lockdep"] + "[ 1.1] lab: end bo_test\n")
        status, words, _ = self.finish()
        self.assertEqual(status, 1)
        self.assertIn("during bo_test: WARNING: possible circular", words)

    def test_two_reports(self):
        quiet = "".join(f"[    2.{i}] nothing\n" for i in range(40))
        self.assertEqual(len(klog.splats(SPLATS["WARN"] + quiet +
                                         SPLATS["KASAN"])), 2)


class Guests(Case):
    """Guests that do not end as they should."""

    OUTPUT = ("@lab begin one_test\n" + GOOD + "\n@lab end one_test 0\n"
              "@lab done 0\n@lab lockdep 1\n")

    def run_lane(self, *outcomes, config="CONFIG_PROVE_LOCKING=y\n"):
        """The lane with guests that end like this, for two programs."""
        tests = uml.Tests("fixture", ["uml"], "256M", 10)
        tests.kernel = mock.Mock(objects=paths.LOG)
        self.lane = tests.lane
        with mock.patch("labkit.guest.boot", side_effect=outcomes), \
             contextlib.redirect_stdout(io.StringIO()), \
             contextlib.redirect_stderr(io.StringIO()):
            paths.LOG.mkdir(exist_ok=True)
            (paths.LOG / ".config").write_text(config, encoding="ascii")
            tests.selftests([Path("/t/one_test"), Path("/t/two_test")]
                            [:len(outcomes)], 10)
        return self.finish()

    def test_good(self):
        status, words, _ = self.run_lane(Outcome(0, 3.0, self.OUTPUT, LOG))
        self.assertEqual(status, 0, words)

    def test_no_choice_of_programs_is_all_of_them(self):
        tests = uml.Tests("fixture", ["uml"], "256M", 10)
        tests.kernel = mock.Mock(tree=Path("/nonexistent"))
        programs = [Path("/t/one_test"), Path("/t/two_test")]
        for value, expected in (("", programs), ("two*", programs[1:])):
            with self.subTest(value), \
                 mock.patch.dict("os.environ", TESTS=value, BREAK=""), \
                 mock.patch.object(tests, "build", lambda: programs), \
                 mock.patch.object(tests, "kunit"), \
                 mock.patch.object(tests, "selftests") as selftests:
                tests.test_all()
                self.assertEqual(selftests.call_args[0][0], expected)

    def test_lockdep_off(self):
        output = self.OUTPUT.replace("lockdep 1", "lockdep 0")
        status, words, _ = self.run_lane(Outcome(0, 3.0, output, LOG))
        self.assertEqual(status, 1)
        self.assertIn("lockdep is off", words)

    def test_lockdep_unknown(self):
        output = self.OUTPUT.replace("@lab lockdep 1\n", "@lab lockdep \n")
        self.assertEqual(self.run_lane(Outcome(0, 3.0, output, LOG))[0], 1)

    def test_no_lockdep_in_the_kernel(self):
        output = self.OUTPUT.replace("@lab lockdep 1\n", "")
        status, words, _ = self.run_lane(
            Outcome(0, 3.0, output, LOG),
            config="# CONFIG_PROVE_LOCKING is not set\n")
        self.assertEqual(status, 0, words)

    def test_time_limit(self):
        status, words, _ = self.run_lane(Outcome(
            None, 10.0, "@lab begin one_test\nTAP version 13\n1..2\n", LOG))
        self.assertEqual(status, 1)
        self.assertIn("time limit", words)

    def test_crash_does_not_hide_the_other_programs(self):
        crash = Outcome(-6, 3.0, "@lab begin one_test\nTAP version 13\n",
                        LOG + SPLATS["oops"])
        other = Outcome(0, 3.0, self.OUTPUT.replace("one", "two"), LOG)
        status, _, tap = self.run_lane(crash, other)
        self.assertEqual(status, 1)
        self.assertRegex(tap, r"not ok \d+ one_test")
        self.assertRegex(tap, r"\nok \d+ two_test")

    def test_guest_that_never_comes_to_a_program(self):
        status, words, _ = self.run_lane(Outcome(
            0, 3.0, "@lab error no debugfs\n", LOG))
        self.assertEqual(status, 1)
        self.assertIn("no debugfs", words)
        self.assertIn("did not come to it", words)


class Obstacles(Case):
    """What keeps a lane from testing fails it, with a closing line."""

    def test_build_that_fails(self):
        def build():
            raise Fail("'make linux' failed for uml\n  foo.c:1: error: x")
        with contextlib.redirect_stdout(io.StringIO()) as out:
            status = self.lane.judge(build)
        self.assertEqual(status, 1)
        self.assertIn("foo.c:1: error: x", out.getvalue())
        self.assertEqual(out.getvalue().splitlines()[-1], "0 passed, 1 failed")


class Reading(Case):
    """What `make test` makes of a lane's file."""

    def test_no_file(self):
        from labkit import lane     # pylint: disable=import-outside-toplevel
        self.assertEqual([r.status for r in lane.read("fixture")], [ktap.FAIL])
