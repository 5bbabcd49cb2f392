# SPDX-License-Identifier: GPL-2.0
"""Several lanes at once, each a process of its own."""

import contextlib
import subprocess
import tempfile
import time
from typing import IO

from . import ktap, lane, paths
from .ui import say


class Running:
    """A lane that has been started. What it says is shown when it has ended."""

    def __init__(self, name: str, output: IO[str] | None = None) -> None:
        (paths.TEST / f"{name}.tap").unlink(missing_ok=True)
        self.name = name
        self.output = output
        self.start = time.monotonic()
        self.seconds = 0.0
        self.process = subprocess.Popen(    # pylint: disable=consider-using-with
            [paths.REPO / "scripts" / "lane", name], cwd=paths.REPO,
            stdout=output)

    def ended(self) -> bool:
        """Whether it has ended; if so, show its output."""
        if self.process.poll() is None:
            return False
        self.seconds = time.monotonic() - self.start
        if self.output:
            self.output.seek(0)
            say(f"\n=== lane {self.name}\n{self.output.read().rstrip()}")
        return True

    def results(self) -> list[ktap.Result]:
        """What it wrote, and a failure if it ended with one but wrote none."""
        found, status = lane.read(self.name), self.process.returncode
        if status and not any(r.status == ktap.FAIL for r in found):
            found.append(ktap.Result("lane", ktap.FAIL,
                                     f"it ended with exit status {status}"))
        return found


def stop(running: list[Running]) -> None:
    """End lanes, all at the same time, and see them off."""
    for lane_process in (r.process for r in running):
        if lane_process.poll() is None:
            lane_process.terminate()
    for lane_process in (r.process for r in running):
        lane_process.wait()


def alone(name: str) -> int:
    """Run one lane, which speaks for itself; return its exit status."""
    running = Running(name)
    try:
        return running.process.wait()
    finally:
        stop([running])


def fitting(waiting: list[str], running: list[str], at_once: int,
            shares: dict[str, int]) -> str | None:
    """The first lane that there is room for beside those running, or None.

    shares: how many of at_once lanes a lane stands for, if not one. One that
    stands for more than there is room for runs alone.
    """
    free = at_once - sum(shares.get(name, 1) for name in running)
    for name in waiting:
        if not running or shares.get(name, 1) <= free:
            return name
    return None


def several(wanted: list[str], at_once: int,
            shares: dict[str, int]) -> list[Running]:
    """Run lanes, some at once; return them in the order of their ends."""
    waiting = list(wanted)
    running: list[Running] = []
    done: list[Running] = []
    with contextlib.ExitStack() as stack:
        stack.callback(stop, running)
        while waiting or running:
            while name := fitting(waiting, [r.name for r in running], at_once,
                                  shares):
                waiting.remove(name)
                output = stack.enter_context(tempfile.TemporaryFile(
                    "w+", encoding="utf-8", errors="replace"))
                running.append(Running(name, output))
                say(f"=== lane {name} started")
            for ended in [r for r in running if r.ended()]:
                running.remove(ended)
                done.append(ended)
            time.sleep(0.1)
    return done
