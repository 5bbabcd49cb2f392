# SPDX-License-Identifier: GPL-2.0
"""Read and write KTAP (Documentation/dev-tools/ktap.rst)."""

import dataclasses
import re
from collections.abc import Iterable

from .klog import strip

_VERSION = re.compile(r"^( *)K?TAP version \d+")
_PLAN = re.compile(r"^( *)1\.\.(\d+)(?:\s*#\s*SKIP\s*(.*))?\s*$", re.I)
_RESULT = re.compile(r"^( *)(not )?ok\s+(\d+)(.*)$")
_DIRECTIVE = re.compile(r"#\s*(SKIP|XFAIL|XPASS|TODO)\b[:\s]*(.*)$", re.I)
_TOTAL = re.compile(r"^\s*# \S+: pass:\d+ fail:\d+ skip:\d+ total:(\d+)$")
_SUBTEST = re.compile(r"^( *)# Subtest: (.*)$")

PASS, FAIL, SKIP, XFAIL = "pass", "fail", "skip", "xfail"


@dataclasses.dataclass
class Result:
    """The result of one test that has no subtests."""
    name: str
    status: str
    reason: str = ""
    output: list = dataclasses.field(default_factory=list)


@dataclasses.dataclass
class _Block:
    indent: int
    name: str = ""
    plan: int | None = None
    seen: int = 0
    skipped: str | None = None
    leaves: list = dataclasses.field(default_factory=list)
    output: list = dataclasses.field(default_factory=list)


def _directive(rest: str) -> tuple[str, str | None, str]:
    """(name, directive, reason) of what follows a result's number."""
    match = _DIRECTIVE.search(rest)
    name = (rest[:match.start()] if match else rest).strip()
    name = re.sub(r"^-\s*", "", name).split(" # ")[0].strip()
    if match is None:
        return name, None, ""
    reason = match.group(2).strip()
    return name or reason, match.group(1).upper(), reason


def _total(output: list[str]) -> int | None:
    """The number of parameters a KUnit case had: told behind them, not before."""
    for row in output:
        if match := _TOTAL.match(row):
            return int(match.group(1))
    return None


class _Parser:
    def __init__(self) -> None:
        self.stack: list[_Block] = []
        self.top: list[Result] = []

    def _close(self, block: _Block) -> list[Result]:
        """What was wrong with a block that is complete, as failures."""
        if block.plan is None:
            block.plan = _total(block.output)
        if block.plan is None:
            block.leaves.append(Result("plan", FAIL, "no plan was printed",
                                       block.output[-15:]))
        elif block.seen != block.plan:
            block.leaves.append(Result(
                "plan", FAIL, f"{block.seen} of {block.plan} planned tests "
                "reported a result", block.output[-15:]))
        elif block.skipped is not None:
            block.leaves.append(Result(block.name or "all", SKIP,
                                       block.skipped))
        return block.leaves

    def _pop_to(self, indent: int) -> list[Result] | None:
        """Close the blocks that are deeper; return those results."""
        leaves = None
        while self.stack and self.stack[-1].indent > indent:
            leaves = self._close(self.stack.pop())
        return leaves

    def version(self, indent: int) -> None:
        """A header: the blocks that are not around it end."""
        while self.stack and self.stack[-1].indent >= indent:
            self._join(self._close(self.stack.pop()))
        self.stack.append(_Block(indent))

    def _join(self, leaves: list[Result]) -> None:
        if self.stack:
            self.stack[-1].leaves += leaves
        else:
            self.top += leaves

    def result(self, indent: int, bad: bool, rest: str) -> None:
        """A result line: of a test, or of the block of subtests before it."""
        below = self._pop_to(indent)
        if not self.stack or self.stack[-1].indent != indent:
            return
        block = self.stack[-1]
        block.seen += 1
        name, directive, reason = _directive(rest)
        status = FAIL if bad else PASS
        if directive == "SKIP" and not bad:
            status = SKIP
        elif directive in ("XFAIL", "TODO"):
            status = XFAIL
        elif directive == "XPASS":
            status = FAIL
        if below is None:
            block.leaves.append(Result(name, status, reason, block.output))
        else:
            for leaf in below:
                leaf.name = f"{name}.{leaf.name}"
            if not below and status == PASS:
                below.append(Result(name, FAIL, "it had no tests"))
            elif status == FAIL and all(r.status != FAIL for r in below):
                below.append(Result(name, FAIL, "failed as a whole",
                                    block.output))
            block.leaves += below
        block.output = []

    def line(self, line: str) -> None:
        """One line; what is not KTAP is output of the test that follows."""
        if match := _VERSION.match(line):
            self.version(len(match.group(1)))
        elif match := _PLAN.match(line):
            if self.stack and self.stack[-1].plan is None:
                self.stack[-1].plan = int(match.group(2))
                if match.group(3) is not None or match.group(2) == "0":
                    self.stack[-1].skipped = match.group(3) or "nothing to run"
        elif match := _SUBTEST.match(line):
            if self.stack:
                self.stack[-1].name = match.group(2)
        elif match := _RESULT.match(line):
            self.result(len(match.group(1)), bool(match.group(2)),
                        match.group(4))
        elif self.stack and line.strip():
            self.stack[-1].output.append(line)

    def end(self) -> list[Result]:
        """All results."""
        while self.stack:
            self._join(self._close(self.stack.pop()))
        return self.top


def parse(text: str) -> list[Result]:
    """The results in a text, which may be a kernel log.

    A plan that is missing or not fulfilled is a failed result of its own.
    """
    parser = _Parser()
    for raw in text.splitlines():
        parser.line(strip(raw))
    return parser.end()


def count(results: Iterable[Result]) -> dict[str, int]:
    """{status: number}."""
    numbers = {PASS: 0, FAIL: 0, SKIP: 0, XFAIL: 0}
    for result in results:
        numbers[result.status] += 1
    return numbers


def closing(numbers: dict[str, int]) -> str:
    """The line that ends a report."""
    line = f"{numbers[PASS]} passed, {numbers[FAIL]} failed"
    if numbers[SKIP]:
        line += f", {numbers[SKIP]} skipped"
    if numbers[XFAIL]:
        line += f", {numbers[XFAIL]} failed as expected"
    return line


def _line(number: int, result: Result) -> str:
    word = "not ok" if result.status == FAIL else "ok"
    text = f"{word} {number} {result.name}"
    if result.status in (SKIP, XFAIL):
        text += f" # {result.status.upper()} {result.reason}"
    return text.rstrip()


def write(groups: dict[str, list[Result]]) -> str:
    """KTAP of {group name: results}: one block of subtests a group."""
    rows = ["KTAP version 1", f"1..{len(groups)}"]
    for number, (name, results) in enumerate(groups.items(), 1):
        rows += ["    KTAP version 1", f"    # Subtest: {name}",
                 f"    1..{len(results)}"]
        for inner, result in enumerate(results, 1):
            if result.status == FAIL:
                notes = ([result.reason] if result.reason else []) + \
                    result.output
                rows += [f"    # {n.strip().lstrip('# ')}" for n in notes]
            rows.append("    " + _line(inner, result))
        bad = any(r.status == FAIL for r in results)
        rows.append(f"{'not ok' if bad else 'ok'} {number} {name}")
    return "\n".join(rows) + "\n"
