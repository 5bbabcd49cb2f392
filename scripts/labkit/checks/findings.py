# SPDX-License-Identifier: GPL-2.0
"""What a checker complains about, and which of it is new.

A finding is new when the base kernel does not have it in the same file. Lines
move, so they do not count.
"""

import collections
import dataclasses
import hashlib
import json
import re
from collections.abc import Callable, Iterable
from typing import Any

from .. import paths

_GCC = re.compile(
    r"^(?:\.\./)*(?P<file>[\w./+-]+):(?P<line>\d+):(?:\d+:)?\s+"
    r"(?P<text>(?:warning|error|fatal error): .*)$")
_KDOC = re.compile(
    r"^(?P<kind>[Ww]arning|[Ee]rror):\s+(?P<file>[\w./+-]+):(?P<line>\d+)\s+"
    r"(?P<text>.*)$")


@dataclasses.dataclass(frozen=True)
class Finding:
    """One complaint."""
    file: str
    text: str
    line: int = dataclasses.field(default=0, compare=False)

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.text}"


def compiler(text: str) -> list[Finding]:
    """What gcc and sparse print."""
    return [Finding(m["file"], m["text"], int(m["line"]))
            for m in map(_GCC.match, text.splitlines()) if m]


def kernel_doc(text: str) -> list[Finding]:
    """What kernel-doc prints."""
    return [Finding(m["file"], f"{m['kind'].lower()}: {m['text']}",
                    int(m["line"]))
            for m in map(_KDOC.match, text.splitlines()) if m]


def once(found: list[Finding]) -> list[Finding]:
    """The findings without those that a header gives several times."""
    return list({(f.file, f.line, f.text): f for f in found}.values())


def within(found: list[Finding], names: Iterable[str]) -> list[Finding]:
    """The findings that are in some files."""
    wanted = set(names)
    return [f for f in found if f.file in wanted]


def new(found: list[Finding], known: list[Finding]) -> list[Finding]:
    """The findings that are not among the known ones, each counted."""
    left, fresh = collections.Counter(known), []
    for finding in found:
        if left[finding]:
            left[finding] -= 1
        else:
            fresh.append(finding)
    return fresh


class Baseline:
    """Findings in the base kernel, computed once and remembered."""

    def __init__(self, name: str, *facts: Any) -> None:
        key = hashlib.sha256(json.dumps(facts, sort_keys=True).encode())
        self.path = paths.BUILD / "check" / "baseline" / \
            f"{name}-{key.hexdigest()[:16]}.json"

    def get(self, compute: Callable[[], list[Finding]]) -> list[Finding]:
        """The findings; compute() gives them when they are not known yet."""
        try:
            rows = json.loads(self.path.read_text(encoding="utf-8"))
            return [Finding(*row) for row in rows]
        except (OSError, ValueError, TypeError):
            pass
        found = compute()
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.write_text(json.dumps([[f.file, f.text, f.line]
                                         for f in found], indent=1) + "\n",
                             encoding="utf-8")
        return found
