# SPDX-License-Identifier: GPL-2.0
"""Whether the processors of this machine were there all the time, and loops to
make them busy.

An emulated board has the time limits of a real one. A processor that is taken
away from it, by another process or by whoever runs this machine, looks to the
guest like hardware that does not answer.
"""

import contextlib
import os
import subprocess
import sys
import threading
import time

from . import guest
from .ui import Fail

_PERIOD = 0.02
# What comes later than this is not what a scheduler does, and worth telling
_LATE = 0.05


class Watch:
    """A thread for each processor that wakes up often and notes when it is late.

    with Watch() as watch: ...; then watch.worst(since, until) tells.
    """

    def __init__(self):
        self.late = []          # (time.monotonic() at its end, seconds)
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._look, args=(cpu,),
                                          daemon=True)
                         for cpu in sorted(os.sched_getaffinity(0))]

    def _look(self, cpu):
        # Of this thread, not of the process
        os.sched_setaffinity(0, {cpu})
        before = time.monotonic()
        while not self._stop.wait(_PERIOD):
            now = time.monotonic()
            if now - before > _PERIOD + _LATE:
                self.late.append((now, now - before - _PERIOD))
            before = now

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *what):
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def worst(self, since, until):
        """For how many seconds at most a processor did nothing for this process.

        since, until: of time.monotonic().
        """
        return max((seconds for end, seconds in self.late
                    if end >= since and end - seconds <= until), default=0.0)


@contextlib.contextmanager
def busy(loops):
    """This many loops beside, which take a processor each and end with this."""
    running = []
    try:
        for _ in range(loops):
            # pylint: disable-next=consider-using-with,subprocess-popen-preexec-fn
            running.append(subprocess.Popen(
                [sys.executable, "-c", "while True: pass"],
                stdin=subprocess.DEVNULL, preexec_fn=guest.die_with_parent))
        yield
        dead = [p for p in running if p.poll() is not None]
        if dead:
            raise Fail(f"{len(dead)} of {loops} busy loops ended early")
    finally:
        for process in running:
            process.kill()
        for process in running:
            process.wait()
