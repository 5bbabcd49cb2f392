# SPDX-License-Identifier: GPL-2.0
"""A tiny kernel, a tiny repository and the tree assembled from them."""

import contextlib
import io
import subprocess
import tempfile
import unittest
from pathlib import Path

from labkit import base, git, refresh, series, tree

MAINLINE = {
    "Makefile": "VERSION = 7\nPATCHLEVEL = 3\nSUBLEVEL = 4\nEXTRAVERSION =\n",
    "drivers/a.c": "".join(f"int a{i};\n" for i in range(20)),
    "drivers/b.c": "int b;\n",
    "drivers/Kconfig": "config A\n",
}


def write(root, files):
    """Write files below a directory."""
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def patch(subject, name, old, new):
    """A patch file that replaces the content of one mainline file."""
    with tempfile.TemporaryDirectory() as scratch:
        write(Path(scratch), {f"a/{name}": old, f"b/{name}": new})
        diff = subprocess.run(["diff", "-u", f"a/{name}", f"b/{name}"],
                              cwd=scratch, capture_output=True, text=True,
                              check=False).stdout
    return f"{subject}\n\nThe reason.\n---\n{diff}"


def quietly(function, *args):
    """Call a function and keep its messages off the test's output."""
    with contextlib.redirect_stdout(io.StringIO()) as out, \
         contextlib.redirect_stderr(io.StringIO()):
        result = function(*args)
    return result, out.getvalue()


class Case(unittest.TestCase):
    """A test that has all of it in self."""

    def setUp(self):
        scratch = tempfile.TemporaryDirectory(prefix="assembly-test-")
        self.addCleanup(scratch.cleanup)
        self.root = Path(scratch.name)
        self.repo = self.root / "repo"
        self.base = self.make_base("base", MAINLINE)
        changed = MAINLINE["drivers/a.c"].replace("int a3;", "long a3;")
        write(self.repo, {
            "README.md": "not a kernel file\n",
            "drivers/model/m.c": "int m;\n",
            "drivers/model/m.h": "extern int m;\n",
            "tools/t.c": "int t;\n",
            "patches/one.patch": patch("a: change a3", "drivers/a.c",
                                       MAINLINE["drivers/a.c"], changed),
            "patches/two.patch": "tools: add t\n\nIt is useful.\n---\n",
            "patches/series": "# topic: lab\none.patch drivers/model/\n"
                              "# topic: engine\ntwo.patch tools/t.c\n",
        })
        subprocess.run(["git", "init", "-q", str(self.repo)], check=True)
        self.tree = tree.Tree(self.root / "build" / "linux", self.repo)

    def make_base(self, name, files):
        """A base kernel as scripts/obtain stores it."""
        work = self.root / f"{name}.work"
        write(work, files)
        subprocess.run(["git", "init", "-q", str(work)], check=True)
        repo = git.Git(work)
        repo.run("add", "-A")
        repo.run("commit", "-q", "-m", f"Linux {name}")
        subprocess.run(["git", "clone", "-q", "--bare", str(work),
                        str(self.root / f"{name}.git")], check=True,
                       capture_output=True)
        return base.Base(self.root / f"{name}.git", repo.rev("HEAD"), "7.3.4",
                         name, True)

    def assemble(self):
        """What `make tree` does; returns (commits, messages)."""
        return quietly(self.tree.assemble, self.base, series.read(self.repo))

    def refresh(self):
        """What `make refresh` does."""
        return quietly(refresh.Refresh(
            self.tree, series.read(self.repo)).run, self.base)

    def status(self):
        """What `make status` does."""
        return quietly(self.tree.status, self.base, series.read(self.repo))

    def in_tree(self, name):
        """The text of a file of the tree."""
        return (self.tree.directory / name).read_text(encoding="utf-8")

    def in_repo(self, name):
        """The text of a file of the repository."""
        return (self.repo / name).read_text(encoding="utf-8")
