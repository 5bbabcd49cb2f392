# SPDX-License-Identifier: GPL-2.0
"""The touched files compile with W=1 and no new warning: now, at each commit."""

from . import findings
from .context import Outcome


class Builds:
    """Compilations of the series, compared with the base kernel's."""

    def __init__(self, context, compiler):
        self.context = context
        self.compiler = compiler

    def _known(self, log):
        """What the base kernel's versions of the touched files give."""
        context = self.context
        names = context.in_base(context.code())
        facts = [context.base.commit, names] + \
            [sorted(l.fragments) for l in self.compiler.lanes]

        def compute():
            log.write("# the base kernel\n")
            here = context.tree.record()["head"]
            context.go(0)
            try:
                found, _, _ = self.compiler.compile(names, log)
            finally:
                self._return(here)
            return findings.within(found, names)
        return findings.Baseline("w1", *facts).get(compute)

    def _return(self, head):
        for number, commit in enumerate(self.context.commits, 1):
            if commit.commit == head:
                self.context.go(number)
                return
        self.context.go(0)

    def _judge(self, sources, log):
        """(what is wrong with the sources here, how many were compiled)."""
        found, done, left = self.compiler.compile(sources, log)
        wrong = findings.within(found, sources)
        if any(self.context.in_base([f.file]) for f in wrong):
            wrong = findings.new(wrong, self._known(log))
        broken = [f for f in found if f not in wrong and
                  not f.text.startswith("warning")]
        return (wrong + broken +
                [f"{s}: compiled for no architecture" for s in left], done)

    def now(self, log):
        """Every touched file, with all of the series applied."""
        outcome = Outcome("files to compile")
        sources = self.context.code()
        wrong, outcome.checked = self._judge(sources, log)
        outcome.add("touched files compile", wrong)
        return outcome

    def each(self, log):
        """Every commit: what it touches, and the directories of that."""
        outcome = Outcome("commits")
        context = self.context
        for number, commit in enumerate(list(context.commits), 1):
            log.write(f"\n### {number}: {commit.patch}\n")
            context.go(number)
            sources = context.code(context.touched(commit))
            wrong, done = self._judge(sources, log)
            wrong += self._directories(sources, log)
            if any(s.endswith(".c") for s in sources) and not done:
                wrong.append("none of its files was compiled")
            outcome.add(f"{number:02} {commit.patch}", wrong)
            outcome.checked += 1
        context.go(None)
        return outcome

    def _directories(self, sources, log):
        """Build everything that is configured beside the touched files."""
        names = sorted({s.rpartition("/")[0] + "/" for s in sources
                        if not s.startswith("include/")})
        if any(s.startswith("include/") for s in sources):
            names = sorted(set(names) | {"mm/", "drivers/gpu/drm/"})
        if not names:
            return []
        lane = self.compiler.lanes[0]
        lane.configure()
        present = [n for n in names
                   if (self.context.tree.directory / n / "Makefile").exists()]
        text, failed = lane.make(*present)
        log.write(text)
        if not failed:
            return []
        return [f for f in findings.compiler(text) if "error" in f.text] or \
            [f"{' '.join(present)} do not build"]
