# SPDX-License-Identifier: GPL-2.0
"""Obtaining the base kernel: from a package, from the cache, from KERNEL=."""

import contextlib
import hashlib
import io
import lzma
import os
import subprocess
import tarfile
import tempfile
import unittest
from pathlib import Path
from unittest import mock

from labkit import base, debian, git, kconfig
from labkit.ui import Fail

from .fixture import MAINLINE, write

VERSION = "7.3.4-1~bpo13+1"


def tarball(path, files):
    """A source tarball as Debian packs it."""
    with lzma.open(path, "wb") as out, \
         tarfile.open(fileobj=out, mode="w") as tar:
        for name, text in files.items():
            info = tarfile.TarInfo(f"linux-source-7.3/{name}")
            info.size = len(text)
            info.mode = 0o755 if name.endswith(".sh") else 0o644
            tar.addfile(info, io.BytesIO(text.encode()))
        link = tarfile.TarInfo("linux-source-7.3/link")
        link.type, link.linkname = tarfile.SYMTYPE, "Makefile"
        tar.addfile(link)


class Case(unittest.TestCase):
    """A cache of its own, and an archive without a network."""

    def setUp(self):
        scratch = tempfile.TemporaryDirectory(prefix="base-test-")
        self.addCleanup(scratch.cleanup)
        self.root = Path(scratch.name)
        self.cache = self.root / "cache"
        env = {"PANTHOR_RECLAIM_CACHE": str(self.cache), "KERNEL": ""}
        patch = mock.patch.dict(os.environ, env)
        patch.start()
        self.addCleanup(patch.stop)
        self.source = self.root / "source.tar.xz"
        tarball(self.source, dict(MAINLINE, **{"x.sh": "#!/bin/sh\n"}))
        digest = hashlib.sha256(self.source.read_bytes()).hexdigest()
        self.pin = {"version": "7.3.4", "package": "linux-source-7.3",
                    "package_version": VERSION, "suite": "s",
                    "component": "main", "keyring": str(self.source),
                    "tarball": "usr/src/linux-source-7.3.tar.xz",
                    "sha256": digest}
        self.asked = 0

    def package(self):
        """A Debian package that holds the source."""
        top = self.root / "deb"
        write(top, {"DEBIAN/control": "Package: linux-source-7.3\n"
                    f"Version: {VERSION}\nArchitecture: all\n"
                    "Maintainer: x <x@invalid>\nDescription: x\n"})
        (top / "usr/src").mkdir(parents=True, exist_ok=True)
        (top / "usr/src/linux-source-7.3.tar.xz").write_bytes(
            self.source.read_bytes())
        subprocess.run(["dpkg-deb", "-b", str(top), str(self.root / "a.deb")],
                       check=True, capture_output=True)
        return self.root / "a.deb"

    def obtain(self, offered=(VERSION,), complaint=None):
        """base.obtain() with this archive."""
        def download(apt, version):
            self.asked += 1
            self.assertIn(version, offered)
            copy = apt.directory / "x.deb"
            copy.write_bytes(self.package().read_bytes())
            return copy
        with mock.patch.object(base, "read_pin", lambda: self.pin), \
             mock.patch.object(debian, "mirrors", lambda: ["mirror"]), \
             mock.patch.object(debian.Apt, "update",
                               lambda *_: complaint), \
             mock.patch.object(debian.Apt, "versions",
                               lambda _: list(offered)), \
             mock.patch.object(debian.Apt, "download", download), \
             contextlib.redirect_stdout(io.StringIO()), \
             contextlib.redirect_stderr(io.StringIO()) as err:
            return base.obtain(), err.getvalue()

    def refused(self, words, **kwargs):
        """obtain() fails with these words and leaves nothing."""
        with self.assertRaisesRegex(Fail, words):
            self.obtain(**kwargs)
        self.assertEqual([p.name for p in self.cache.iterdir()], [".lock"])


class FromDebian(Case):
    """The pinned package and what may come in its place."""

    def test_pinned(self):
        used, words = self.obtain()
        repo = git.Git(used.repository)
        self.assertTrue(used.pinned)
        self.assertEqual(words, "")
        self.assertEqual(repo.text("show", f"{used.commit}:drivers/b.c"),
                         "int b;")
        listing = repo.text("ls-tree", used.commit)
        self.assertRegex(listing, r"100755 blob \S+\tx.sh")
        self.assertRegex(listing, r"120000 blob \S+\tlink")

    def test_again_from_the_cache(self):
        first, _ = self.obtain()
        second, _ = self.obtain(complaint="no network")
        self.assertEqual(first, second)
        self.assertEqual(self.asked, 1)

    def test_wrong_checksum(self):
        self.pin["sha256"] = "0" * 64
        self.refused("wrong checksum")

    def test_no_network(self):
        self.refused("check the network", complaint="E: cannot resolve")

    def test_no_space(self):
        with mock.patch("shutil.disk_usage",
                        return_value=mock.Mock(free=1 << 20)):
            self.refused("not enough disk space")

    def test_no_place_for_it(self):
        self.cache.write_text("a file", encoding="ascii")
        with self.assertRaises(Fail) as failure:
            self.obtain()
        self.assertIn("PANTHOR_RECLAIM_CACHE", str(failure.exception))
        self.assertEqual(self.cache.read_text(encoding="ascii"), "a file")

    def test_later_release(self):
        used, words = self.obtain(offered=("7.3.6-1~bpo13+1",))
        self.assertFalse(used.pinned)
        self.assertIn("in place of the pinned", words)
        again, words = self.obtain(complaint="no network")
        self.assertEqual(again, used)
        self.assertIn("in place of the pinned", words)

    def test_no_suitable_release(self):
        self.refused("no longer has", offered=("7.3.2-1", "7.4.1-1"))

    def test_broken_cache_is_replaced(self):
        used, _ = self.obtain()
        (used.repository / base.RECORD).write_text("{", encoding="ascii")
        again, _ = self.obtain()
        self.assertEqual(again.commit, used.commit)
        self.assertEqual(self.asked, 2)

    def test_interrupted(self):
        with mock.patch.object(base, "_import", side_effect=KeyboardInterrupt):
            with self.assertRaises(KeyboardInterrupt):
                self.obtain()
        self.assertEqual([p.name for p in self.cache.iterdir()], [".lock"])


class FromATree(Case):
    """KERNEL=path."""

    def use(self, files, commit=False):
        """obtain() with a tree of these files."""
        tree = self.root / "tree"
        write(tree, files)
        if commit:
            subprocess.run(["git", "init", "-q", str(tree)], check=True)
            git.Git(tree).run("add", "-A")
            git.Git(tree).run("commit", "-q", "-m", "x")
        with mock.patch.dict(os.environ, {"KERNEL": str(tree)}):
            return tree, self.obtain()

    def test_plain_directory(self):
        tree, (used, _) = self.use(MAINLINE)
        self.assertEqual(used.version, "7.3.4")
        self.assertEqual(sorted(p.name for p in tree.iterdir()),
                         ["Makefile", "drivers"])

    def test_git_repository_uses_its_head(self):
        self.use(MAINLINE, commit=True)
        tree, (used, words) = self.use({"drivers/b.c": "int dirty;\n"})
        self.assertIn("uncommitted changes", words)
        repo = git.Git(used.repository)
        self.assertEqual(repo.text("show", f"{used.commit}:drivers/b.c"),
                         "int b;")
        self.assertEqual((tree / "drivers/b.c").read_text(encoding="ascii"),
                         "int dirty;\n")

    def test_another_version(self):
        text = MAINLINE["Makefile"].replace("PATCHLEVEL = 3", "PATCHLEVEL = 4")
        with self.assertRaisesRegex(Fail, "is Linux 7.4.4, the series is for"):
            self.use(dict(MAINLINE, Makefile=text))

    def test_no_kernel(self):
        with self.assertRaisesRegex(Fail, "not a kernel source tree"):
            self.use({"README": "x\n"})

    def test_built_tree(self):
        with self.assertRaisesRegex(Fail, "make mrproper"):
            self.use(dict(MAINLINE, **{".config": "CONFIG_A=y\n"}))


class Choice(unittest.TestCase):
    """Which version of the archive is taken."""

    def test_choose(self):
        for offered, expected in (
                ([VERSION], VERSION), (["7.3.9-1", VERSION], VERSION),
                (["7.3.9-1"], "7.3.9-1"), (["7.3.10-1"], "7.3.10-1"),
                (["7.3.3-1"], None), (["7.30.5-1"], None), ([], None)):
            with self.subTest(offered):
                self.assertEqual(debian.choose(offered, VERSION), expected)


class Options(unittest.TestCase):
    """Options of configuration fragments are asserted."""

    def test_differences(self):
        options = kconfig.parse("CONFIG_A=y\n# CONFIG_B is not set\n"
                                "CONFIG_C=7\n# a remark\n")
        self.assertEqual(kconfig.differences(
            options, {"CONFIG_A": "y", "CONFIG_C": "7"}), [])
        self.assertEqual(kconfig.differences(
            options, {"CONFIG_A": "m", "CONFIG_B": "y"}),
            ["CONFIG_A: asked for y, got m", "CONFIG_B: asked for n, got y",
             "CONFIG_C: asked for 7, got n"])
