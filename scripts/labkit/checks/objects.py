# SPDX-License-Identifier: GPL-2.0
"""Compile single files of a tree with W=1, on the architecture that has them.

Most of the series compiles for User-mode Linux. What does not (a driver that
is not configured there, code of one architecture) is tried on x86_64, then on
arm64. A file that is nowhere compiled is a finding of its own.
"""

import re
import shutil

from .. import kbuild, part
from ..ui import Fail
from . import findings
from .fragments import CROSS

# (architecture, fragments), in the order in which they are tried
LANES = (("um", ("uml", "uml-check")), ("x86_64", ("x86_64",)),
         ("arm64", ("arm64",)))
_FAILED = re.compile(r"\*\*\* \[[^]]*: (\S+\.o)\] Error")
# What a Makefile adds where an option is set: (option, objects)
_CONDITIONAL = re.compile(r"^[\w-]+-\$\((CONFIG_\w+)\)\s*[:+]?=(.*)$", re.M)


def objects(sources):
    """The object files of sources."""
    return [s[:-2] + ".o" for s in sources if s.endswith(".c")]


class Lane:
    """One architecture of the tree."""

    def __init__(self, context, arch, fragments):
        self.context = context
        self.kernel = kbuild.Kernel(context.tree, arch, f"w1-{arch}",
                                    CROSS.get(arch, ""))
        self.arch = arch
        self.fragments = fragments
        self.state = None

    def available(self):
        """Whether the host can compile for it."""
        return shutil.which(f"{self.kernel.cross}gcc") is not None

    def configure(self):
        """Configure for the commit at which the tree is."""
        head = self.context.tree.record()["head"]
        if self.state != head:
            self.kernel.configure(part.fragments(
                self.fragments, self.kernel.objects / "lab-fragments",
                self.context.absent))
            self.state = head

    def make(self, *words):
        """Run make to its end whatever fails; returns what it printed."""
        start = self.kernel.log.stat().st_size
        try:
            self.kernel.make("-k", "W=1", *words, what="W=1")
            failed = False
        except Fail:
            failed = True
        with open(self.kernel.log, encoding="utf-8", errors="replace") as log:
            log.seek(start)
            return log.read(), failed

    def compile(self, sources):
        """(sources that were compiled, that failed, what make printed)."""
        self.configure()
        sources = [s for s in sources if self._wanted(s)]
        if not sources:
            return set(), set(), ""
        names = objects(sources)
        for name in names:
            (self.kernel.objects / name).unlink(missing_ok=True)
        text, _ = self.make(*names)
        good = {s for s in sources
                if (self.kernel.objects / (s[:-2] + ".o")).exists()}
        bad = {n[:-2] + ".c" for n in _FAILED.findall(text)} & set(sources)
        if not good and not bad and re.search(r" error: | Error \d", text):
            raise Fail("nothing can be compiled for "
                       f"{self.arch}; the log is {self.kernel.log}")
        for source in list(good):
            good |= self._included(source) & set(sources)
        return good, bad, text

    def _wanted(self, source):
        """Whether the Makefile beside or above a source wants it here.

        make compiles what it is told to, also for an architecture that has
        not what the source needs; such a source is for another lane.
        """
        top = self.context.tree.directory
        directory = (top / source).parent
        while directory != top and not (directory / "Makefile").exists():
            directory = directory.parent
        if directory == top:
            return True
        makefile = (directory / "Makefile").read_text(encoding="utf-8")
        name = (top / source).relative_to(directory).with_suffix(".o")
        lines = _CONDITIONAL.findall(makefile.replace("\\\n", " "))
        options = [option for option, names in lines
                   if str(name) in names.split()]
        config = (self.kernel.objects / ".config").read_text(encoding="utf-8")
        return not options or any(
            re.search(f"^{o}=[ym]$", config, re.M) for o in options)

    def _included(self, source):
        """The C files that a C file includes, from kbuild's notes."""
        directory, _, name = source.rpartition("/")
        notes = self.kernel.objects / directory / f".{name[:-2]}.o.cmd"
        try:
            text = notes.read_text(encoding="utf-8")
        except OSError:
            return set()
        return set(re.findall(r"^\s+(?:\.\./)?(\S+\.c) \\$", text, re.M))


class Compiler:
    """Compiles sources wherever they can be compiled."""

    def __init__(self, context):
        self.context = context
        self.lanes = [Lane(context, *words) for words in LANES]
        self.home = {}

    def compile(self, sources, log):
        """(findings, sources compiled, sources that nothing compiles)."""
        left = [s for s in sources if s.endswith(".c")]
        found, done, skipped = [], 0, []
        for lane in self.lanes:
            if not left:
                break
            if not lane.available():
                skipped.append(lane.arch)
                continue
            good, bad, text = lane.compile(left)
            log.write(f"# {lane.arch}: {len(good)} compiled, {len(bad)} "
                      f"failed, of {len(left)}\n{text}")
            found += findings.compiler(text)
            found += [findings.Finding(s, "error: it does not compile")
                      for s in sorted(bad)]
            self.home.update({s: lane for s in good})
            done += len(good)
            left = [s for s in left if s not in good and s not in bad]
        return findings.once(found), done, left
