# SPDX-License-Identifier: GPL-2.0
"""What is sent together can be read: number and size of the mails."""

import re

from .. import mails, paths, series, sets
from .context import Outcome

MOST_MAILS = 15
MOST_BYTES = 100_000

# Mails that are longer: (patch, why)
LONG = (
    ("panthor-model-kunit.patch", "tests only, and tables of numbers"),
)


def too_long(sizes, exempt):
    """What is wrong with {patch: bytes}; an exemption that is not needed is."""
    wrong = [f"{patch}: {size} bytes, more than {MOST_BYTES}"
             for patch, size in sizes.items()
             if size > MOST_BYTES and patch not in exempt]
    return wrong + [f"{patch}: {sizes.get(patch, 0)} bytes need no exemption"
                    for patch in exempt if sizes.get(patch, 0) <= MOST_BYTES]


def check(context, log):
    """Each set of mails, and each mail."""
    outcome = Outcome("mails")
    every = sets.plan(paths.REPO, context.lines)
    for one in every:
        log.write(f"{one.name}: {len(one.lines)} mails"
                  f"{' after ' + ', '.join(one.after) if one.after else ''}\n")
        outcome.add(f"{one.name} is short",
                    [f"{len(one.lines)} mails, more than {MOST_MAILS}"]
                    if len(one.lines) > MOST_MAILS else [], "it is cut")
    unsent = [line for line in context.lines if line.topic not in
              series.sent((paths.REPO / "patches/series").read_text("utf-8"))]
    with paths.scratch(paths.BUILD, ".mails-") as scratch:
        head = mails.sign(context.tree.git, context.base.commit,
                          context.commits, mails.neutral())
        files = mails.write(context.tree.git, context.base.commit, head,
                            scratch)[1:]
        sizes = {line.patch: file.stat().st_size
                 for line, file in zip(context.lines, files)
                 if line not in unsent}
    for patch, size in sorted(sizes.items(), key=lambda row: -row[1]):
        log.write(f"{size:8} {patch}\n")
    outcome.checked = len(sizes)
    outcome.add("size of mails", too_long(sizes, [p for p, _ in LONG]),
                "it is cut")
    untagged = [line.patch for line in context.lines
                if line.topic == sets.FIXES and not re.search(
                    r"^Fixes: [0-9a-f]{12} \(\"", (
                        paths.REPO / "patches" / line.patch).read_text("utf-8"),
                    re.M)]
    log.write("no Fixes: line, since the commit is not certain: " +
              ", ".join(untagged) + "\n")
    return outcome
