# SPDX-License-Identifier: GPL-2.0
"""The initramfs of guests that QEMU boots."""

import tempfile
import types
import unittest
from pathlib import Path

from labkit.initramfs import Initramfs
from labkit.ui import Fail


class Case(unittest.TestCase):
    """With a tool in place of the kernel's, which shows what it was given."""

    def setUp(self):
        scratch = tempfile.TemporaryDirectory(prefix="initramfs-0o0-test-")
        self.addCleanup(scratch.cleanup)
        self.root = Path(scratch.name)
        self.kernel = types.SimpleNamespace(objects=self.root, label="fixture")
        (self.root / "usr").mkdir()

    def write(self, tool):
        """What comes of a file when the tool is this shell script."""
        path = self.root / "usr" / "gen_init_cpio"
        path.write_text(f"#!/bin/sh\n{tool}\n", encoding="ascii")
        path.chmod(0o755)
        contents = Initramfs()
        contents.add("/lab/init", self.root / "init", 0o755)
        contents.write(self.kernel, self.root / "it.cpio")
        return (self.root / "it.cpio").read_text(encoding="ascii")

    def test_paths_are_left_as_they_are(self):
        self.assertEqual(self.write("cat \"$1\"").splitlines(), [
            "dir /dev 0755 0 0", "dir /lab 0755 0 0",
            "nod /dev/console 0600 0 0 c 5 1",
            f"file /lab/init {self.root}/init 0755 0 0"])

    def test_what_the_tool_complains_of_is_told(self):
        with self.assertRaisesRegex(Fail, "no such thing"):
            self.write("echo no such thing >&2; exit 255")
