# SPDX-License-Identifier: GPL-2.0
"""Results of a lane: collected, judged, written, told.

A lane is a row of base/lanes.toml, which `scripts/lane NAME` runs. It builds what it
needs (scripts/assemble, scripts/kbuild), runs its tests, writes build/test/NAME.tap,
ends its output with the closing line 'N passed, N failed', and exits with 0 only if
nothing failed and something was tested.
"""

import os
from collections.abc import Callable, Iterable

from . import klog, ktap, paths
from .ktap import FAIL, PASS, SKIP, XFAIL, Result
from .ui import Fail, say


# What a test of panthor skips itself with where there is no GPU. Each guest that
# runs one has a GPU.
_NO_DEVICE = "no panthor device"


def broken() -> str | None:
    """What the user asked to break on purpose: BREAK, or None."""
    return os.environ.get("BREAK") or None


class Lane:
    """The results of one lane, in groups."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.groups: dict[str, list[Result]] = {}
        self.unsteady: dict[str, list[Result]] = {}
        self.absent = False

    def add(self, group: str, results: Iterable[Result]) -> None:
        """Add results to a group."""
        self.groups.setdefault(group, []).extend(results)

    def check(self, group: str, name: str, good: bool, reason: str = "",
              output: Iterable[str] = ()) -> None:
        """Add one result of the lane's own checks."""
        self.add(group, [Result(name, PASS if good else FAIL,
                                "" if good else reason, list(output))])

    def skip(self, reason: str) -> None:
        """The lane cannot run on this machine, which is no failure."""
        self.absent = True
        self.add("lane", [Result("all", SKIP, reason)])

    def failures(self, group: str) -> list[Result]:
        """The failed results of a group."""
        return [r for r in self.groups.get(group, []) if r.status == FAIL]

    def explain(self, group: str, lines: list[str]) -> None:
        """Show lines with the first failure of a group, if there is any."""
        for result in self.failures(group)[:1]:
            result.output += lines

    def again(self, group: str) -> list[Result]:
        """Forget a group that is about to run again; returns its failures."""
        failures = self.failures(group)
        self.groups.pop(group, None)
        return failures

    def tap(self, group: str, text: str) -> None:
        """Add the results in a KTAP text; none at all is a failure."""
        results = ktap.parse(text)
        if not results:
            results = [Result("tests", FAIL, "no test reported a result",
                              text.splitlines()[-15:])]
        self.add(group, results)

    def program(self, name: str, status: int, text: str) -> None:
        """Add what a test program printed, and how it ended.

        status: exit status, as a shell gives it.
        """
        results = [
            Result(r.name, FAIL, f"{r.reason}: the driver did not take it",
                   r.output)
            if r.status == SKIP and r.reason == _NO_DEVICE else r
            for r in ktap.parse(text)]
        numbers = ktap.count(results)
        tail = text.splitlines()[-15:]
        if status in (124, 137):
            results.append(Result("end", FAIL, "it ran out of time", tail))
        elif status > 128:
            results.append(Result("end", FAIL,
                                  f"it died of signal {status - 128}", tail))
        elif status == 4 and not results:
            results.append(Result("all", SKIP, " ".join(tail)))
        elif status not in (0, 4) and not numbers[FAIL]:
            results.append(Result("end", FAIL, f"exit status {status}", tail))
        elif not results:
            results.append(Result("end", FAIL, "it reported no result", tail))
        self.add(name, results)

    def kernel_log(self, group: str, text: str) -> None:
        """A kernel log must be there, and be free of reports."""
        found = klog.splats(text)
        self.check(group, "kernel log is there", bool(text.strip()),
                   "the kernel printed nothing")
        self.check(group, "no report in the kernel log", not found,
                   f"{len(found)} reports in the kernel log",
                   [f"during {s.during}: {s.title}" for s in found] +
                   [row for s in found[:3] for row in s.lines[:10]])

    def results(self) -> list[Result]:
        """All results."""
        return [r for results in self.groups.values() for r in results]

    def judge(self, function: Callable[[], None]) -> int:
        """Call the function that tests, then finish.

        What keeps it from testing is a failed result like any other.
        """
        try:
            function()
        except Fail as failure:
            first, _, rest = str(failure).partition("\n")
            self.check("lane", "came to its end", False, first,
                       rest.splitlines())
        return self.finish()

    def finish(self) -> int:
        """Write the KTAP file, print the summary; return the exit status."""
        if not self.absent and not any(
                r.status in (PASS, FAIL, XFAIL) for r in self.results()):
            self.check("lane", "something was tested", False,
                       "the lane had no test that ran")
        paths.TEST.mkdir(parents=True, exist_ok=True)
        path = paths.TEST / f"{self.name}.tap"
        path.write_text(ktap.write(self.groups), encoding="utf-8")
        summary(self.name, self.groups, self.unsteady)
        say(f"KTAP: {path.relative_to(paths.REPO)}")
        numbers = ktap.count(self.results())
        say(ktap.closing(numbers))
        return 1 if numbers[FAIL] else 0


def _failed(word: str, result: Result) -> None:
    say(f"    {word} {result.name}" +
        (f": {result.reason}" if result.reason else ""))
    for line in result.output[:30]:
        say(f"      | {line.rstrip()}")


def summary(name: str, groups: dict[str, list[Result]],
            unsteady: dict[str, list[Result]]) -> None:
    """Print, for a person, a line a group and what failed or was skipped.

    unsteady: {group: what failed the first time it ran, and then no more}.
    """
    say(f"\n{name}:")
    width = max((len(g) for g in groups), default=0)
    for group, results in groups.items():
        say(f"  {group:{width}}  {ktap.closing(ktap.count(results))}")
        for result in unsteady.get(group, ()):
            _failed("FAILED AT FIRST, passed when run again:", result)
        for result in results:
            if result.status == FAIL:
                _failed("FAILED", result)
        for row in left_out(results):
            say(f"    {row}")


def left_out(results: Iterable[Result]) -> list[str]:
    """What was skipped, or failed as expected: a line a test and reason.

    Cases of a parametrised test (SUITE.TEST.CASE) are told together.
    """
    found: dict[tuple[str, str, str], list[str]] = {}
    for result in results:
        if result.status in (SKIP, XFAIL):
            test = ".".join(result.name.split(".", 2)[:2])
            found.setdefault((test, result.status, result.reason),
                             []).append(result.name)
    rows = []
    for (test, status, reason), same in found.items():
        word = "skipped" if status == SKIP else "failed as expected"
        name = same[0] if len(same) == 1 else f"{test}, {len(same)} cases"
        rows.append(f"{word} {name}" + (f": {reason}" if reason else ""))
    return rows


def read(name: str) -> list[Result]:
    """The results that a lane wrote, or one failure if it wrote none."""
    path = paths.TEST / f"{name}.tap"
    results = ktap.parse(path.read_text(encoding="utf-8")) \
        if path.exists() else []
    return results or [Result(name, FAIL, f"it wrote no results to {path}")]
