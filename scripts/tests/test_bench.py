# SPDX-License-Identifier: GPL-2.0
"""The benchmark: table, goals, lines of the scenarios, report, page."""

import tempfile
import unittest
import xml.etree.ElementTree as ElementTree
from pathlib import Path

from labkit import guest, paths
from labkit.bench import page, report, runs, table
from labkit.ui import Fail

TABLE = """
[[scenario]]
name = "s"
title = "a <scenario>"
runner = "uml"
[[scenario.metric]]
name = "share"
title = "share & more"
unit = "percent"
better = "higher"
goal = "series.min >= 95"
[[scenario.metric]]
name = "time"
title = "time"
unit = "ms"
better = "lower"
goal = "ratio.median >= 10 and series.max < 100"
good = true
"""


def run(side, number, **more):
    """A run with both metrics."""
    made = runs.Run("s", side, number, {"share": 1 if side == "mainline"
                                        else 96 + number,
                                        "time": 1000 if side == "mainline"
                                        else 10 * number},
                    {"share": "percent", "time": "ms"}, "good", "fine")
    for name, value in more.items():
        setattr(made, name, value)
    return made


def whole(scenarios, made):
    """A report as scripts/bench makes it."""
    return {"base": "7.3.4", "origin": "here", "date": "today", "repeat": 2,
            "seed": "fixed", "mainline": {"tree": "1" * 40},
            "series": {"tree": "2" * 40},
            "host": {"machine": "UML", "cpus": 2, "cpu": "a", "kernel": "b",
                     "memory_mib": 3, "compiler": "c", "load": 1.5},
            "scenarios": report.entries(scenarios, made),
            "runs": [r.facts() for rs in made.values() for r in rs]}


class Table(unittest.TestCase):
    """bench/scenarios.toml."""

    def test_the_real_one(self):
        """It is understood, and names what the issues name."""
        text = (paths.REPO / "bench" / "scenarios.toml").read_text(
            encoding="utf-8")
        names = [s.name for s in table.parse(text)]
        self.assertIn("really-free", names)
        self.assertTrue(all(s.limit >= table.LIMIT for s in table.parse(text)))
        self.assertEqual(len(names), len(set(names)))

    def test_slips(self):
        """Each is an error that names the place."""
        for old, new in (("better = \"higher\"", "better = \"more\""),
                         ("goal = \"series.min >= 95\"", "goal = \"95\""),
                         ("unit = \"ms\"", "units = \"ms\""),
                         ("runner = \"uml\"", "runner = \"qemu\""),
                         ("[[scenario]]", "[scenario")):
            with self.assertRaisesRegex(Fail, "scenarios.toml|goal", msg=new):
                table.parse(TABLE.replace(old, new, 1))
        with self.assertRaises(Fail):
            table.parse("")

    def test_what_mainline_lacks(self):
        """A reason in the table; without one it is played there, too."""
        made = table.parse(TABLE.replace(
            'runner = "uml"', 'runner = "arm64"\nmainline = "lacks it"\n'
            'limit = 900'))[0]
        self.assertEqual(("arm64", "lacks it", 900),
                         (made.runner, made.mainline, made.limit))
        self.assertEqual("", table.parse(TABLE)[0].mainline)

    def test_goals(self):
        """Conditions on values; what is missing fulfils nothing."""
        goal = table.Goal("series.min >= 95")
        self.assertTrue(goal.met({"series": [95, 99]}))
        self.assertFalse(goal.met({"series": [94.9, 99]}))
        self.assertFalse(goal.met({"series": None}))
        self.assertEqual(95, goal.line())
        both = table.Goal("ratio.median >= 2 and series.max <= 0")
        self.assertTrue(both.met({"series": [0], "ratio": [1, 2, 3]}))
        self.assertFalse(both.met({"series": [1], "ratio": [1, 2, 3]}))
        self.assertFalse(both.met({"series": [0], "ratio": None}))


class Lines(unittest.TestCase):
    """What a scenario prints."""

    def test_parse(self):
        """Numbers, units, outcome; those of others are not taken."""
        made = runs.parse(runs.Run("s", "series", 1),
                          "METRIC s a ms 12\r\nMETRIC s b ns/2MiB 1.500\n"
                          "METRIC other a ms 99\nOUTCOME other broken x\n"
                          "[ 1.0] METRIC s c pages -3\n"
                          "OUTCOME s short only 3 %\n")
        self.assertEqual({"a": 12, "b": 1.5, "c": -3}, made.metrics)
        self.assertEqual("ns/2MiB", made.units["b"])
        self.assertEqual(("short", "only 3 %"), (made.outcome, made.text))

    def test_several_rounds(self):
        """Their median counts."""
        made = runs.parse(runs.Run("s", "series", 1),
                          "METRIC s a ms 1\nMETRIC s a ms 9\nMETRIC s a ms 2\n")
        self.assertEqual({"a": 2}, made.metrics)

    def test_failures(self):
        """What makes a run worthless."""
        good = guest.Outcome(0, 1, "@lab done 0\n", "")
        made = runs.Run("s", "series", 1, outcome="short", text="t")
        self.assertIsNone(runs.failure(made, good))
        made.outcome = "broken"
        self.assertEqual("t", runs.failure(made, good))
        made.outcome = ""
        self.assertIn("did not come", runs.failure(made, good))
        crash = guest.Outcome(134, 1, "", "Kernel panic - not syncing: x\n")
        self.assertIn("Kernel panic", runs.failure(made, crash))


class Board(unittest.TestCase):
    """A run on the emulated board."""

    class Board:
        """A board whose guest prints this."""

        def __init__(self, output):
            self.output = output
            self.rows = None

        def boot(self, rows, _programs, _log, timeout, **_more):
            """As arm64.Board.boot()."""
            self.rows = rows
            return guest.Outcome(0, timeout, self.output, "")

    def played(self, output):
        """The run of scenario s on such a board, and the board."""
        board = self.Board(output)
        with tempfile.TemporaryDirectory() as name:
            made = runs.on_board(board, runs.Run("s", "series", 1),
                                 Path(name) / "s-series-1", 60)
        return made, board

    def test_numbers(self):
        """Taken from what the guest printed."""
        made, board = self.played("METRIC s as_fast percent 170\n"
                                  "OUTCOME s good fine\n@lab done 0\n")
        self.assertEqual({"as_fast": 170}, made.metrics)
        self.assertIsNone(made.error)
        self.assertEqual(["run 60 s /lab/tests/scenario s"], board.rows)

    def test_failures(self):
        """Words of the guest's, and of the scenario's."""
        self.assertEqual("the guest no module x", self.played(
            "@lab error no module x\n")[0].error)
        self.assertEqual("skipped: one CPU", self.played(
            "OUTCOME s skip one CPU\n@lab done 0\n")[0].error)


class Report(unittest.TestCase):
    """report.json and what is made of it."""

    def setUp(self):
        self.scenarios = table.parse(TABLE)
        self.runs = {("s", side): [run(side, 1), run(side, 2)]
                     for side in report.SIDES}

    def entries(self):
        """The entries of the report."""
        return report.entries(self.scenarios, self.runs)

    def test_ratios(self):
        """Repetition by repetition, the way in which it is better."""
        share, time = self.entries()
        self.assertEqual({"median": 97.5, "min": 97, "max": 98},
                         share["ratio"])
        self.assertEqual({"median": 75, "min": 50, "max": 100},
                         time["ratio"])
        self.assertTrue(share["met"])
        self.assertTrue(time["met"])

    def test_zero_has_no_ratio(self):
        """Neither infinitely good nor an error."""
        self.assertIsNone(report.ratios([0, 1], [1, 1], "higher"))
        self.assertIsNone(report.ratios([1], [0], "lower"))
        self.assertIsNone(report.ratios(None, [1], "lower"))
        self.assertEqual([0.5], report.ratios([1], [2], "lower"))

    def test_an_error_on_mainline(self):
        """null and the reason; the series is judged all the same."""
        self.runs["s", "mainline"][1].error = "the guest crashed"
        share, time = self.entries()
        self.assertIsNone(share["mainline"])
        self.assertEqual("1 of 2 runs: the guest crashed",
                         share["mainline_error"])
        self.assertTrue(share["met"])
        self.assertIsNone(share["ratio"])
        self.assertFalse(time["met"])

    def test_a_number_that_needs_success(self):
        """A scenario that gave up early took no time."""
        self.runs["s", "mainline"][0].outcome = "short"
        self.runs["s", "mainline"][0].text = "ENOMEM"
        share, time = self.entries()
        self.assertEqual([1, 1], share["mainline"])
        self.assertIsNone(time["mainline"])
        self.assertEqual("ENOMEM", time["mainline_error"])

    def test_a_metric_that_is_not_printed(self):
        """It is no 0."""
        del self.runs["s", "series"][0].metrics["time"]
        self.assertIn("printed no 'time'", self.entries()[1]["series_error"])
        self.assertFalse(self.entries()[1]["met"])

    def test_a_unit_that_differs(self):
        """Numbers in other units are not compared."""
        self.runs["s", "series"][0].units["time"] = "us"
        with self.assertRaisesRegex(Fail, "prints time in"):
            self.entries()

    def test_readme(self):
        """Between the marks and nowhere else, as often as one likes."""
        made = whole(self.scenarios, self.runs)
        text = f"before\n{report.BEGIN}\nold\n{report.END}\nafter\n"
        once = report.put(text, report.markdown(made))
        self.assertTrue(once.startswith("before\n"))
        self.assertTrue(once.endswith("after\n"))
        self.assertNotIn("old", once)
        self.assertIn("| s | share [percent] | 1 | 97.5 (97..98) |", once)
        self.assertEqual(once, report.put(once, report.markdown(made)))
        with self.assertRaises(Fail):
            report.put("no marks", "x")

    def test_terminal(self):
        """A row each, and the errors below."""
        self.runs["s", "mainline"][0].error = "it broke"
        text = report.terminal(whole(self.scenarios, self.runs))
        self.assertIn("s on mainline: 1 of 2 runs: it broke", text)
        self.assertEqual(1, text.count("it broke"))

    def test_page(self):
        """Well-formed pictures, nothing from elsewhere, everything escaped."""
        self.runs["s", "mainline"][0].error = "a <bad> thing"
        self.runs["s", "mainline"][1].reports = ["WARNING: <here>"]
        made = whole(self.scenarios, self.runs)
        text = page.html(made)
        self.assertNotIn("<bad>", text)
        self.assertIn("WARNING: &lt;here&gt;", text)
        self.assertNotIn("a <scenario>", text)
        outside = text.replace("http://www.w3.org/2000/svg", "")
        for word in ("http:", "https:", "src=", "href=", "url("):
            self.assertNotIn(word, outside)
        for entry in made["scenarios"]:
            ElementTree.fromstring(page.plot(entry))

    def test_scale(self):
        """Logarithmic only when it has to be; all places are inside."""
        self.assertFalse(page.Scale([1, 20]).log)
        wide = page.Scale([1, 40000, 0])
        self.assertTrue(wide.log)
        self.assertLess(wide.x(1), wide.x(100))
        self.assertLessEqual(wide.x(0), wide.x(1))
        for scale in (wide, page.Scale([]), page.Scale([0, 0])):
            self.assertTrue(scale.ticks())
            for tick in scale.ticks():
                self.assertTrue(0 <= scale.x(tick) <= 760)


if __name__ == "__main__":
    unittest.main()
