# SPDX-License-Identifier: GPL-2.0
"""IGT, the tests of the DRM community, on panthor and the GPU model.

The programs are Debian's, in a root of their own that mmdebstrap makes of the
archive; the guest changes its root to it. They are run once as they are, and
those that use GPU memory once more while that memory is being reclaimed.
"""

import dataclasses
import fnmatch
import re
import shutil
import subprocess

from . import debian, ktap, paths, uml
from .lane import Lane
from .ui import Fail, Progress, say

SUITE = "sid"
PACKAGE = "igt-gpu-tools-tests"
PROGRAMS = "usr/libexec/igt-gpu-tools"
# What applies to a driver that has no display. Left out are core_hotunplug, which
# reloads modules, and core_debugfs and core_sysfs, which want a virtual terminal.
WANTED = ("panthor/*", "core_auth", "core_getclient", "core_getstats",
          "core_getversion", "core_setmaster", "core_setmaster_vs_auth",
          "sw_sync", "syncobj_*")
# What is run again while memory goes.
RECLAIMED = ("panthor/*",)
LIMIT = 300
# These let two threads race with waits of 0.1 s, which a busy host makes them
# lose: they fail only if no one of so many runs passes.
TIMED = ("sw_sync", "syncobj_*")
TRIES = 3

# IGT's exit status when nothing of a program applies
_NOTHING_APPLIES = 77
_SUBTEST = re.compile(r"^(?:Dynamic )?[Ss]ubtest (?P<name>[\w-]+): "
                      r"(?P<word>[A-Z]+)(?: \(|$)")
_WHOLE = re.compile(r"^(?P<word>SUCCESS|SKIP|FAIL|CRASH|TIMEOUT)"
                    r"(?: \([\d.]+s\))?$")
_REASON = re.compile(r"^(?:Test requirement|Last errno|Test requirement not met"
                     r" in function .*?)[:,] ?(?P<text>.+)$")


class Missing(Exception):
    """What the lane needs of the archive cannot be had."""


def _complaint(text):
    """The line of mmdebstrap's output that says why."""
    lines = [row.strip() for row in text.splitlines() if row.strip()]
    for row in lines:
        if re.match(r"E: |Err:|W: Failed", row) and "mmdebstrap" not in row:
            return row
    return lines[-1] if lines else "it gave no reason"


def _make(root, mirror):
    """Make the root; return mmdebstrap's complaint, or None."""
    made = root.with_name(f".{root.name}.new")
    shutil.rmtree(made, ignore_errors=True)
    log = paths.LOG / "igt-root.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    try:
        with open(log, "w", encoding="utf-8") as out:
            done = subprocess.run(
                ["mmdebstrap", "--variant=minbase", f"--include={PACKAGE}",
                 '--aptopt=Acquire::Check-Valid-Until "false"',
                 SUITE, str(made), mirror],
                stdout=out, stderr=out, stdin=subprocess.DEVNULL, check=False)
        if done.returncode:
            return _complaint(log.read_text(encoding="utf-8",
                                            errors="replace"))
        shutil.rmtree(root, ignore_errors=True)
        made.rename(root)
        return None
    finally:
        shutil.rmtree(made, ignore_errors=True)


def obtain():
    """The guest's root with the programs, from the cache or the archive."""
    cache = paths.cache()
    root = cache / "igt-root"
    with paths.lock(cache / ".igt-lock", "obtaining IGT"):
        if (root / PROGRAMS / "panthor").is_dir():
            return root
        if not shutil.which("mmdebstrap"):
            raise Missing("there is no mmdebstrap on this machine")
        paths.need_space(cache, 800, "make a root for IGT")
        try:
            mirrors = debian.mirrors()
        except Fail as failure:
            raise Missing(str(failure)) from failure
        complaint = None
        for mirror in mirrors:
            say(f"making a root with {PACKAGE} of Debian {SUITE}")
            complaint = _make(root, mirror)
            if complaint is None:
                break
        if complaint is not None:
            raise Missing(f"no root with {PACKAGE} of Debian {SUITE} could be "
                          f"made: {complaint}")
    if not (root / PROGRAMS / "panthor").is_dir():
        raise Missing(f"{PACKAGE} of Debian {SUITE} has no tests of panthor")
    return root


def version(root):
    """Version of the package in a root."""
    text = (root / "var/lib/dpkg/status").read_text(encoding="utf-8")
    for entry in text.split("\n\n"):
        if entry.startswith(f"Package: {PACKAGE}\n"):
            for found in re.findall(r"^Version: (.*)$", entry, re.M):
                return found
    return "of unknown version"


def programs(root, wanted):
    """Names of the programs that are there, relative to PROGRAMS."""
    base = root / PROGRAMS
    return sorted({str(p.relative_to(base)) for pattern in wanted
                   for p in base.glob(pattern) if p.is_file()})


def _tries(name):
    """How often a program may run until it passes."""
    timed = any(fnmatch.fnmatch(name, pattern) for pattern in TIMED)
    return TRIES if timed else 1


def parse(text, status):
    """Results in what one program printed, and how it ended."""
    results: list[ktap.Result] = []
    output: list[str] = []
    reason = ""
    words = {"SUCCESS": ktap.PASS, "SKIP": ktap.SKIP}
    for row in text.splitlines():
        subtest = _SUBTEST.match(row)
        whole = None if subtest else _WHOLE.match(row)
        if match := _REASON.match(row):
            reason = match["text"]
        if told := subtest or whole:
            how = words.get(told["word"], ktap.FAIL)
            why = "" if how == ktap.PASS else reason
            if how == ktap.FAIL and not why:
                why = told["word"].lower()
            # Dynamic subtests are told before the subtest they belong to.
            results.append(ktap.Result(
                subtest["name"] if subtest else "all", how, why,
                output[-15:] if how == ktap.FAIL else []))
            output, reason = [], ""
        else:
            output.append(row)
    failed = any(r.status == ktap.FAIL for r in results)
    if status in (124, 137):
        results.append(ktap.Result("end", ktap.FAIL, "it ran out of time",
                                   output[-15:]))
    elif status > 128:
        results.append(ktap.Result(
            "end", ktap.FAIL, f"it died of signal {status - 128}",
            output[-15:]))
    elif status == _NOTHING_APPLIES and not results:
        results.append(ktap.Result("all", ktap.SKIP, reason))
    elif not results or (status not in (0, _NOTHING_APPLIES) and not failed):
        results.append(ktap.Result("end", ktap.FAIL, f"exit status {status}",
                                   output[-15:]))
    return results


@dataclasses.dataclass
class _Pass:
    """One way through the programs."""
    name: str
    title: str
    wanted: tuple
    rounds: int
    reclaim: bool


_PASSES = (
    _Pass("plain", "as they are", WANTED, 1, False),
    _Pass("reclaim", "while memory is reclaimed", RECLAIMED, 3, True),
)


class Tests(uml.Tests):
    """The lane."""

    def __init__(self, lane_name, fragments, memory, timeout):
        super().__init__(lane_name, fragments, memory, timeout)
        self.lane = Lane(lane_name)
        self.root = None

    def test_all(self):
        """Obtain, build, then go through the programs once and once more."""
        try:
            self.root = obtain()
        except Missing as missing:
            self.lane.skip(str(missing))
            return
        say(f"{self.lane.name}: {PACKAGE} {version(self.root)}")
        self.kernel = uml.kernel(self.fragments)
        for each in _PASSES:
            self._go(each)

    def _go(self, way):
        names = programs(self.root, way.wanted)
        say(f"{self.lane.name}: {len(names)} programs, {way.title}")
        listing = "".join(f"{LIMIT} {_tries(n)} {n}\n"
                          for n in names) * way.rounds
        progress = Progress(f"{self.lane.name}: {way.title}")
        state = ["booting"]

        def each(line):
            for kind, rest in uml.marks(line or ""):
                if kind == "begin":
                    state[0] = rest
            progress.update(state[0])

        outcome = self._boot(
            way.name, "igt", {"list": listing}, each,
            variables={"LAB_IGT_ROOT": self.root,
                       "LAB_IGT_PROGRAMS": f"/{PROGRAMS}",
                       "LAB_RECLAIM": int(way.reclaim)})
        progress.end()
        self._take(way, outcome, names)
        self._judge(way.name, outcome)

    def _take(self, way, outcome, names):
        text, ran = [], []
        evicted = None
        for line in outcome.output.splitlines():
            match = re.match(r"^@lab (\w+) ?(.*)$", line)
            if not match:
                text.append(line)
                continue
            kind, rest = match.groups()
            if kind == "begin":
                text = []
            elif kind == "end":
                name, status = rest.split()
                ran.append(name)
                again = f" {ran.count(name)}" if way.rounds > 1 else ""
                self.lane.add(f"{way.name} {name}{again}",
                              parse("\n".join(text), int(status)))
            elif kind == "evicted":
                evicted = int(rest)
        self.lane.check(f"{way.name} guest", "every program came to its end",
                        len(ran) == len(names) * way.rounds,
                        f"{len(ran)} of {len(names) * way.rounds} did")
        if way.reclaim:
            self.lane.check(f"{way.name} guest", "memory was reclaimed meanwhile",
                            bool(evicted), f"pages evicted: {evicted}")
            say(f"{self.lane.name}: {evicted} pages were evicted meanwhile")
