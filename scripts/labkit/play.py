# SPDX-License-Identifier: GPL-2.0
"""Play the tour: for `make run`, and three times for the lane."""

import contextlib
import os
import shutil

from . import browser, guest, ktap, paths, steadiness, tour, uml
from .lane import Lane, broken
from .ui import Fail, Progress, say

TITLE = "panthor under memory pressure"
# Ends a guest that hangs; nothing else depends on it
_TIME_LIMIT = 1800
# What its guest writes to its swap disk at most, and some more
_SWAP_MIB = 400
# What is beside the plays of the lane: 1 is as many busy loops as processors
_PLAYS = (0, 1, 0)


def build():
    """The kernel, and the directory of the GPU clients."""
    kernel = uml.kernel(["uml"])
    programs, _ = kernel.selftests(uml.SELFTESTS)
    if programs is None:
        raise Fail("the series has no selftests of panthor, whose GPU clients "
                   "the tour needs")
    return kernel, programs


def play(kernel, programs, directory, tell=lambda text: None):
    """Boot and play; returns the tour.Tour, whose files are in a directory.

    tell: is told the scenes as they come.
    """
    paths.need_space(paths.BUILD, _SWAP_MIB, "play the tour")
    if broken() not in (None, "model"):
        raise Fail(f"BREAK={broken()} is unknown; there is BREAK=model")
    # What an earlier play has left is there until this one has come to its end.
    with paths.scratch(directory.parent, ".play-") as scratch:
        made = scratch / directory.name
        made.mkdir()
        told = _play(kernel, programs, made, tell)
        shutil.rmtree(directory, ignore_errors=True)
        made.rename(directory)
    return told


def _play(kernel, programs, directory, tell):
    progress = Progress("tour")
    state = ["booting"]

    def each(line):
        if line and line.startswith("@lab scene "):
            name, _, title = line.removeprefix("@lab scene ").partition(" ")
            progress.end()
            if name != "end":
                tell(f"  {name}: {title}")
            state[0] = name
        progress.update(state[0])

    variables = {"LAB_TESTS": programs, "LAB_SAMPLE": guest.tool("sample")}
    if broken():
        variables["LAB_BREAK"] = broken()
    outcome = guest.boot(guest.Guest(
        kernel.objects / "linux", "tour", memory="256M", timeout=_TIME_LIMIT,
        variables=variables, log=directory / "kernel.log"), each=each)
    progress.end()
    (directory / "output.txt").write_text(outcome.output, encoding="utf-8")
    told = tour.Tour(outcome)
    told.write(directory, TITLE)
    return told


def _test(lane):
    kernel, programs = build()
    for number, beside in enumerate(_PLAYS, 1):
        loops = (os.cpu_count() or 1) * beside
        name = f"play {number}" + (f" beside {loops} busy loops" if loops
                                   else "")
        say(f"tour: {name}")
        with contextlib.ExitStack() as stack:
            if loops:
                stack.enter_context(steadiness.busy(loops))
            told = play(kernel, programs, paths.TEST / "tour" / f"{number}")
        for verdict in told.verdicts():
            lane.add(name, [ktap.Result(
                verdict.text, ktap.PASS if verdict.good else ktap.FAIL,
                "" if verdict.good else verdict.detail)])
    _look(lane)


def _look(lane):
    """The page of the first play, in a browser if there is one."""
    program = browser.find()
    for width in browser.WIDTHS:
        name = f"the page at {width} pixels"
        if program is None:
            lane.add("page", [ktap.Result(name, ktap.SKIP,
                                          "there is no chromium here")])
            continue
        found = browser.complaints(browser.look(
            program, paths.TEST / "tour" / "1" / "index.html", width), width)
        lane.check("page", name, not found, "; ".join(found[:5]))


def main():
    """The lane."""
    lane = Lane("tour")
    return lane.judge(lambda: _test(lane))
