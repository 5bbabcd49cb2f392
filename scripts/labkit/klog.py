# SPDX-License-Identifier: GPL-2.0
"""Find in a kernel log what must not be there."""

import re
from collections.abc import Iterable, Iterator

# What counts as a splat. The texts are the kernel's own.
_BAD = re.compile("|".join((
    r"------------\[ cut here ",
    r"\bWARNING: ", r"\bBUG: ", r"\bKASAN: ", r"\bUBSAN: ", r"\bKCSAN: ",
    r"\bOops\b", r"Kernel panic", r"general protection fault",
    r"Unable to handle kernel", r"Kernel mode fault", r"Internal error: ",
    r"possible circular locking", r"possible recursive locking",
    r"INFO: possible ", r"INFO: suspicious RCU", r"inconsistent lock state",
    r"INFO: lockdep is turned off", r"suspicious RCU usage",
    r"INFO: task .* blocked for more than", r"rcu.*detected.*stall",
    r"soft lockup", r"hard LOCKUP", r"refcount_t: ",
    r"list_(?:add|del) corruption",
    r"Call Trace:", r"[Oo]ut of memory", r"System is deadlocked on memory",
    r"page allocation failure", r"ODEBUG: ", r"DEBUG_LOCKS_WARN_ON",
    r"unreferenced object", r"Bad page state",
)))

_MARK = re.compile(r"lab: (?:begin|end) (\S+)")
# A test may say that the OOM killer is going to have work.
_OOM = re.compile(r"lab: oom (expected|unexpected)")
_OOM_BEGIN = re.compile(r" invoked oom-killer: ")
_OOM_END = re.compile(
    r"Out of memory.*: (?:Killed process|OOM victim) \d+ \(([^)]*)\)")
_FAILURE = re.compile(r"\] (\S+): page allocation failure: order:0")
_FAILURE_END = re.compile(r"\d pages reserved$")
_TIMESTAMP = re.compile(r"^\[ *\d+\.\d+\](?:\[[^]]*\])? ?")


def strip(line: str) -> str:
    """A line of the log without its time."""
    return _TIMESTAMP.sub("", line.rstrip("\r\n"))


class Splat:
    """One report in the log: where it came from and its first lines."""

    def __init__(self, during: str, lines: list[str]) -> None:
        self.during = during
        self.lines = lines

    @property
    def title(self) -> str:
        """The line that says most."""
        for line in self.lines:
            if _BAD.search(line) and "cut here" not in line:
                return strip(line)
        return strip(self.lines[0])


def _without_expected_ooms(lines: Iterable[str]) -> Iterator[str]:
    """Leave out what the OOM killer says where a test expects it.

    Who is killed gets no page either, if it needs one for its last steps, and
    the kernel tells that as well.
    """
    expected, victim, end = False, None, None
    for line in lines:
        mark = _OOM.search(line)
        if mark or _MARK.search(line):
            expected = mark is not None and mark.group(1) == "expected"
            victim = None
        killed = expected and _OOM_END.search(line)
        failed = victim and _FAILURE.search(line)
        if expected and _OOM_BEGIN.search(line):
            end = _OOM_END
        elif failed and failed.group(1) == victim:
            end = _FAILURE_END
        if "Kernel panic" in line:
            end = None
        if not end and not killed:
            yield line
        if killed:
            victim = killed.group(1)
        if killed or (end and end.search(line)):
            end = None


def during(text: str, name: str) -> list[str]:
    """The lines that the kernel printed while a test was running."""
    lines, inside = [], False
    for line in text.splitlines():
        mark = _MARK.search(line)
        if mark:
            inside = mark.group(1) == name and "begin" in line
        elif inside:
            lines.append(line)
    return lines


def splats(text: str, context: int = 25) -> list[Splat]:
    """The reports in a kernel log, in order.

    Lines that follow each other closely are one report; `during` names the
    test that was running, from the marks that the guest writes to the log.
    """
    found, during, quiet = [], "boot", context
    for line in _without_expected_ooms(text.splitlines()):
        mark = _MARK.search(line)
        if mark:
            during = mark.group(1) if "begin" in line else "between tests"
            quiet = context
            continue
        bad = _BAD.search(strip(line))
        if bad and quiet >= context:
            found.append(Splat(during, [line]))
            quiet = 0
        elif quiet < context:
            found[-1].lines.append(line)
            quiet = 0 if bad else quiet + 1
    return found
