# SPDX-License-Identifier: GPL-2.0
"""One run of one scenario on one kernel."""

import dataclasses
import re
import statistics
import subprocess

from .. import guest, klog, paths, uml
from ..ui import Fail

_METRIC = re.compile(r"METRIC (?P<scenario>\S+) (?P<name>\S+) (?P<unit>\S+) "
                     r"(?P<value>-?\d+(?:\.\d+)?)\s*$", re.M)
_OUTCOME = re.compile(r"^OUTCOME (?P<scenario>\S+) (?P<word>good|short|broken|"
                      r"skip) ?(?P<text>.*)$", re.M)
_BOOT = 90


@dataclasses.dataclass
class Run:
    """What a run has printed, and how it ended."""
    scenario: str
    variant: str
    repetition: int
    metrics: dict = dataclasses.field(default_factory=dict)
    units: dict = dataclasses.field(default_factory=dict)
    outcome: str = ""
    text: str = ""
    error: str | None = None
    reports: list = dataclasses.field(default_factory=list)
    seconds: float = 0
    load: float = 0

    def facts(self):
        """As it goes into report.json."""
        return {"scenario": self.scenario, "variant": self.variant,
                "repetition": self.repetition, "outcome": self.outcome,
                "text": self.text, "error": self.error,
                "kernel_reports": self.reports,
                "seconds": round(self.seconds, 1),
                "load": round(self.load, 1), "metrics": self.metrics}


def parse(run, text):
    """Take the METRIC and OUTCOME lines of a run's own scenario.

    A metric that is printed several times counts with its median.
    """
    values: dict = {}
    for match in _METRIC.finditer(text):
        if match["scenario"] == run.scenario:
            number = float(match["value"])
            values.setdefault(match["name"], []).append(
                int(number) if number.is_integer() else number)
            run.units[match["name"]] = match["unit"]
    run.metrics = {n: v[0] if len(v) == 1 else statistics.median(v)
                   for n, v in values.items()}
    for match in _OUTCOME.finditer(text):
        if match["scenario"] == run.scenario:
            run.outcome, run.text = match["word"], match["text"].strip()
    return run


def failure(run, outcome):
    """What makes the numbers of a run in a guest worthless, or None."""
    if run.outcome == "broken":
        return run.text
    if run.outcome == "skip":
        return f"skipped: {run.text}"
    wrong = uml.guest_failure(outcome)
    if wrong:
        splats = klog.splats(outcome.kernel_log)
        return f"the guest {wrong}" + \
            (f": {splats[-1].title}" if splats else "")
    if not run.outcome:
        said = [l.strip() for l in outcome.output.splitlines()
                if l.strip() and not l.startswith(("@lab", "METRIC"))]
        return "the scenario did not come to its end" + \
            (f": {said[-1]}" if said else "")
    return None


def take(run, outcome, log):
    """Take what a guest printed, and how it ended."""
    log.with_suffix(".out").write_text(outcome.output, encoding="utf-8")
    run.seconds = outcome.seconds
    parse(run, outcome.output)
    run.error = failure(run, outcome)
    run.reports = [s.title for s in klog.splats(outcome.kernel_log)]
    return run


def in_uml(kernel, program, run, log, limit):
    """Boot a UML guest for the run, which may take so many seconds."""
    outcome = guest.boot(guest.Guest(
        kernel.objects / "linux", "scenario", memory="256M",
        timeout=limit + _BOOT, log=log.with_suffix(".log"),
        variables={"LAB_PROGRAM": program, "LAB_SCENARIO": run.scenario,
                   "LAB_LIMIT": limit}))
    return take(run, outcome, log)


def on_board(board, run, log, limit):
    """Boot the arm64 board for the run, which may take so many seconds."""
    rows = [f"run {limit} {run.scenario} /lab/tests/scenario {run.scenario}"]
    outcome = board.boot(rows, [], log.with_suffix(".log"), limit + _BOOT,
                         memory="1024M")
    return take(run, outcome, log)


def by_program(kernel, run, log):
    """Run bench/NAME on a kernel's object directory."""
    program = paths.REPO / "bench" / run.scenario
    with subprocess.Popen([str(program), str(kernel.objects)],
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True,
                          errors="replace") as process:
        try:
            text, _ = process.communicate()
        except BaseException:
            process.terminate()
            process.wait()
            raise
    log.with_suffix(".out").write_text(text, encoding="utf-8")
    parse(run, text)
    if process.returncode:
        rows = text.strip().splitlines() or ["it printed nothing"]
        run.error = rows[-1].removeprefix("error: ")
    elif not run.metrics:
        raise Fail(f"bench/{run.scenario} ended well and printed no METRIC "
                   f"line; its output is {log.with_suffix('.out')}")
    run.outcome = "broken" if run.error else "good"
    return run
