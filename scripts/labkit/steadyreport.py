# SPDX-License-Identifier: GPL-2.0
"""What many runs of lanes gave: for each test how often it failed."""

import json
import os
import shutil

from . import ktap, paths

DIRECTORY = paths.BUILD / "steady"
FILE = DIRECTORY / "report.json"


class Report:
    """Runs, and the tests that failed in them.

    It is written also if the runs are interrupted: of those that ended.
    """

    def __init__(self, lanes, times):
        self.lanes = lanes
        self.times = times
        self.runs = []
        shutil.rmtree(DIRECTORY, ignore_errors=True)
        DIRECTORY.mkdir(parents=True)

    def add(self, lane, loops, status, results):
        """A run has ended."""
        numbers = ktap.count(results)
        failed = [{"test": r.name, "said": r.reason, "output": r.output[:20]}
                  for r in results if r.status == ktap.FAIL]
        if status and not failed:
            failed = [{"test": "lane", "output": [],
                       "said": f"it ended with exit status {status}"}]
        self.runs.append({
            "lane": lane, "busy_loops": loops, "status": status,
            "passed": numbers[ktap.PASS], "skipped": numbers[ktap.SKIP],
            "failed": failed})

    def last(self):
        """A line on the run that ended last."""
        run = self.runs[-1]
        return (f"    {run['passed']} passed, {len(run['failed'])} failed" +
                "".join(f"\n    FAILED {f['test']}: {f['said']}"
                        for f in run["failed"]))

    def failures(self):
        """[{lane, test, quiet, busy, said}]: how often a test failed."""
        found: dict[tuple, dict] = {}
        for run in self.runs:
            for failed in run["failed"]:
                row = found.setdefault((run["lane"], failed["test"]), {
                    "lane": run["lane"], "test": failed["test"], "quiet": 0,
                    "busy": 0, "said": []})
                row["busy" if run["busy_loops"] else "quiet"] += 1
                if failed["said"] not in row["said"]:
                    row["said"].append(failed["said"])
        return sorted(found.values(),
                      key=lambda row: -row["quiet"] - row["busy"])

    def _ran(self, lane, busy):
        return [r for r in self.runs
                if r["lane"] == lane and bool(r["busy_loops"]) == busy]

    def table(self):
        """Lanes, then the tests that failed."""
        rows = [f"{'lane':16} {'quiet':>14} {'beside loops':>14}"]
        for lane in self.lanes:
            cells = []
            for busy in (False, True):
                runs = self._ran(lane, busy)
                bad = sum(bool(r["failed"]) for r in runs)
                cells.append(f"{bad} of {len(runs)} failed")
            rows.append(f"{lane:16} {cells[0]:>14} {cells[1]:>14}")
        for row in self.failures():
            rows.append(f"  {row['lane']}: {row['test']}: failed "
                        f"{row['quiet']} times, and {row['busy']} beside loops")
            rows += [f"    | {said}" for said in row["said"][:5]]
        return "\n".join(rows)

    def write(self):
        """build/steady/report.json"""
        DIRECTORY.mkdir(parents=True, exist_ok=True)
        text = json.dumps({
            "lanes": self.lanes, "wanted": self.times,
            "processors": os.cpu_count(), "runs": self.runs,
            "failures": self.failures()}, indent=1)
        half = FILE.with_suffix(".new")
        half.write_text(text + "\n", encoding="utf-8")
        half.replace(FILE)
