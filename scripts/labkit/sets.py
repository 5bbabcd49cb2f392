# SPDX-License-Identifier: GPL-2.0
"""What is sent together: a topic, or the fixes that go to one subsystem."""

import dataclasses
import re
from pathlib import Path

from . import series

# The topic whose patches need nothing, so that each subsystem gets its own.
FIXES = "fixes"


@dataclasses.dataclass
class Set:
    """Lines of the series that are one series of mails."""
    name: str
    topic: str
    lines: list
    # Lines that must be applied before, and the sets that have them
    before: list = dataclasses.field(default_factory=list)
    after: list = dataclasses.field(default_factory=list)
    # Its place among all sets, from 1
    number: int = 0

    @property
    def directory(self) -> str:
        """Sorts as the sets are to be applied."""
        return f"{self.number:02}-{self.name}"


def subsystem(subject: str) -> str:
    """To which subsystem a patch with this subject goes: 'mm', 'drm-ttm'."""
    prefix = subject.partition(":")[0].strip()
    if re.match(r"mm\b", prefix):
        return "mm"
    return prefix.replace("/", "-").replace(" ", "-")


def subject_of(repo: Path, line: series.Line) -> str:
    """The first line of a patch."""
    with open(repo / "patches" / line.patch, encoding="utf-8") as patch:
        return patch.readline().rstrip("\n")


def plan(repo: Path, lines: list[series.Line]) -> list[Set]:
    """The sets in the order of the series."""
    text = (repo / "patches" / "series").read_text(encoding="utf-8")
    needed = series.needs(text)
    found: dict[str, Set] = {}
    for topic in series.sent(text):
        own = [line for line in lines if line.topic == topic]
        before = [line for line in series.alone(lines, needed, topic)
                  if line.topic != topic]
        for line in own:
            name = topic
            if topic == FIXES:
                name += f"-{subsystem(subject_of(repo, line))}"
            found.setdefault(name, Set(name, topic, [], before))
            found[name].lines.append(line)
    sets = list(found.values())
    for number, one in enumerate(sets, 1):
        one.number = number
        patches = {line.patch for line in one.before}
        one.after = [s.name for s in sets
                     if patches & {line.patch for line in s.lines}]
    return sets


def chosen(sets: list[Set], topic: str | None) -> list[Set]:
    """The sets of a topic, or one by its name; all without."""
    return [s for s in sets if not topic or topic in (s.name, s.topic)]
