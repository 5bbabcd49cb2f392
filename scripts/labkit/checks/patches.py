# SPDX-License-Identifier: GPL-2.0
"""The series applies, and its patches are clean."""

import fnmatch
import hashlib
import os
import re
import subprocess
from concurrent.futures import ThreadPoolExecutor

from .. import mails, paths
from .context import LOGS, Outcome
from .findings import Finding

# What checkpatch asks for and cannot be had: (path, type, text, why)
_PROGRAMS = "tools/testing/selftests/*"
EXEMPT = (
    ("*", "FILE_PATH_CHANGES", "",
     "it cannot look into MAINTAINERS; the check 'maintainers' does"),
    ("*", "UNKNOWN_COMMIT_ID", "",
     "the base has no history, in which the commits of Fixes: lines are"),
    ("*", "MISSING_FIXES_TAG", "",
     "a fix for stable names the commit only where it is certain"),
    (_PROGRAMS, "PREFER_DEFINED_ATTRIBUTE_MACRO", "",
     "programs have no __packed and the like"),
    (_PROGRAMS, "ARRAY_SIZE", "", "programs have no ARRAY_SIZE()"),
    (_PROGRAMS, "BIT_MACRO", "", "programs have no BIT()"),
    (_PROGRAMS, "CAMELCASE", "<PRI", "the formats of inttypes.h"),
    (_PROGRAMS, "VOLATILE", "",
     "memory that programs share with each other and with a GPU"),
    (_PROGRAMS, "SPACING", "around that '*' (ctx:WxV)",
     "kselftest's FIXTURE_DATA(), a type, taken for a product"),
    (_PROGRAMS, "MACRO_WITH_FLOW_CONTROL", "",
     "kselftest's SKIP() and ASSERT_*() return, and so what contains them"),
    (_PROGRAMS, "BRACES", "for any arm of this statement",
     "kselftest's EXPECT_*() and ASSERT_*() are two statements"),
    (_PROGRAMS, "BRACES", "for single statement blocks",
     "kselftest's EXPECT_*() and ASSERT_*() are two statements"),
    (_PROGRAMS, "MACRO_ARG_REUSE", "'field'", "the name of a member"),
    (_PROGRAMS, "MACRO_ARG_PRECEDENCE", "'field'", "the name of a member"),
    ("*/pmodel_front_mmio.c", "VOLATILE", "",
     "how the tracepoints of TRACE_MMIO_ACCESS are declared"),
    ("*_trace.h", "OPEN_ENDED_LINE", "", "how TRACE_EVENT() is laid out"),
    ("*_trace.h", "PARENTHESIS_ALIGNMENT", "", "how TRACE_EVENT() is laid out"),
    ("mm/*", "CAMELCASE", "Page", "mainline's names of page flags"),
    ("*/ttm_tt.c", "COMPARISON_TO_NULL", "!from_page",
     "a line of mainline that moves"),
)

_REPORT = re.compile(r"^(?P<kind>ERROR|WARNING|CHECK):(?P<type>\w+): "
                     r"(?P<text>.*)$")
_PLACE = re.compile(r"^#\d+: FILE: (?P<file>\S+?):(?P<line>\d+):$")
_CHECKED = re.compile(r"^total: \d+ errors, \d+ warnings, (?:\d+ checks, )?"
                      r"(\d+) lines checked", re.M)
# What of a mail changes though the patch does not
_VOLATILE = re.compile(rb"^From [0-9a-f]{40} .*\n|^Subject: \[[^]]*\]|"
                       rb"^index [0-9a-f]+\.\.[0-9a-f]+", re.M)


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
    """([(type, finding)], lines checked) in the output of checkpatch."""
    found, rows = [], text.splitlines()
    for row, after in zip(rows, rows[1:] + [""]):
        match = _REPORT.match(row)
        if match:
            place = _PLACE.match(after)
            found.append((match["type"], Finding(
                place["file"] if place else "commit message",
                f"{match['kind']}:{match['type']}: {match['text']}",
                int(place["line"]) if place else 0)))
    return found, sum(int(n) for n in _CHECKED.findall(text))


def exempt(kind, finding):
    """Why a finding does not count, or None."""
    for pattern, name, text, why in EXEMPT:
        if kind == name and text in finding.text and \
           fnmatch.fnmatchcase(finding.file, pattern):
            return why
    return None


def _environment():
    """checkpatch runs a Python script that needs the system's modules."""
    return dict(os.environ, PATH="/usr/bin:" + os.environ.get("PATH", ""))


def _ask(tree, mail):
    """What checkpatch prints about a mail, remembered by its content."""
    digest = hashlib.sha256((tree / "scripts/checkpatch.pl").read_bytes())
    digest.update(_VOLATILE.sub(b"", mail.read_bytes()))
    memory = LOGS / "checkpatch" / digest.hexdigest()[:24]
    if memory.exists():
        return memory.read_text(encoding="utf-8"), ""
    done = subprocess.run(
        ["perl", "scripts/checkpatch.pl", "--strict", "--show-types",
         str(mail)], cwd=tree, capture_output=True, text=True,
        errors="replace", check=False, env=_environment())
    if not done.stderr:
        memory.parent.mkdir(parents=True, exist_ok=True)
        memory.write_text(done.stdout, encoding="utf-8")
    return done.stdout, done.stderr


def checkpatch(context, log):
    """checkpatch --strict on every patch."""
    outcome = Outcome("lines of patches")
    tree = context.tree.directory
    with paths.scratch(paths.BUILD, ".mails-") as scratch, \
         ThreadPoolExecutor(os.cpu_count()) as pool:
        _, files = write_mails(context, scratch)
        told = pool.map(lambda mail: _ask(tree, mail), files)
        for file, (text, errors) in zip(files, told):
            log.write(f"# {file.name}\n{text}{errors}")
            found, lines = parse(text)
            wrong = [f for kind, f in found if not exempt(kind, f)]
            if not lines:
                wrong.append("checkpatch checked no line of it")
            if errors:
                wrong.append("checkpatch itself fails: " +
                             errors.splitlines()[-1])
            outcome.checked += lines
            outcome.add(file.name, wrong)
    return outcome
