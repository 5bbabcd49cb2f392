# SPDX-License-Identifier: GPL-2.0
"""Messages, progress and orderly ends."""

import errno
import signal
import sys
import time
from collections.abc import Callable
from types import FrameType
from typing import NoReturn, TextIO


class Fail(Exception):
    """A failure that the user is told in one clear sentence."""


class Interrupted(Exception):
    """SIGINT, SIGTERM or SIGHUP: unwind, clean up, end."""

    def __init__(self, signum: int) -> None:
        super().__init__(f"interrupted by {signal.Signals(signum).name}")
        self.signum = signum


def say(text: str) -> None:
    """Tell the user something, in its place among the output of children."""
    print(text, flush=True)


def note(text: str) -> None:
    """Tell the user what they should know but need not act on."""
    print(f"note: {text}", file=sys.stderr, flush=True)


class Progress:
    """One line that changes on a terminal; a line every 30 s elsewhere."""

    def __init__(self, what: str, out: TextIO = sys.stderr) -> None:
        self.what = what
        self.out = out
        self.tty = out.isatty()
        self.start = time.monotonic()
        self.last = self.start if not self.tty else 0
        self.shown = False

    def update(self, state: str) -> None:
        """Show `state` if the last line is old enough."""
        now = time.monotonic()
        if now - self.last < (0.5 if self.tty else 30):
            return
        self.last = now
        line = f"{self.what}: {state}, {now - self.start:.0f} s"
        if self.tty:
            self.out.write(f"\r\033[K{line}")
            self.shown = True
        else:
            self.out.write(line + "\n")
        self.out.flush()

    def end(self) -> None:
        """Remove the changing line."""
        if self.shown:
            self.out.write("\r\033[K")
            self.out.flush()
            self.shown = False


def _raise_interrupted(signum: int, _frame: FrameType | None) -> NoReturn:
    for sig in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(sig, signal.SIG_IGN)
    raise Interrupted(signum)


def main(function: Callable[[], int | None]) -> NoReturn:
    """Run a script's main function; say what failed, exit with a status."""
    for sig in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(sig) != signal.SIG_IGN:
            signal.signal(sig, _raise_interrupted)
    try:
        status = function()
    except Fail as failure:
        print(f"error: {failure}", file=sys.stderr, flush=True)
        status = 1
    except Interrupted as failure:
        print(f"{failure}; nothing half-made is left behind", file=sys.stderr,
              flush=True)
        status = 128 + failure.signum
    except BrokenPipeError:
        sys.stderr.close()
        status = 1
    except OSError as failure:
        full = "the disk is full: " if failure.errno == errno.ENOSPC else ""
        print(f"error: {full}{failure}", file=sys.stderr, flush=True)
        status = 1
    sys.exit(status)
