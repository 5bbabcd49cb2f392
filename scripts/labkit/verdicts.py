# SPDX-License-Identifier: GPL-2.0
"""What had to hold in the tour of `make run`.

Judged is what was counted: by the driver and by mm, in files of cgroups, by the
clients, and free memory that a scene reads itself before and after. Samples are
taken whenever the machine gets round to it, and judge nothing. A scene that was
not played, and a number that was not there, fail.
"""

import dataclasses
import re

from . import klog
from .uml import guest_failure, marks

# Scenes that must be played, and thus judged
SCENES = ("work", "squeeze", "return", "contend", "memcg", "shrink", "reclaim",
          "claim")
_PAGES_A_MIB = 256
# Pages of the smallest buffer that the clients verify
_BUFFER = 256


@dataclasses.dataclass
class Verdict:
    """Something that had to hold, and by what that was judged."""
    text: str
    good: bool
    detail: str = ""


class _Missing(Exception):
    """A number that a verdict needs was not there."""


def _mib(pages):
    return pages / _PAGES_A_MIB


class Judge:
    """Verdicts on a tour: what it printed, by scenes, and how the guest ended."""

    def __init__(self, outcome, scenes):
        self.outcome = outcome
        self.scenes = {scene.name: scene for scene in scenes}
        self.started = {}
        for kind, rest in marks(outcome.output):
            if kind == "started":
                name, program, number = rest.split()
                self.started[name] = f"{program} {number}" \
                    if program == "tour" else program
        self.ended = {n: s for scene in scenes
                      for n, s in scene.clients.items()}

    def verdicts(self):
        """All that had to hold, in the order a person wants to know it."""
        found = [self._clients(), self._words()]
        for name in SCENES:
            if name not in self.scenes:
                found.append(Verdict(f"the scene '{name}' was played", False,
                                     "it was not: nothing to judge"))
            for text, judge in getattr(self, f"_{name}", list)():
                found.append(self._verdict(name, text, judge))
        return found + self._kernel()

    def _verdict(self, name, text, judge):
        scene = self.scenes.get(name)
        if scene is None:
            return Verdict(text, False, "the scene was not played")
        try:
            good, detail = judge(scene)
        except _Missing as missing:
            return Verdict(text, False, f"nothing to judge: {missing}")
        return Verdict(text, bool(good), detail)

    @staticmethod
    def _number(scene, name):
        values = [n[1] for n in scene.numbers if n[0] == name and len(n) > 1]
        if len(values) != 1 or not re.fullmatch(r"-?\d+", values[0]):
            raise _Missing(f"there is no number {name}")
        return int(values[0])

    # Clients

    def _clients(self):
        bad = [f"{n} ended with status {s}" for n, s in self.ended.items() if s]
        bad += [f"{n} was not seen to end"
                for n in self.started if n not in self.ended]
        text = "all clients did their work"
        if not self.started:
            return Verdict(text, False, "nothing to judge: none was started")
        return Verdict(text, not bad, "; ".join(bad) or
                       f"exit status of {len(self.ended)} clients")

    def _words(self):
        """Each client says that it has verified, and found nothing wrong."""
        found = re.findall(r"^(tour \d+|hog): (?:held|round).*?(\d+) wrong words",
                           self.outcome.output, re.M)
        told = {who for who, _ in found}
        total = sum(int(count) for _, count in found)
        silent = [f"client {n} verified nothing"
                  for n, who in self.started.items() if who not in told]
        text = "every word of every buffer was verified, none was wrong"
        if not found:
            return Verdict(text, False, "nothing to judge: nothing was verified")
        return Verdict(text, not silent and not total, "; ".join(
            [f"{total} wrong words in {len(found)} verifications"] + silent))

    def _all_well(self, *names):
        """Whether these clients ended with status 0; one must have been there."""
        missing = [n for n in names if n not in self.ended]
        if missing:
            raise _Missing(f"client {missing[0]} did not end")
        return not any(self.ended[n] for n in names)

    # Scenes: (text, function that tells (good, detail)) each

    def _squeeze(self):
        def gave_way(scene):
            out = self._number(scene, "squeeze_evicted")
            return (out >= 10 * _PAGES_A_MIB and self._all_well("anon"),
                    f"the driver counted {_mib(out):.0f} MiB evicted")

        def to_swap(scene):
            used = self._number(scene, "squeeze_swap")
            return used >= 10, (f"{used} MiB more of swap in use when the "
                                "program had ended")

        return [("idle GPU memory gave way to a program that needed it",
                 gave_way),
                ("what was taken went to swap", to_swap)]

    def _return(self):
        def came_back(scene):
            out = self._number(scene, "return_missing")
            back = self._number(scene, "return_back")
            if not out:
                raise _Missing("nothing was out that could come back")
            # Command buffers may stay out, which verifying needs not
            return (out - back < _BUFFER and self._all_well("a", "b"),
                    f"the driver counted {_mib(back):.0f} MiB brought back, of "
                    f"{_mib(out):.0f} that were out")

        return [("the clients got their memory back", came_back)]

    def _contend(self):
        def ended(_):
            failed = sum(int(n) for n in re.findall(r"(\d+) ENOMEM",
                                                    self.outcome.output))
            return (self._all_well("c", "d", "rival"),
                    f"exit status; {failed} GPU calls failed with ENOMEM")

        def short(scene):
            out = self._number(scene, "contend_swapped_out")
            evicted = self._number(scene, "contend_evicted")
            return (out >= 5 * _PAGES_A_MIB,
                    f"mm counted {_mib(out):.0f} MiB swapped out, the driver "
                    f"{_mib(evicted):.0f} MiB evicted")

        return [("clients at work and a program shared too little memory, and "
                 "all came to their end", ended),
                ("memory was really short meanwhile", short)]

    def _memcg(self):
        def lived(scene):
            # Of 32 MiB, whether mm or the driver saw to it
            swap = self._number(scene, "memcg_swap_peak")
            peak = self._number(scene, "memcg_peak")
            return (swap >= 32 - 24 and peak <= 24 and self._all_well("m"),
                    f"memory.peak is {peak} MiB, memory.swap.peak {swap} MiB")

        return [("a GPU client lived with the memory.max of its cgroup", lived)]

    def _shrink(self):
        def freed(scene):
            free = self._number(scene, "shrink_freed")
            return (free >= 12 and self._all_well("e"),
                    f"free memory rose by {free} MiB of the 16 asked for")

        return [("debugfs shrink freed memory before it returned, and lost no "
                 "data", freed)]

    def _reclaim(self):
        def left(scene):
            free = self._number(scene, "reclaim_freed")
            return free >= 14, f"free memory rose by {free} MiB, of 16 it has"

        return [("mem_reclaim evicted the memory of an idle client", left)]

    def _claim(self):
        def back(scene):
            used = self._number(scene, "claim_used")
            return (used >= 14 and self._all_well("f"),
                    f"free memory fell by {used} MiB")

        return [("mem_claim brought it back before it was needed", back)]

    # The guest

    def _kernel(self):
        failure = guest_failure(self.outcome)
        splats = klog.splats(self.outcome.kernel_log)
        alive = dict(marks(self.outcome.output)).get("lockdep")
        log = bool(self.outcome.kernel_log.strip())
        return [
            Verdict("the kernel log has no report", log and not splats,
                    "; ".join(f"{s.during}: {s.title}" for s in splats) or
                    ("kernel.log" if log else "nothing to judge: it is empty")),
            Verdict("lockdep was alive at the end", alive == "1",
                    "/proc/lockdep_stats: debug_locks: "
                    f"{alive or 'not read'}"),
            Verdict("the guest powered off by itself", failure is None,
                    failure or f"after {self.outcome.seconds:.0f} s"),
        ]
