# SPDX-License-Identifier: GPL-2.0
"""The repository's own scripts: shellcheck, pyflakes, pycodestyle, mypy, unit tests."""

import re
import shutil
import subprocess

from .. import git, paths, static
from ..ktap import FAIL
from ..ui import Fail
from .context import LOGS, Outcome

# W503 and W504 contradict each other; E402: scripts find labkit first; E101
# and W191 mean shell scripts in string constants; E306, E741: a matter of taste.
_STYLE = ["--max-line-length=88",
          "--ignore=W503,W504,E402,E101,W191,E306,E741"]


def python_files():
    """The repository's Python programs and modules."""
    names = git.Git(paths.REPO).names("ls-files", "-z", "-c", "-o",
                                      "--exclude-standard")
    found = []
    for name in names:
        path = paths.REPO / name
        if not path.is_file():
            continue
        with open(path, "rb") as source:
            first = source.readline(80)
        if name.endswith(".py") or re.match(rb"#!.*python", first):
            found.append(name)
    return found


def _lint(argv, names, log):
    if not shutil.which(argv[0]):
        raise Fail(f"{argv[0]} is missing: install the package {argv[0]}")
    done = subprocess.run([*argv, *names], cwd=paths.REPO, check=False,
                          capture_output=True, text=True)
    log.write(f"# {argv[0]}\n{done.stdout}{done.stderr}")
    rows = (done.stdout + done.stderr).splitlines()
    if done.returncode and not rows:
        rows = [f"{argv[0]} ended with {done.returncode}"]
    return rows


def python(_context, log):
    """pyflakes, pycodestyle and mypy."""
    outcome = Outcome("Python files")
    names = python_files()
    for argv in (["pyflakes3"], ["pycodestyle", *_STYLE]):
        outcome.add(argv[0], _lint(argv, names, log))
    outcome.add("mypy", types(log))
    outcome.checked = len(names)
    return outcome


def types(log):
    """What mypy says about labkit; scripts/mypy.ini has what it is asked."""
    directory = paths.REPO / "scripts"
    if not shutil.which("mypy"):
        raise Fail("mypy is missing: install the package mypy")
    done = subprocess.run(
        ["mypy", "--config-file", str(directory / "mypy.ini"), "--cache-dir",
         str(LOGS / "mypy"), "--no-error-summary", "-p", "labkit"],
        cwd=directory, check=False, capture_output=True, text=True)
    log.write(f"# mypy\n{done.stdout}{done.stderr}")
    rows = (done.stdout + done.stderr).splitlines()
    return rows or ([f"mypy ended with {done.returncode}"] if done.returncode
                    else [])


def shell(_context, log):
    """shellcheck on every shell script."""
    if not shutil.which("shellcheck"):
        raise Fail("shellcheck is missing: install the package shellcheck")
    return _taken("shell scripts", static.shell_scripts(), log)


def unit_tests(_context, log):
    """The scripts' own tests."""
    return _taken("tests", static.unit_tests(), log)


def _taken(unit, results, log):
    outcome = Outcome(unit)
    for result in results:
        log.write(f"{result.name}: {result.status} {result.reason}\n" +
                  "".join(f"  {l}\n" for l in result.output))
    wrong = [r for r in results if r.status == FAIL]
    outcome.results = wrong
    outcome.checked = len(results)
    if not wrong:
        outcome.add(f"{len(results)} {unit}", [])
    return outcome
