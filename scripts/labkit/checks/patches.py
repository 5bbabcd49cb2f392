# SPDX-License-Identifier: GPL-2.0
"""The series applies, and its patches are clean."""

import re
import subprocess

from .. import mails, paths
from .context import Outcome
from .findings import Finding

# What checkpatch asks for and cannot be had: (path, type, why)
EXEMPT = (
    ("", "FILE_PATH_CHANGES",
     "it cannot look into MAINTAINERS; the check 'maintainers' does"),
    ("tools/testing/selftests/", "PREFER_DEFINED_ATTRIBUTE_MACRO",
     "programs have no __packed and the like"),
    ("tools/testing/selftests/", "ARRAY_SIZE",
     "programs have no ARRAY_SIZE()"),
    ("tools/testing/selftests/", "VOLATILE",
     "memory that programs share with each other and with a GPU"),
)

_REPORT = re.compile(r"^(?P<file>\S+?):(?:(?P<line>\d+):)? "
                     r"(?P<kind>ERROR|WARNING|CHECK):(?P<type>\w+): "
                     r"(?P<text>.*)$")
_CHECKED = re.compile(r"^total: \d+ errors, \d+ warnings, (?:\d+ checks, )?"
                      r"(\d+) lines checked", re.M)


def write_mails(context, directory):
    """The series as mails that nobody signs, in a directory."""
    head = mails.sign(context.tree.git, context.base.commit, context.commits,
                      mails.neutral())
    return head, mails.write(context.tree.git, context.base.commit, head,
                             directory)[1:]


def applies(context, log):
    """git am the mails onto the pristine base: the same tree, the same text."""
    outcome = Outcome("patches")
    with paths.scratch(paths.BUILD, ".am-") as scratch:
        head, files = write_mails(context, scratch / "mails")
        applied = mails.apply(context.base.repository, context.base.commit,
                              files, scratch / "linux")
        wrong = mails.differences(applied, context.tree.git,
                                  context.base.commit, head)
        for line in applied.text("log", "--reverse", "--format=%h %s",
                                 f"{context.base.commit}..HEAD").splitlines():
            log.write(line + "\n")
    outcome.checked = len(files)
    outcome.add("git am gives the assembled tree", wrong,
                "the mails are not the series")
    return outcome


def parse(text):
    """(findings, lines checked) in the output of checkpatch."""
    found = []
    for line in text.splitlines():
        match = _REPORT.match(line)
        if match:
            found.append((match["type"], Finding(
                match["file"].removeprefix("#"),
                f"{match['kind']}:{match['type']}: {match['text']}",
                int(match["line"] or 0))))
    return found, sum(int(n) for n in _CHECKED.findall(text))


def exempt(kind, finding):
    """Why a finding does not count, or None."""
    for prefix, name, why in EXEMPT:
        if kind == name and finding.file.startswith(prefix):
            return why
    return None


def checkpatch(context, log):
    """checkpatch --strict on every patch."""
    outcome = Outcome("lines of patches")
    with paths.scratch(paths.BUILD, ".mails-") as scratch:
        _, files = write_mails(context, scratch)
        for file in files:
            done = subprocess.run(
                ["perl", "scripts/checkpatch.pl", "--strict", "--terse",
                 "--showfile", "--show-types", str(file)],
                cwd=context.tree.directory, capture_output=True, text=True,
                errors="replace", check=False)
            text = done.stdout.replace(f"{scratch}/", "")
            log.write(f"# {file.name}\n{text}{done.stderr}")
            found, lines = parse(text)
            wrong = [f for kind, f in found if not exempt(kind, f)]
            if not lines:
                wrong.append("checkpatch checked no line of it")
            if done.stderr:
                wrong.append("checkpatch itself fails: " +
                             done.stderr.splitlines()[-1])
            outcome.checked += lines
            outcome.add(file.name, wrong)
    return outcome
