# SPDX-License-Identifier: GPL-2.0
"""User-mode Linux: kernels with panthor on the GPU model, and their tests."""

import fnmatch
import os
import re

from . import base, guest, kbuild, klog, ktap, paths, tree
from .lane import Lane, broken
from .ui import Fail, Progress, say

SELFTESTS = "drivers/gpu/panthor"
_MARK = re.compile(r"^@lab (\w+) ?(.*)$")
_TIME_LIMIT = 300
# Of the kernel log, with a failure
_LOG_LINES = 12


def kernel(fragments, name=None, topic=None):
    """Assemble, configure and build; returns a kbuild.Kernel.

    name, topic: a tree build/linux-NAME with the series up to a topic.
    """
    paths.check_repo_path()
    target = tree.named(name)
    with paths.lock(paths.BUILD / ".lock", "assembling"):
        target.assemble(base.obtain(), tree.select(paths.REPO, topic))
    made = kbuild.Kernel(target, "um", fragments[-1])
    made.configure([paths.REPO / "configs" / f"{f}.config"
                    for f in fragments])
    made.build("linux")
    return made


def marks(output):
    """The guest's marks: a list of (kind, rest)."""
    return [m.groups() for m in map(_MARK.match, output.splitlines()) if m]


def guest_failure(outcome):
    """Why a guest did not come to its end in order, or None."""
    for kind, rest in marks(outcome.output):
        if kind == "error":
            return rest
    if outcome.status is None:
        return f"ended at its time limit after {outcome.seconds:.0f} s"
    if outcome.status:
        return f"crashed (exit status {outcome.status})"
    if not any(kind == "done" for kind, _ in marks(outcome.output)):
        return "powered off before its work was done"
    return None


def _time_limit(program):
    """The limit that kselftest's settings file states for a directory."""
    settings = program.parent / "settings"
    try:
        text = settings.read_text(encoding="ascii")
    except OSError:
        return _TIME_LIMIT
    found = re.search(r"^timeout=(\d+)", text, re.M)
    return int(found.group(1)) if found else _TIME_LIMIT


class Tests:
    """The tests of one kernel: KUnit in a boot of its own, then selftests."""

    # pylint: disable-next=too-many-arguments,too-many-positional-arguments
    def __init__(self, lane_name, fragments, memory, timeout, effort=100,
                 only=None):
        """effort: what per cent of the usual rounds tests are to do.

        only: the programs there are to be run, unless TESTS says which; they
        may take all the time that the guest has.
        """
        self.lane = Lane(lane_name)
        self.fragments = fragments
        self.memory = memory
        self.timeout = timeout
        self.effort = effort
        self.only = only
        # Known once it has been built
        self.kernel: kbuild.Kernel

    def build(self):
        """Build the kernel and the selftests; return their programs."""
        self.kernel = kernel(self.fragments)
        return self.kernel.selftests(SELFTESTS)[1]

    def run(self):
        """Build and test; return the exit status."""
        return self.lane.judge(self.test_all)

    def test_all(self):
        """Build, then run KUnit and the selftests."""
        programs = self.build()
        source = self.kernel.tree / "tools/testing/selftests" / SELFTESTS
        limit = self.timeout if self.only else \
            _time_limit(source / "Makefile")
        pattern = os.environ.get("TESTS") or self.only or "*"
        programs = [p for p in programs if fnmatch.fnmatch(p.name, pattern)]
        if not programs:
            raise Fail(f"no selftest of {SELFTESTS} matches '{pattern}'")
        if broken() not in (None, "model"):
            raise Fail(f"BREAK={broken()} is unknown; there is BREAK=model")
        if pattern == "*":
            self.kunit()
        self.selftests(programs, limit)

    def _boot(self, what, run, files=None, each=lambda line: None, **more):
        log = paths.LOG / f"{self.lane.name}-{what}.log"
        outcome = guest.boot(guest.Guest(
            self.kernel.objects / "linux", run, memory=self.memory,
            timeout=self.timeout, log=log, **more), files, each)
        (paths.LOG / f"{self.lane.name}-{what}.out").write_text(
            outcome.output, encoding="utf-8")
        return outcome

    def kunit(self):
        """The KUnit suites that the kernel is configured for."""
        if not self._configured(r"\w+KUNIT_TEST"):
            say(f"{self.lane.name}: the kernel has no KUnit suite")
            return
        say(f"{self.lane.name}: KUnit")
        outcome = self._boot("kunit", "nothing", swap="none", append=[
            "kunit.enable=1"])
        self.lane.tap("kunit", outcome.kernel_log)
        ran = any(r.status != ktap.SKIP for r in self.lane.groups["kunit"])
        self.lane.check("kunit guest", "KUnit ran something", ran,
                        "the kernel is configured for KUnit suites, none ran")
        self._judge("kunit", outcome)

    def _configured(self, option):
        """Whether an option is built in; a regular expression after CONFIG_."""
        config = (self.kernel.objects / ".config").read_text(encoding="utf-8")
        return bool(re.search(f"^CONFIG_{option}=y", config, re.M))

    def _judge(self, group, outcome):
        failure = guest_failure(outcome)
        self.lane.check(f"{group} guest", "powered off by itself",
                        failure is None, f"the guest {failure}",
                        outcome.kernel_log.splitlines()[-8:])
        self.lane.kernel_log(f"{group} guest", outcome.kernel_log)
        if failure is None and self._configured("PROVE_LOCKING"):
            alive = dict(marks(outcome.output)).get("lockdep")
            self.lane.check(f"{group} guest", "lockdep alive at the end",
                            alive == "1", "lockdep is off: /proc/lockdep_stats "
                            f"says debug_locks: {alive or 'nothing'}")

    def selftests(self, programs, limit, what="selftests"):
        """Run the programs; boot again after one that brings a guest down."""
        left, boots = list(programs), 0
        while left:
            boots += 1
            boot = what if boots == 1 else f"{what}-{boots}"
            say(f"{self.lane.name}: {boot}: {len(left)} selftest programs")
            outcome = self._programs(boot, left, limit)
            done = self._collect(outcome, left)
            self._judge(boot, outcome)
            if not done:
                for program in left:
                    self.lane.check(program.name, "ran", False,
                                    "the guest did not come to it")
                return
            left = left[done:]

    def _programs(self, what, programs, limit):
        listing = "".join(f"{limit} {p.name} {p}\n" for p in programs)
        progress = Progress(f"{self.lane.name}: selftests")
        state = ["booting"]

        def each(line):
            match = _MARK.match(line or "")
            if match and match.group(1) == "begin":
                state[0] = match.group(2)
            progress.update(state[0])

        variables = {"PAN_EFFORT": self.effort}
        if broken():
            variables["LAB_BREAK"] = broken()
        outcome = self._boot(what, "selftests", {"list": listing}, each,
                             variables=variables)
        progress.end()
        return outcome

    def _collect(self, outcome, programs):
        """Add each program's results; return how many were begun."""
        name: str | None = None
        text: list[str] = []
        begun = 0
        for line in outcome.output.splitlines():
            match = _MARK.match(line)
            if not match:
                text.append(line)
            elif match.group(1) == "begin":
                name, text, begun = match.group(2), [], begun + 1
            elif match.group(1) == "end" and name is not None:
                status = int(match.group(2).split()[-1])
                self.lane.program(name, status, "\n".join(text))
                self.lane.explain(name, klog.during(outcome.kernel_log,
                                                    name)[-_LOG_LINES:])
                name = None
        if name is not None:
            self.lane.program(name, 0, "\n".join(text))
            self.lane.check(name, "guest", False,
                            "the guest " + (guest_failure(outcome) or
                                            "ended in the middle of it"))
        return min(begun, len(programs))
