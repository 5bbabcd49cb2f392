# SPDX-License-Identifier: GPL-2.0
"""Quick checks of the scripts and of the series."""

import ast
import re
import subprocess
import unittest

from . import base, chain, git, paths, series, tree
from .ktap import FAIL, PASS, Result
from .lane import Lane

# What topic lab must leave as it is: it is the code under test.
_UNDER_TEST = ("drivers/gpu/", "drivers/dma-buf/", "mm/", "include/", "lib/",
               "fs/")
_BUILD_FILES = re.compile(r"(^|/)(Kconfig|Makefile)$")


class _Results(unittest.TestResult):
    """unittest's results as ours."""

    def __init__(self):
        super().__init__()
        self.results = []

    def _why(self, test, error):
        return self._exc_info_to_string(error, test)  # type: ignore

    def _add(self, test, status, reason=""):
        name = ".".join(test.id().split(".")[-3:])
        rows = reason.splitlines()
        self.results.append(Result(name, status, rows[-1] if rows else "",
                                   rows[-15:]))

    def addSuccess(self, test):
        self._add(test, PASS)

    def addFailure(self, test, err):
        self._add(test, FAIL, self._why(test, err))

    addError = addFailure

    def addSubTest(self, test, subtest, err):
        if err is not None:
            self._add(subtest, FAIL, self._why(test, err))


def unit_tests():
    """The scripts' own unit tests."""
    directory = paths.REPO / "scripts"
    suite = unittest.defaultTestLoader.discover(
        str(directory / "tests"), top_level_dir=str(directory))
    results = _Results()
    suite.run(results)
    return results.results


def _scripts():
    """(path, first line) of the repository's files that start with #!."""
    names = git.Git(paths.REPO).names("ls-files", "-z", "-c", "-o",
                                      "--exclude-standard")
    for name in names:
        path = paths.REPO / name
        if path.is_file() and not path.is_symlink():
            with open(path, "rb") as source:
                first = source.readline(80)
            if first.startswith(b"#!") or name.endswith(".py") or \
               re.search(rb"^# shellcheck shell=", path.read_bytes()[:300],
                         re.M):
                yield path, first.decode(errors="replace").strip()


def shell_scripts():
    """shellcheck on every shell script."""
    found = []
    for path, first in _scripts():
        if path.suffix == ".py" or "python" in first:
            continue
        done = subprocess.run(["shellcheck", "-x", str(path)],
                              capture_output=True, text=True, check=False)
        found.append(Result(str(path.relative_to(paths.REPO)),
                            FAIL if done.returncode else PASS,
                            "shellcheck complains" if done.returncode else "",
                            done.stdout.splitlines()))
    return found


def python_scripts():
    """Every Python script compiles."""
    found = []
    for path, first in _scripts():
        if path.suffix != ".py" and "python" not in first:
            continue
        reason = ""
        try:
            ast.parse(path.read_text(encoding="utf-8"), str(path))
        except SyntaxError as error:
            reason = str(error)
        found.append(Result(str(path.relative_to(paths.REPO)),
                            FAIL if reason else PASS, reason))
    return found


def licences():
    """Every file of the kernel and every script says its licence."""
    repo = git.Git(paths.REPO)
    names = repo.names("ls-files", "-z", "-c", "-o", "--exclude-standard",
                       "--", *series.ROOTS, "scripts", "configs", "Makefile")
    wrong = []
    for name in names:
        path = paths.REPO / name
        if path.is_file() and path.name != "README":
            head = path.read_bytes()[:600]
            if b"SPDX-License-Identifier" not in head and \
               not re.search(r"(^|/)(config|settings|\.kunitconfig)$", name):
                wrong.append(name)
    return [Result("SPDX lines", FAIL if wrong or not names else PASS,
                   "without: " + ", ".join(wrong) if wrong else "")]


def driver_unchanged():
    """Topic lab adds files and names them; it changes no code under test."""
    target = tree.named()
    with paths.lock(paths.BUILD / ".lock", "assembling"):
        used = base.obtain()
        target.assemble(used, tree.select(paths.REPO))
        commits = chain.compute(target.git, paths.REPO, used.commit,
                                tree.select(paths.REPO, alone="lab"))
    if not commits:
        return [Result("panthor unchanged by topic lab", FAIL,
                       "topic lab of patches/series is empty")]
    changed = target.changes(used.commit, commits[-1].commit)
    wrong = [name for name, letter in changed.items()
             if letter != "A" and name.startswith(_UNDER_TEST) and
             not _BUILD_FILES.search(name)]
    touched = [name for name, letter in changed.items() if letter == "A"]
    return [Result("panthor unchanged by topic lab",
                   FAIL if wrong else PASS,
                   "it changes " + ", ".join(sorted(wrong)) if wrong else ""),
            Result("topic lab adds files", PASS if touched else FAIL,
                   "" if touched else "it adds none")]


def tree_clean():
    """What is tested is what the repository says, not edits of the tree."""
    target = tree.named()
    record = target.record()
    edits = target.changes(record["head"], target.snapshot())
    return [Result("the tree has no edits of its own",
                   FAIL if edits else PASS,
                   "make refresh takes them over: " + ", ".join(sorted(edits))
                   if edits else "")]


def _check(lane):
    for group, function in (("unit tests", unit_tests),
                            ("shellcheck", shell_scripts),
                            ("python", python_scripts),
                            ("licences", licences)):
        results = function()
        lane.add(group, results)
        lane.check(group, "checked something", bool(results),
                   "there was nothing to check")
    lane.add("series", driver_unchanged())
    lane.add("series", tree_clean())


def main():
    """The lane."""
    lane = Lane("static")
    return lane.judge(lambda: _check(lane))
