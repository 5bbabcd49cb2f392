# SPDX-License-Identifier: GPL-2.0
"""The arm64 lane: the order of modules, the guest's plan, the initramfs."""

import contextlib
import io
import tempfile
import time
import types
import unittest
from pathlib import Path
from unittest import mock

from labkit import arm64, paths, steadiness
from labkit.guest import Outcome
from labkit.initramfs import Initramfs
from labkit.ui import Fail

DEP = """\
kernel/drivers/gpu/drm/scheduler/gpu-sched.ko:
kernel/drivers/gpu/drm/drm_exec.ko:
kernel/drivers/gpu/drm/drm_gpuvm.ko: kernel/drivers/gpu/drm/drm_exec.ko
kernel/drivers/gpu/drm/panthor/panthor.ko: \
kernel/drivers/gpu/drm/scheduler/gpu-sched.ko \
kernel/drivers/gpu/drm/drm_gpuvm.ko kernel/drivers/gpu/drm/drm_exec.ko
kernel/drivers/gpu/drm/panthor/model/panthor_model.ko:
kernel/drivers/devfreq/governor_simpleondemand.ko:
"""


class Case(unittest.TestCase):
    """A directory of installed modules."""

    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.root = Path(scratch.name)
        self.directory = self.root / "lib/modules/7.3.4"
        self.directory.mkdir(parents=True)
        (self.directory / "modules.dep").write_text(DEP, encoding="ascii")


class Order(Case):
    """What a module needs is loaded before it."""

    def test_needs_come_first(self):
        modules = arm64.Modules(self.root)
        self.assertEqual(modules.order(["panthor_model", "panthor"]),
                         ["panthor_model", "drm_exec", "drm_gpuvm",
                          "gpu_sched", "panthor"])

    def test_nothing_is_loaded_twice(self):
        modules = arm64.Modules(self.root)
        self.assertEqual(modules.order(["drm_exec", "drm_gpuvm", "drm_exec"]),
                         ["drm_exec", "drm_gpuvm"])

    def test_missing_module(self):
        with self.assertRaisesRegex(Fail, "without the module lima"):
            arm64.Modules(self.root).order(["lima"])

    def test_no_depmod(self):
        (self.directory / "modules.dep").unlink()
        with self.assertRaisesRegex(Fail, "depmod"):
            arm64.Modules(self.root)

    def test_path_in_the_guest(self):
        self.assertEqual(
            arm64.Modules(self.root).guest_path("gpu_sched"),
            "/lib/modules/7.3.4/kernel/drivers/gpu/drm/scheduler/gpu-sched.ko")


class Complaints(Case):
    """What modinfo says is judged."""

    GOOD = {"license": ["GPL"], "description": ["x"], "intree": ["Y"],
            "vermagic": ["7.3.4 SMP preempt aarch64"]}

    def complaints(self, needs=(), not_needs=(), **fields):
        """Complaints about panthor with some fields changed."""
        modules = arm64.Modules(self.root)
        with mock.patch.object(modules, "info",
                               return_value=dict(self.GOOD, **fields)):
            return modules.complaints("panthor", needs, not_needs)

    def test_good(self):
        self.assertEqual(self.complaints(["drm_gpuvm"], ["panthor_model"]), [])

    def test_bad(self):
        self.assertEqual(self.complaints(license=[""]), ["no license"])
        self.assertEqual(self.complaints(intree=[]), ["not built in the tree"])
        self.assertIn("vermagic", self.complaints(vermagic=["7.3.40 SMP"])[0])
        self.assertEqual(self.complaints(["drm"], ["drm_exec"]),
                         ["does not need drm", "needs drm_exec"])


class Plan(Case):
    """The guest loads, tests, unloads."""

    def test_plan(self):
        tests = arm64.Tests()
        tests.board.modules = arm64.Modules(self.root)
        objects = self.root / "obj"
        objects.mkdir()
        (objects / ".config").write_text("", encoding="ascii")
        tests.kernel = types.SimpleNamespace(objects=objects)
        # pylint: disable=protected-access
        rows = tests.board.plan(tests._rows("selftests", [
            Path("/x/bo_test")], 300)).splitlines()
        firmware = next(i for i, r in enumerate(rows) if r.startswith("copy "))
        self.assertIn("panthor_model.ko", rows[firmware - 1])
        self.assertEqual(rows[-4:], ["await /dev/dri/renderD128",
                                     "run 300 bo_test /lab/tests/bo_test",
                                     "rmmod panthor", "rmmod panthor_model"])
        (objects / ".config").write_text(
            "CONFIG_DRM_PANTHOR_MODEL_KUNIT_TEST=y\n", encoding="ascii")
        self.assertIn("kunit panthor*", tests._rows("selftests", [], 300))
        # Once is enough
        self.assertEqual([], tests._rows("selftests-2", [], 300))


class Again(Case):
    """What fails is run once more; what fails twice fails the lane."""

    LOG = ("[    1.0] lab: begin a_test\n[    2.0] panthor: job timeout\n"
           "[    3.0] lab: end a_test\n")
    GOOD = "TAP version 13\n1..1\nok 1 x\n"
    BAD = GOOD.replace("ok 1", "not ok 1")

    def run_lane(self, *boots, log=LOG):
        """Boots with what a_test, b_test, ... print; (status, words, boots)."""
        names = [f"{letter}_test" for letter in "abcdefgh"[:len(boots[0])]]
        asked = []

        def boot(_rows, programs, _log, _timeout, *, each, **_):
            ran = [p.name for p in programs]
            asked.append(ran)
            output = ""
            for name, text in zip(ran, boots[len(asked) - 1], strict=True):
                each(f"@lab begin {name}")
                output += f"@lab begin {name}\n{text}@lab end {name} 0\n"
            return Outcome(0, 1.0, output + "@lab done\n", log)

        tests = arm64.Tests()
        objects = self.root / "obj"
        objects.mkdir()
        (objects / ".config").write_text("", encoding="ascii")
        tests.kernel = types.SimpleNamespace(objects=objects)
        tests.board = types.SimpleNamespace(boot=boot)
        (self.root / "log").mkdir()
        with contextlib.redirect_stdout(io.StringIO()) as out, \
             mock.patch.object(paths, "REPO", self.root), \
             mock.patch.object(paths, "TEST", self.root / "test"), \
             mock.patch.object(paths, "LOG", self.root / "log"):
            status = tests.lane.judge(lambda: tests.selftests(
                [Path(f"/x/{n}") for n in names], 300))
        return status, out.getvalue(), asked

    def test_only_what_failed_runs_again(self):
        status, words, boots = self.run_lane([self.BAD, self.GOOD],
                                             [self.GOOD])
        self.assertEqual(boots, [["a_test", "b_test"], ["a_test"]])
        self.assertEqual(status, 0, words)
        self.assertIn("FAILED AT FIRST, passed when run again: x", words)
        # What the kernel said while it failed
        self.assertIn("| [    2.0] panthor: job timeout", words)

    def test_twice_is_a_failure(self):
        status, words, boots = self.run_lane([self.BAD], [self.BAD])
        self.assertEqual((status, len(boots)), (1, 2))
        self.assertNotIn("AT FIRST", words)

    def check_once(self, bad, log=LOG):
        """It fails, and nothing is run again."""
        status, words, boots = self.run_lane([bad], log=log)
        self.assertEqual((status, len(boots)), (1, 1), words)
        self.assertNotIn("AT FIRST", words)

    def test_failure_while_the_hardware_was_in_time(self):
        self.check_once(self.BAD, log=self.LOG.replace("job timeout", "hello"))

    def test_hardware_that_was_late_for_another_program(self):
        self.check_once(self.BAD, log=self.LOG.replace("a_test", "b_test"))

    def test_no_memory_is_no_matter_of_time(self):
        for words in ("x.c:9:y:Expected 0 (0) == ret (-12)",
                      "x.c:9:y:Expected 0 (0) == ret (18446744073709551604)",
                      "bind: ENOMEM"):
            with self.subTest(words):
                self.setUp()
                self.check_once(self.BAD.replace("not ok", f"# {words}\nnot ok"))

    def test_wrong_word_is_no_matter_of_time(self):
        for words in ("x.c:9:y:Expected 0 (0) == check (-84)",
                      "client 1: 3 wrong words"):
            with self.subTest(words):
                self.setUp()
                self.check_once(self.BAD.replace("not ok", f"# {words}\nnot ok"))

    def test_no_wrong_words_are_none(self):
        status, words, _ = self.run_lane(
            [self.BAD.replace("not ok", "# 0 wrong words\nnot ok")],
            [self.GOOD])
        self.assertEqual(status, 0, words)

    def test_many_are_a_failure_at_once(self):
        status, _, boots = self.run_lane([self.BAD] * 3)
        self.assertEqual((status, len(boots)), (1, 1))

    def test_report_of_the_kernel_is_one_however_often_it_passes(self):
        status, words, boots = self.run_lane(
            [self.GOOD], log="[    1.0] WARNING: mm/vmscan.c:1 at f\n")
        self.assertEqual((status, len(boots)), (1, 1))
        self.assertIn("mm/vmscan.c", words)

    def test_no_failure_no_second_boot(self):
        status, words, boots = self.run_lane([self.GOOD])
        self.assertEqual((status, len(boots)), (0, 1), words)


class Steadiness(unittest.TestCase):
    """A processor that was not there is noticed, when and for how long."""

    def test_worst_in_an_interval(self):
        watch = steadiness.Watch()
        watch.late = [(10.0, 0.2), (20.0, 0.4), (30.0, 0.1)]
        self.assertEqual(watch.worst(9, 12), 0.2)
        self.assertEqual(watch.worst(9, 40), 0.4)
        self.assertEqual(watch.worst(21, 29), 0)
        # It had begun before the interval, or ended after it
        self.assertEqual(watch.worst(29.95, 29.99), 0.1)

    def test_threads_end(self):
        with steadiness.Watch() as watch:
            time.sleep(0.1)
        # pylint: disable=protected-access
        self.assertFalse(any(t.is_alive() for t in watch._threads))


class Missing(unittest.TestCase):
    """What is needed and is not there is named with its package."""

    def test_each(self):
        with mock.patch("labkit.qemu.shutil.which",
                        side_effect=lambda p, **_: p):
            self.assertIsNone(arm64.Board.missing())
        for program, package in (("dtc", "device-tree-compiler"),
                                 ("aarch64-linux-gnu-gcc",
                                  "gcc-aarch64-linux-gnu"),
                                 ("qemu-system-aarch64", "qemu-system-arm")):
            with mock.patch("labkit.qemu.shutil.which", side_effect=lambda
                            p, absent=program, **_: p if p != absent else None):
                self.assertRegex(arm64.Board.missing(),
                                 f"{program}.*{package}")


class Contents(unittest.TestCase):
    """An initramfs is what gen_init_cpio is told."""

    def test_directories_come_before_files(self):
        with tempfile.TemporaryDirectory() as name:
            objects = Path(name)
            (objects / "usr").mkdir()
            tool = objects / "usr" / "gen_init_cpio"
            tool.write_text('#!/bin/sh\ncat "$1"\n', encoding="ascii")
            tool.chmod(0o755)
            contents = Initramfs()
            contents.add("/init", "/host/init", 0o755)
            contents.add("/lab/tests/a", "/host/a")
            target = objects / "initramfs.cpio"
            contents.write(types.SimpleNamespace(objects=objects, label="x"),
                           target)
            self.assertEqual(target.read_text(encoding="ascii").splitlines(), [
                "dir /dev 0755 0 0", "dir /lab 0755 0 0",
                "dir /lab/tests 0755 0 0",
                "nod /dev/console 0600 0 0 c 5 1",
                "file /init /host/init 0755 0 0",
                "file /lab/tests/a /host/a 0644 0 0"])

    def test_no_tool(self):
        with tempfile.TemporaryDirectory() as name:
            kernel = types.SimpleNamespace(objects=Path(name), label="x")
            with self.assertRaisesRegex(Fail, "BLK_DEV_INITRD"):
                Initramfs().write(kernel, Path(name) / "initramfs.cpio")
