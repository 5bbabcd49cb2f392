# SPDX-License-Identifier: GPL-2.0
"""What the tour of `make run` has shown: a table, verdicts, a picture."""

import csv
import dataclasses

from . import page, plot, verdicts
from .uml import marks

COLUMNS = ("ms", "buffers", "resident", "shmem", "swap", "free", "anonymous")
# Of the picture: name, column, colour, whether dashed
LINES = (("GPU buffers", "buffers", "#7f7f7f", True),
         ("resident", "resident", "#1f77b4", False),
         ("swap in use", "swap", "#d62728", False),
         ("free memory", "free", "#2ca02c", False),
         ("other programs", "anonymous", "#ff7f0e", True))


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


class Tour:
    """The tour as its output tells it."""

    def __init__(self, outcome):
        self.outcome = outcome
        self.scenes = [Scene("start", "nothing has happened yet")]
        for kind, rest in marks(outcome.output):
            self._take(kind, rest)
        origin = min((s["ms"] for scene in self.scenes
                      for s in scene.samples), default=0)
        for scene in self.scenes:
            scene.samples.sort(key=lambda sample: sample["ms"])
            for sample in scene.samples:
                sample["seconds"] = (sample["ms"] - origin) / 1000

    def _take(self, kind, rest):
        if kind == "scene":
            name, _, title = rest.partition(" ")
            self.scenes.append(Scene(name, title))
        elif kind == "sample":
            # A line that two processes have printed into is no sample
            values = rest.split()
            if len(values) == len(COLUMNS) and all(map(str.isdigit, values)):
                self.scenes[-1].samples.append(
                    dict(zip(COLUMNS, map(int, values), strict=True)))
        elif kind == "client":
            name, _, status = rest.partition(" ")
            # What is no number is no good end
            self.scenes[-1].clients[name] = \
                int(status) if status.isdigit() else -1
        elif kind == "number":
            self.scenes[-1].numbers.append(rest.split())

    def scene(self, name):
        """A scene by name, or None when it was not played."""
        return next((s for s in self.scenes if s.name == name), None)

    def verdicts(self):
        """All that had to hold."""
        return verdicts.Judge(self.outcome, self.scenes).verdicts()

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
        """samples.csv, memory.svg and index.html."""
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
        pictures = [self._picture(title, samples, size)
                    for size in ((960, 480), (360, 440))]
        (directory / "memory.svg").write_text(pictures[0], encoding="utf-8")
        page.write(directory / "index.html", title, self, pictures)

    def _picture(self, title, samples, size):
        end = max((s["seconds"] for _, s in samples), default=1)
        top = max((s[c] for _, s in samples for c in COLUMNS[1:]),
                  default=1) / 1024
        picture = plot.Plot(
            title, "MiB", end, top * 1.05,
            [(scene.samples[0]["seconds"], scene.name)
             for scene in self.scenes[1:-1] if scene.samples],
            [line[:1] + line[2:] for line in LINES], size)
        for name, column, _, _ in LINES:
            picture.line(name, [(s["seconds"], s[column] / 1024)
                                for _, s in samples])
        return picture.svg()
