# SPDX-License-Identifier: GPL-2.0
"""What the checks share: the series as commits, and a tree to move about in."""

import dataclasses
import re
import threading
from collections.abc import Iterable

from .. import chain, part, paths, series, tree
from ..base import Base
from ..ktap import FAIL, PASS, SKIP, Result
from ..ui import Fail, say

LOGS = paths.BUILD / "check"
_CODE = re.compile(r"\.(c|h)$")


class Outcome:
    """What a check found out, and on how much it worked."""

    def __init__(self, unit: str) -> None:
        self.unit = unit
        self.checked = 0
        self.results: list[Result] = []

    def add(self, name: str, wrong: Iterable[object],
            reason: str | None = None) -> None:
        """One result: `wrong` is a list of what is wrong."""
        rows = [str(w) for w in wrong]
        self.results.append(Result(
            name, FAIL if rows else PASS,
            (reason or f"{len(rows)} new findings") if rows else "", rows))

    def skip(self, name: str, reason: str) -> None:
        """One result of something that cannot be checked here."""
        self.results.append(Result(name, SKIP, reason))

    def finish(self) -> "Outcome":
        """A check that worked on nothing has failed."""
        if not self.checked and all(r.status == PASS for r in self.results):
            self.add("checked something", [f"there were no {self.unit}"],
                     "nothing was checked")
        return self


@dataclasses.dataclass
class Context:
    """The series under check, in build/linux-check."""
    tree: tree.Tree
    lines: list
    base: Base
    commits: list = dataclasses.field(default_factory=list)
    absent: set = dataclasses.field(default_factory=set)
    # For checks in other threads: nobody waits for their results any more
    stopped: threading.Event = dataclasses.field(
        default_factory=threading.Event)

    @classmethod
    def make(cls) -> "Context":
        """Assemble the whole series; failures of that are told by Fail."""
        lines = tree.select(paths.REPO)
        if not lines:
            raise Fail("patches/series has no patches: there is nothing to "
                       "check")
        target = tree.named("check")
        new = cls(target, lines, *part.assemble(target, None))
        edits = new.tree.changes(new.commits[-1].commit, new.tree.snapshot())
        if edits:
            raise Fail(f"{new.tree.directory} has edits of its own: remove "
                       "that directory, or take them away")
        return new

    def go(self, count: int | None) -> None:
        """Move the tree to the first `count` commits (None: all)."""
        self.base, self.commits, self.absent = part.assemble(self.tree, count)

    def touched(self, commit: chain.Commit | None = None) -> dict[str, str]:
        """{name: letter} of what a commit, or the whole series, changes."""
        if commit is None:
            return self.tree.changes(self.base.commit, self.commits[-1].commit)
        return self.tree.changes(commit.parent, commit.commit)

    def in_base(self, names: list[str]) -> list[str]:
        """Those of the names that the base kernel has."""
        have = set(self.tree.git.names("ls-tree", "-r", "-z", "--name-only",
                                       self.base.commit, "--", *names)) \
            if names else set()
        return [n for n in names if n in have]

    def code(self, changes: dict[str, str] | None = None) -> list[str]:
        """The C files and headers of the kernel proper, not deleted ones."""
        changes = self.touched() if changes is None else changes
        return sorted(n for n, letter in changes.items()
                      if _CODE.search(n) and letter != "D" and
                      not n.startswith(("tools/", "Documentation/")))

    def topic_ends(self) -> list[tuple[str, int]]:
        """(topic, number of commits) at the end of every topic."""
        ends = {}
        for number, line in enumerate(self.lines, 1):
            ends[line.topic or "series"] = number
        return list(ends.items())

    def stats(self) -> None:
        """One line that says what is checked."""
        say(f"checking {len(self.lines)} commits on Linux "
            f"{self.base.version} ({self.base.origin}): "
            f"{len(self.touched())} files, {len(self.code())} of them C")


def head_of(target: tree.Tree, base: Base, lines: list[series.Line]) -> str:
    """The last commit of lines in a tree."""
    commits = chain.compute(target.git, paths.REPO, base.commit, lines)
    return commits[-1].commit if commits else base.commit
