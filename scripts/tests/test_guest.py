# SPDX-License-Identifier: GPL-2.0
"""Guests end, and leave nothing; the kernel is a script here."""

import os
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path
from unittest import mock

from labkit import guest, paths

KERNEL = """\
#!/bin/sh
for word; do
	case $word in
	con1=*) fd=${word##*:} ;;
	ubd0=*) disk=${word#*=} ;;
	LAB_DIR=*) dir=${word#*=} ;;
	esac
done
echo "[    0.0] booted"
echo "@lab size $(stat -L -c %s "$disk")" >"/proc/self/fd/$fd"
cat "$dir/list" >"/proc/self/fd/$fd"
"""


class Case(unittest.TestCase):
    """A build directory of its own."""

    def setUp(self):
        scratch = tempfile.TemporaryDirectory(prefix="guest-test-")
        self.addCleanup(scratch.cleanup)
        self.root = Path(scratch.name)
        self.build = self.root / "build"
        self.kernel = self.root / "linux"
        for item in (mock.patch.object(paths, "BUILD", self.build),
                     mock.patch.object(guest, "tool", lambda name: name)):
            item.start()
            self.addCleanup(item.stop)

    def make(self, more=""):
        """The guest with a kernel that does this at its end."""
        self.kernel.write_text(KERNEL + more, encoding="ascii")
        self.kernel.chmod(0o755)
        return guest.Guest(self.kernel, "nothing", swap_mib=16, timeout=60)

    def left(self):
        """What is left in the build directory."""
        return list(self.build.iterdir())


class Guests(Case):
    """Ends of guests."""

    def test_output_log_and_swap(self):
        lines = []
        outcome = guest.boot(self.make(), {"list": "one\n"}, lines.append)
        self.assertTrue(outcome.ended)
        self.assertEqual(outcome.output, f"@lab size {16 << 20}\none\n")
        self.assertIn("booted", outcome.kernel_log)
        self.assertIn("one", lines)
        self.assertEqual(self.left(), [])

    def test_crash(self):
        outcome = guest.boot(self.make("exit 7\n"), {"list": ""})
        self.assertEqual(outcome.status, 7)
        self.assertFalse(outcome.ended)

    def test_time_limit_ends_all_its_processes(self):
        script = "sleep 1000 & echo $! >\"$dir/../pid\"; wait\n"
        made = self.make(script)
        made.timeout = 3
        outcome = guest.boot(made, {"list": ""})
        self.assertIsNone(outcome.status)
        pid = int((self.build / "pid").read_text(encoding="ascii"))
        self.assertTrue(self.ends(pid))
        (self.build / "pid").unlink()
        self.assertEqual(self.left(), [])

    def test_termination_leaves_nothing(self):
        self.make("echo $$ >\"$dir/../pid\"; exec sleep 1000\n")
        code = ("import sys; from labkit import guest, paths, ui\n"
                "from pathlib import Path\n"
                f"paths.BUILD = Path({str(self.build)!r})\n"
                "guest.tool = lambda name: name\n"
                f"made = guest.Guest(Path({str(self.kernel)!r}), 'nothing', "
                "swap_mib=16)\n"
                "ui.main(lambda: guest.boot(made, {'list': ''}))\n")
        with subprocess.Popen([sys.executable, "-B", "-c", code],
                              stderr=subprocess.DEVNULL,
                              cwd=Path(guest.__file__).parent.parent) as host:
            pid = self.wait_for(self.build / "pid")
            host.terminate()
            self.assertEqual(host.wait(10), 128 + 15)
        self.assertTrue(self.ends(pid))
        (self.build / "pid").unlink()
        self.assertEqual(self.left(), [])

    @staticmethod
    def ends(pid):
        """Whether a process is gone or a zombie, now or soon.

        A killed process that is nobody's child here ends when the scheduler
        gets to it, not when kill() returns; the test's would last 1000 s.
        """
        end = time.monotonic() + 60
        while time.monotonic() < end:
            try:
                text = Path(f"/proc/{pid}/stat").read_text(encoding="ascii")
            except OSError:
                return True
            if text.rpartition(")")[2].split()[0] in "ZX":
                return True
            time.sleep(0.05)
        return False

    @staticmethod
    def wait_for(path):
        """The number in a file that appears soon."""
        end = time.monotonic() + 10
        while time.monotonic() < end:
            if path.exists() and path.read_text(encoding="ascii").strip():
                return int(path.read_text(encoding="ascii"))
            time.sleep(0.05)
        raise AssertionError(f"{path} did not appear")


class Memory(unittest.TestCase):
    """Sizes."""

    def test_large_memory_goes_to_the_build_directory(self):
        big = guest.Guest(Path("/k"), "nothing", memory="900000G")
        # pylint: disable=protected-access
        self.assertEqual(guest._environment(big)["TMPDIR"], str(paths.BUILD))
        self.assertNotIn("KERNEL", guest._environment(big))

    def test_nonsense(self):
        with self.assertRaisesRegex(Exception, "256M or 1G"):
            # pylint: disable=protected-access
            guest._environment(guest.Guest(Path("/k"), "x", memory="lots"))


if __name__ == "__main__":
    os.chdir(Path(__file__).parent.parent)
    unittest.main()
