# SPDX-License-Identifier: GPL-2.0
"""Faults put into the kernel on purpose, one at a time: do the tests notice?

A mutant is a table of mutants/*.toml:

    [U16]
    was = "Serialize GPU cache flush operations"
    function = "panthor_gpu_flush_caches"
    find = "guard(mutex)(&ptdev->gpu->cache_flush_lock);"
    put = ""
    tests = ["smp_stress_test", "bind_*"]

Text is found by function and words, not by lines: white space counts as one space,
and it has to be there exactly once. `file` is a directory or file to look in, if it is
not the driver's directory; with `function = ""` the whole of that file. Several
changes are `edits`, a list of such tables. `kunit` is a glob of KUnit suites.
`equivalent` says why nothing can notice it, `unseen` why nothing does: the former is
neither built nor counted, the latter is counted as not noticed.
"""

import dataclasses
import fnmatch
import hashlib
import json
import os
import re
import time
import tomllib

from . import ktap, paths, tree, uml
from .ui import Fail, say

_DRIVER = "drivers/gpu/drm/panthor"
_DIRECTORY = paths.REPO / "mutants"
_RESULTS = paths.BUILD / "mutants"
# What a program may take, in seconds; what passes here takes a third of it at most.
_LIMIT = 150
_KNOWN = {"was", "says", "file", "function", "find", "put", "edits", "tests", "kunit",
          "equivalent", "unseen", "kernel"}


@dataclasses.dataclass(frozen=True)
class Edit:
    """One change."""
    file: str
    function: str
    find: str
    put: str

    @staticmethod
    def read(name, facts):
        """From a table of a mutant."""
        missing = {"find", "put"} - set(facts)
        if missing or not facts["find"].split():
            raise Fail(f"mutant {name}: it does not say what to "
                       f"{min(missing, default='find')}")
        return Edit(facts.get("file", _DRIVER), facts.get("function", ""),
                    facts["find"], facts["put"])


@dataclasses.dataclass(frozen=True)
class Mutant:
    """One fault."""
    name: str
    says: str
    edits: tuple
    tests: tuple
    kunit: str
    equivalent: str
    unseen: str
    kernel: str

    @property
    def group(self):
        """Whose fault it is: U upstream's, O ours."""
        return self.name[0]


def parse(name, facts):
    """A mutant from its table."""
    unknown = set(facts) - _KNOWN
    if unknown:
        raise Fail(f"mutant {name}: unknown key '{min(unknown)}'")
    if not re.fullmatch(r"[UO]\d+[a-z]?", name):
        raise Fail(f"mutant {name}: names are U or O and a number")
    edits = () if "equivalent" in facts and "find" not in facts else tuple(
        Edit.read(name, {**facts, **e}) for e in facts.get("edits", [{}]))
    if not ("equivalent" in facts or facts.get("tests") or facts.get("kunit")):
        raise Fail(f"mutant {name}: no test is named that could notice it")
    return Mutant(name, facts.get("was") or facts.get("says") or "", edits,
                  tuple(facts.get("tests", ())), facts.get("kunit", ""),
                  facts.get("equivalent", ""), facts.get("unseen", ""),
                  facts.get("kernel", "uml"))


def read(pattern="*"):
    """The mutants whose names match one of the globs in pattern."""
    found = []
    for path in sorted(_DIRECTORY.glob("*.toml")):
        with open(path, "rb") as source:
            for name, facts in tomllib.load(source).items():
                found.append(parse(name, facts))
    globs = pattern.split()
    found = [m for m in found if any(fnmatch.fnmatchcase(m.name, g) for g in globs)]
    if not found:
        raise Fail(f"no mutant matches '{pattern}'")
    return sorted(found, key=lambda m: (m.group != "U", m.name))


def _expression(text):
    """A regular expression for text in which white space is white space."""
    words = re.findall(r"\w+|[^\w\s]", text)
    return re.compile(r"\s*".join(
        rf"\b{w}\b" if re.fullmatch(r"\w+", w) else re.escape(w) for w in words))


def body(text, function):
    """Where the definition of a function begins and ends, or None."""
    begin = rf"^(?!\s|#|\*|/)[^\n;={{}}]*?\b{re.escape(function)}\("
    for match in re.finditer(begin, text, re.M):
        end = re.compile(r"^}", re.M).search(text, match.end())
        brace = text.find("{", match.end())
        stop = text.find(";", match.end())
        if end and brace != -1 and (stop == -1 or brace < stop):
            return match.start(), end.end()
    return None


def mutate(text, edit):
    """The text with one change; or None, and how often its place was found."""
    start, end = 0, len(text)
    if edit.function:
        place = body(text, edit.function)
        if place is None:
            return None, 0
        start, end = place
    found = list(_expression(edit.find).finditer(text, start, end))
    if len(found) != 1:
        return None, len(found)
    return text[:found[0].start()] + edit.put + text[found[0].end():], 1


def _sources(directory, edit):
    place = directory / edit.file
    if place.is_file():
        return [place]
    if not place.is_dir():
        raise Fail(f"there is no {edit.file}")
    if not edit.function:
        raise Fail(f"{edit.file} is a directory: name a file or a function")
    return sorted(p for p in place.rglob("*.[ch]")
                  if not {"model", "tests"}.intersection(
                      p.relative_to(place).parts))


def apply(directory, mutant):
    """The files that a mutant changes: {path: (text of before, text)}."""
    changed = {}
    for edit in mutant.edits:
        hits, places = [], 0
        for path in _sources(directory, edit):
            before = path.read_text(encoding="utf-8")
            if edit.function in before:
                text, count = mutate(changed.get(path, (before, before))[1], edit)
                places += count
                if text is not None:
                    hits.append((path, before, text))
        if places != 1:
            raise Fail(f"mutant {mutant.name}: in {edit.function or edit.file} there are "
                       f"{places} places, not one, that say "
                       f"'{' '.join(edit.find.split())}'")
        path, before, text = hits[0]
        changed[path] = (before, text)
    return changed


class _Trial(uml.Tests):
    """The tests that could notice one mutant."""

    def __init__(self, kernel):
        super().__init__("mutants", [kernel.name], "256M", 900)
        self.kernel = kernel

    def noticed_by(self, mutant, programs):
        """What notices it first, or None."""
        if mutant.kunit and (reason := self._suites(mutant.kunit)):
            return reason
        if programs:
            outcome = self._programs(mutant.name, programs, _LIMIT)
            self._collect(outcome, programs)
            self._judge("guest", outcome)
        bad = [(group, r) for group in self.lane.groups
               for r in self.lane.failures(group)]
        # A test says more than the log of the guest.
        bad.sort(key=lambda item: item[0] == "guest guest")
        return f"{bad[0][0]}: {bad[0][1].name}" + (
            f": {bad[0][1].reason}" if bad[0][1].reason else "") if bad else None

    def _suites(self, pattern):
        outcome = self._boot("kunit", "nothing", swap="none", append=[
            "kunit.enable=1", f"kunit.filter_glob={pattern}"])
        results = ktap.parse(outcome.kernel_log)
        if not results:
            return f"kunit {pattern}: no result: {uml.guest_failure(outcome)}"
        bad = [r for r in results if r.status == ktap.FAIL]
        if bad:
            return f"kunit: {bad[0].name}"
        self.lane.kernel_log("kunit guest", outcome.kernel_log)
        bad = self.lane.failures("kunit guest")
        return f"kunit: {bad[0].reason}" if bad else None


class Campaign:
    """All mutants, one after the other."""

    def __init__(self, lane, pattern):
        self.lane = lane
        self.mutants = read(pattern)
        self.tree = tree.named("mutants")
        self.kernels = {}
        self.programs = {}
        self.found = {}

    def run(self):
        """Try each mutant that has no result for the present tree; tell."""
        if self.tree.record():
            self.tree.discard()
        for mutant in self.mutants:
            if not mutant.equivalent:
                self._prepare(mutant.kernel)
                apply(self.tree.directory, mutant)
        self._unmutated()
        for mutant in self.mutants:
            self._try(mutant)
        self._tell()

    def _prepare(self, name):
        if name in self.kernels:
            return
        fragments = ["uml"] if name == "uml" else ["uml", name]
        kernel = uml.kernel(fragments, name="mutants")
        self.kernels[name] = kernel
        self.programs[name] = kernel.selftests(uml.SELFTESTS)[1]

    def _selected(self, mutant):
        """The programs that could notice it."""
        programs = [p for p in self.programs[mutant.kernel]
                    if any(fnmatch.fnmatchcase(p.name, g) for g in mutant.tests)]
        for pattern in mutant.tests:
            if not any(fnmatch.fnmatchcase(p.name, pattern) for p in programs):
                raise Fail(f"mutant {mutant.name}: there is no test {pattern}")
        return programs

    def _key(self, mutant, changed):
        digest = hashlib.sha256(self.tree.record()["head"].encode())
        for path, (_, text) in sorted(changed.items()):
            digest.update(f"{path}\0{text}".encode())
        digest.update(repr((mutant.tests, mutant.kunit, mutant.kernel)).encode())
        return digest.hexdigest()

    def _unmutated(self):
        """What fails without a fault cannot notice one."""
        for name, kernel in self.kernels.items():
            wanted = [m for m in self.mutants if m.kernel == name and not m.equivalent]
            programs = sorted({p for m in wanted for p in self._selected(m)})
            globs = {m.kunit for m in wanted if m.kunit}
            plain = Mutant("plain", "", (), (), " ".join(sorted(globs)), "", "", name)
            facts = self._remembered(plain, self._key(plain, {}) +
                                     str([p.name for p in programs]))
            if facts.get("by") is None and "by" in facts:
                continue
            start = time.monotonic()
            kernel.build("linux")
            by = None
            for pattern in sorted(globs) or [""]:
                by = by or _Trial(kernel).noticed_by(
                    dataclasses.replace(plain, kunit=pattern), [])
            by = by or _Trial(kernel).noticed_by(
                dataclasses.replace(plain, kunit=""), programs)
            self._remember(plain, facts["key"], by, time.monotonic() - start)
            if by:
                raise Fail(f"{name} without a fault fails already: {by}")
            say(f"mutants: without a fault {len(programs)} programs pass on {name}, "
                f"{time.monotonic() - start:.0f} s")

    @staticmethod
    def _remembered(mutant, key):
        path = _RESULTS / f"{mutant.name}-{mutant.kernel}.json"
        try:
            facts = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            facts = {}
        return facts if facts.get("key") == key else {"key": key}

    @staticmethod
    def _remember(mutant, key, by, seconds):
        _RESULTS.mkdir(parents=True, exist_ok=True)
        facts = {"key": key, "by": by, "seconds": round(seconds)}
        path = _RESULTS / f"{mutant.name}-{mutant.kernel}.json"
        temporary = path.with_suffix(".new")
        temporary.write_text(json.dumps(facts) + "\n", encoding="utf-8")
        temporary.replace(path)
        return facts

    def _try(self, mutant):
        if mutant.equivalent:
            return
        kernel = self.kernels[mutant.kernel]
        changed = apply(self.tree.directory, mutant)
        facts = self._remembered(mutant, self._key(mutant, changed))
        if "by" not in facts:
            start = time.monotonic()
            try:
                for path, (_, text) in changed.items():
                    path.write_text(text, encoding="utf-8")
                kernel.content = None
                kernel.build("linux")
                by = _Trial(kernel).noticed_by(mutant, self._selected(mutant))
            finally:
                for path, (before, _) in changed.items():
                    path.write_text(before, encoding="utf-8")
                kernel.content = None
            facts = self._remember(mutant, facts["key"], by, time.monotonic() - start)
            say(f"mutants: {mutant.name} {facts['seconds']} s: "
                f"{by or 'NOT NOTICED'}")
        self.found[mutant.name] = facts

    def _row(self, mutant):
        if mutant.equivalent:
            return f"  {mutant.name:5} equivalent   {mutant.says} ({mutant.equivalent})"
        facts = self.found[mutant.name]
        if facts["by"]:
            return f"  {mutant.name:5} {facts['seconds']:4} s       {mutant.says}\n" \
                   f"        {facts['by']}"
        return f"  {mutant.name:5} NOT NOTICED  {mutant.says}" + \
               (f"\n        {mutant.unseen}" if mutant.unseen else "")

    def _tell(self):
        say("")
        for mutant in self.mutants:
            say(self._row(mutant))
            if mutant.equivalent:
                self.lane.add("mutants", [ktap.Result(
                    mutant.name, ktap.SKIP, f"equivalent: {mutant.equivalent}")])
            elif not self.found[mutant.name]["by"] and mutant.unseen:
                self.lane.add("mutants", [ktap.Result(
                    mutant.name, ktap.XFAIL, mutant.unseen)])
            else:
                self.lane.check("mutants", mutant.name,
                                bool(self.found[mutant.name]["by"]),
                                f"not noticed: {mutant.says}")
        for group, whose in (("U", "faults that upstream fixed"),
                             ("O", "faults of ours")):
            tried = [m for m in self.mutants if m.group == group and not m.equivalent]
            if tried:
                seen = sum(bool(self.found[m.name]["by"]) for m in tried)
                say(f"noticed {seen} of {len(tried)}: {whose}")


def run(lane):
    """All mutants, or those that MUTANTS names."""
    Campaign(lane, os.environ.get("MUTANTS") or "*").run()
