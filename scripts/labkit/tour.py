# SPDX-License-Identifier: GPL-2.0
"""What the tour of `make run` has shown: a table, verdicts, a picture."""

import csv
import dataclasses
import re

from . import klog, plot
from .uml import guest_failure, marks

COLUMNS = ("ms", "buffers", "resident", "shmem", "swap", "free", "anonymous")


@dataclasses.dataclass
class Scene:
    """A part of the tour: what was sampled while it was played."""
    name: str
    title: str
    samples: list = dataclasses.field(default_factory=list)
    clients: dict = dataclasses.field(default_factory=dict)
    numbers: list = dataclasses.field(default_factory=list)

    def last(self, column):
        """A size in MiB at the scene's end."""
        return self.samples[-1][column] / 1024 if self.samples else 0

    def peak(self, column):
        """The greatest size in MiB."""
        return max((s[column] for s in self.samples), default=0) / 1024

    def least(self, column):
        """The smallest size in MiB."""
        return min((s[column] for s in self.samples), default=0) / 1024


@dataclasses.dataclass
class Verdict:
    """Something that had to hold."""
    text: str
    good: bool
    detail: str = ""


class Tour:
    """The tour as its output tells it."""

    def __init__(self, outcome):
        self.outcome = outcome
        self.scenes = [Scene("start", "nothing has happened yet")]
        for kind, rest in marks(outcome.output):
            self._take(kind, rest)
        origin = next((s["ms"] for scene in self.scenes
                       for s in scene.samples), 0)
        for scene in self.scenes:
            for sample in scene.samples:
                sample["seconds"] = (sample["ms"] - origin) / 1000
        self.words = [int(n) for n in re.findall(
            r"(\d+) wrong words", outcome.output)]

    def _take(self, kind, rest):
        if kind == "scene":
            name, _, title = rest.partition(" ")
            self.scenes.append(Scene(name, title))
        elif kind == "sample":
            values = [int(v) for v in rest.split()]
            if len(values) == len(COLUMNS):
                self.scenes[-1].samples.append(
                    dict(zip(COLUMNS, values, strict=True)))
        elif kind == "client":
            name, status = rest.split()
            self.scenes[-1].clients[name] = int(status)
        elif kind == "number":
            self.scenes[-1].numbers.append(rest.split())

    def scene(self, name):
        """A scene by name, or None when it was not played."""
        return next((s for s in self.scenes if s.name == name), None)

    # Verdicts

    def verdicts(self):
        """All that had to hold, in the order a person wants to know it."""
        found = self._data()
        for name in ("squeeze", "return", "contend", "memcg", "shrink",
                     "reclaim", "claim"):
            scene = self.scene(name)
            if scene is not None:
                found += getattr(self, f"_{name}")(scene)
        return found + self._kernel()

    def _data(self):
        clients = {n: s for scene in self.scenes
                   for n, s in scene.clients.items()}
        bad = [f"{n} ended with status {s}" for n, s in clients.items() if s]
        found = [Verdict(f"all {len(clients)} clients did their work",
                         bool(clients) and not bad, "; ".join(bad))]
        total = sum(self.words)
        verified = all(
            re.search(rf"^tour {n}: (?:held|round)", self.outcome.output, re.M)
            for n in range(1, self._started() + 1))
        found.append(Verdict(
            "every word of every buffer was verified, none was wrong",
            bool(self.words) and verified and total == 0,
            f"{total} wrong words in {len(self.words)} verifications"))
        return found

    def _started(self):
        """Number of GPU clients, which are numbered from 1."""
        return max((int(n) for n in re.findall(
            r"^(?:# )?tour (\d+):", self.outcome.output, re.M)), default=0)

    def _squeeze(self, scene):
        before, least = scene.peak("resident"), scene.least("resident")
        swapped = scene.peak("swap")
        return [Verdict("idle GPU memory gave way to a program that needed it",
                        before - least > 10,
                        f"resident buffers fell from {before:.0f} to "
                        f"{least:.0f} MiB"),
                Verdict("what was taken went to swap", swapped > 10,
                        f"{swapped:.0f} MiB of swap in use")]

    def _return(self, scene):
        low = scene.least("resident")
        return [Verdict("the clients got their memory back",
                        scene.peak("resident") - low > 10,
                        f"resident buffers rose from {low:.0f} to "
                        f"{scene.peak('resident'):.0f} MiB")]

    def _contend(self, scene):
        failed = sum(int(n) for n in re.findall(r"(\d+) ENOMEM",
                                                self.outcome.output))
        return [Verdict("clients at work and a program shared too little "
                        "memory, and all came to their end",
                        len(scene.clients) == 3 and
                        not any(scene.clients.values()),
                        f"{failed} GPU calls failed with ENOMEM"),
                Verdict("memory was really short meanwhile",
                        scene.peak("swap") > 5,
                        f"{scene.peak('swap'):.0f} MiB of swap in use")]

    @staticmethod
    def _memcg(scene):
        numbers = {n[0]: int(n[1]) for n in scene.numbers}
        hits = numbers.get("memcg_max_events", 0)
        peak = numbers.get("memcg_peak", 0)
        return [Verdict("a GPU client lived with the memory.max of its cgroup",
                        hits > 0 and scene.clients == {"m": 0},
                        f"it was reached {hits} times, at most {peak} MiB "
                        "were in use")]

    @staticmethod
    def _shrink(scene):
        numbers = {n[0]: int(n[1]) for n in scene.numbers}
        freed = numbers.get("shrink_freed")
        least = numbers.get("shrink_must_free")
        detail = "no number was printed" if freed is None else \
            f"free memory rose by {freed} MiB of the 16 asked for"
        found = [Verdict("debugfs shrink was answered and lost no data",
                         freed is not None and scene.clients == {"e": 0},
                         detail)]
        if least is not None:
            found.append(Verdict("debugfs shrink freed memory before it "
                                 "returned", (freed or 0) >= least, detail))
        return found

    @staticmethod
    def _number(scene, name):
        return next((int(n[1]) for n in scene.numbers if n[0] == name), None)

    def _reclaim(self, scene):
        freed = self._number(scene, "reclaim_freed")
        return [Verdict("mem_reclaim had the memory of an idle client leave",
                        (freed or 0) >= 14,
                        "it failed" if freed is None else
                        f"free memory rose by {freed} MiB, of 16 it has")]

    def _claim(self, scene):
        used = self._number(scene, "claim_used")
        return [Verdict("mem_claim brought it back before it was needed",
                        (used or 0) >= 14 and scene.clients == {"f": 0},
                        "it failed" if used is None else
                        f"free memory fell by {used} MiB")]

    def _kernel(self):
        failure = guest_failure(self.outcome)
        splats = klog.splats(self.outcome.kernel_log)
        alive = dict(marks(self.outcome.output)).get("lockdep")
        return [
            Verdict("the kernel log has no report", not splats,
                    "; ".join(f"{s.during}: {s.title}" for s in splats)),
            Verdict("lockdep was alive at the end", alive == "1",
                    "" if alive == "1" else "it was off"),
            Verdict("the guest powered off by itself", failure is None,
                    failure or f"after {self.outcome.seconds:.0f} s"),
        ]

    # Report

    def table(self):
        """Where memory was, a row a scene."""
        rows = [f"{'memory in MiB':14} {'GPU buffers':>11}   "
                f"{'resident':^15}   {'swap in use':^15}   {'free':^15}",
                f"{'':14} {'most':>11}   {'most':>7} {'least':>7}   "
                f"{'most':>7} {'at end':>7}   {'least':>7} {'at end':>7}"]
        for scene in self.scenes:
            if scene.samples:
                rows.append(
                    f"{scene.name:14} {scene.peak('buffers'):11.0f}   "
                    f"{scene.peak('resident'):7.0f} "
                    f"{scene.least('resident'):7.0f}   "
                    f"{scene.peak('swap'):7.0f} {scene.last('swap'):7.0f}   "
                    f"{scene.least('free'):7.0f} {scene.last('free'):7.0f}")
        return "\n".join(rows)

    def write(self, directory, title):
        """samples.csv and memory.svg."""
        samples = [(scene.name, s) for scene in self.scenes
                   for s in scene.samples]
        with open(directory / "samples.csv", "w", newline="",
                  encoding="ascii") as out:
            table = csv.writer(out)
            table.writerow(["scene", "seconds"] +
                           [f"{c}_kib" for c in COLUMNS[1:]])
            for name, sample in samples:
                table.writerow([name, f"{sample['seconds']:.3f}"] +
                               [sample[c] for c in COLUMNS[1:]])
        end = samples[-1][1]["seconds"] if samples else 1
        top = max((s[c] for _, s in samples for c in COLUMNS[1:]),
                  default=1) / 1024
        picture = plot.Plot(title, "MiB", end, top * 1.05)
        for scene in self.scenes[1:-1]:
            if scene.samples:
                picture.mark(scene.samples[0]["seconds"], scene.name)
        for name, column, colour, dashed in (
                ("GPU buffers", "buffers", "#7f7f7f", True),
                ("resident", "resident", "#1f77b4", False),
                ("swap in use", "swap", "#d62728", False),
                ("free memory", "free", "#2ca02c", False),
                ("other programs", "anonymous", "#ff7f0e", True)):
            picture.line(name, [(s["seconds"], s[column] / 1024)
                                for _, s in samples], colour, dashed)
        (directory / "memory.svg").write_text(picture.svg(), encoding="utf-8")
