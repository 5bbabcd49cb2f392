# SPDX-License-Identifier: GPL-2.0
"""What maintainers read first: the subject, and which commit a fix is for."""

import re
from collections.abc import Iterable
from typing import TextIO

from .. import paths, series, sets
from .context import Context, Outcome

# (start of a subject, files one of which the patch touches, case of what follows).
# {} is the name of a file without .c. The base has no history; subjects are as those
# of mainline's commits that stable kernels took over and Debian's changelog lists.
SUBJECTS = (
    # mm/page_alloc 20 of 21 in lower case, mm/swap 5 of 5, mm/vmscan 4 of 4
    ("mm/{}: ", "mm/", str.lower),
    # All that Fixes: lines name
    ("drm/panthor: ", "drivers/gpu/drm/panthor/", str.upper),
    # 17 of 27
    ("drm/ttm: ", "drivers/gpu/drm/ttm/", str.upper),
    # 9 of 10
    ("um: ", "arch/um/", str.upper),
    ("pid, ptrace: ", "kernel/", str.upper),
    ("Documentation/gpu: ", "Documentation/gpu/", str.upper),
    ("tools/gpu: ", "tools/gpu/", str.upper),
    ("selftests: drivers/gpu: panthor: ",
     "tools/testing/selftests/drivers/gpu/panthor/", str.upper),
    ("selftests: drivers/gpu: ttm: ",
     "tools/testing/selftests/drivers/gpu/ttm/", str.upper),
)

# Words that keep their case
NAMES = re.compile(r"\w*_\w*|\w+\(\)|[A-Z]\w*[A-Z0-9]")
# A part of a driver, between the prefix and what is done: 'model: '
_PART = re.compile(r"[a-z]\w*: ")

# Fixes whose commit is not certain: (patch, why)
UNCERTAIN = (
    ("um-flush-tlb-mm.patch",
     "the commit that lockdep reports it since did not bring it in"),
    ("um-exit-pending-signals.patch", "older than git's history"),
    ("panthor-stale-mmu-fault.patch",
     "masks, and what a resume clears, came with different commits"),
    ("panthor-free-at-once.patch",
     "DRM's core leaves it to fput(); the driver has never done otherwise"),
)

_FIXES = re.compile(r'^Fixes: [0-9a-f]{12} \("(\S.*)"\)$')
_TRAILER = re.compile(r"^[A-Z][\w-]+: ")


def subject(text: str, touched: Iterable[str]) -> str | None:
    """What is wrong with a subject, given the names of the files, or None."""
    for start, files, case in SUBJECTS:
        stem = re.match(re.escape(start).replace(r"\{\}", r"(\w+)"), text)
        if not stem:
            continue
        if not any(name.startswith(files) for name in touched):
            return f"'{start}' is for {files}, which it leaves as it is"
        part = _PART.match(text, stem.end())
        rest = text[part.end() if part else stem.end():]
        if rest[:1] != case(rest[:1]) and not NAMES.match(rest):
            return f"'{rest[:1]}' is to be '{case(rest[:1])}' after '{start}'"
        if rest.endswith("."):
            return "it ends in a full stop"
        return None
    return "it begins as none of the subsystem does"


def tags(message: str) -> tuple[list[str], list[str]]:
    """(Fixes: lines, what is wrong with them) of a commit message."""
    rows = message.splitlines()
    found = [row for row in rows if re.match(r"\s*fixes:", row, re.I)]
    wrong = [f"{row}: not of the form Fixes: 12 digits (\"subject\")"
             for row in found if not _FIXES.match(row)]
    last = rows[len(rows) - next((n for n, row in enumerate(reversed(rows))
                                  if not row), len(rows)):]
    if found and not all(row in last for row in found):
        wrong.append("Fixes: stands before the last paragraph")
    if found and not all(map(_TRAILER.match, last)):
        wrong.append("the last paragraph has Fixes:, and text as well")
    return found, wrong


def fixes(messages: dict[str, str], uncertain: list[str]) -> list[str]:
    """What is wrong with the tags of {patch of topic fixes: message}."""
    wrong = [f"{patch}: is exempt, and no fix" for patch in uncertain
             if patch not in messages]
    for patch, message in messages.items():
        found, bad = tags(message)
        wrong += [f"{patch}: {row}" for row in bad]
        if found and patch in uncertain:
            wrong.append(f"{patch}: has Fixes: and needs no exemption")
        elif not found and patch not in uncertain:
            wrong.append(f"{patch}: no Fixes:")
    return wrong


def check(context: Context, log: TextIO) -> Outcome:
    """Each patch of the series."""
    outcome = Outcome("messages")
    wrong, fixing = [], {}
    for line, commit in zip(context.lines, context.commits):
        text = (paths.REPO / "patches" / line.patch).read_text("utf-8")
        message, _ = series.split_patch(text, line.patch)
        first = message.splitlines()[0]
        why = subject(first, context.touched(commit))
        log.write(f"{line.patch}: {first}{': ' + why if why else ''}\n")
        if why:
            wrong.append(f"{line.patch}: {first}: {why}")
        if line.topic == sets.FIXES:
            fixing[line.patch] = message
        outcome.checked += 1
    outcome.add("subjects", wrong, "not as the subsystem's")
    outcome.add("Fixes: in topic fixes",
                fixes(fixing, [patch for patch, _ in UNCERTAIN])
                if fixing else ["there is no fix"], "tags are missing or wrong")
    return outcome
