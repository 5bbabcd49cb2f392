# SPDX-License-Identifier: GPL-2.0
"""Lanes that run at the same time."""

import contextlib
import io
import os
import subprocess
import tempfile
import unittest
from pathlib import Path
from unittest import mock

from labkit import ktap, lanes, lanetable, paths, ui

# Waits until the other lane is there too, which it never is if they take turns.
MEETS = """#!/bin/sh
: >{here}
n=0
while [ ! -e {there} ]; do
    sleep 0.05
    n=$((n + 1))
    [ $n -lt 200 ] || exit 1
done
echo said by {name}
printf 'TAP version 13\\n1..1\\nok 1 met\\n' >{tap}
"""
DIES = "#!/bin/sh\nexit 3\n"
HANGS = "#!/bin/sh\necho $$ >{pid}\nexec sleep 60\n"


class Case(unittest.TestCase):
    """A repository with lanes that are shell scripts."""

    def setUp(self):
        scratch = tempfile.TemporaryDirectory(prefix="lanes-test-")
        self.addCleanup(scratch.cleanup)
        self.root = Path(scratch.name)
        for name, value in (("REPO", self.root), ("TEST", self.root)):
            patch = mock.patch.object(paths, name, value)
            patch.start()
            self.addCleanup(patch.stop)
        (self.root / "scripts").mkdir()
        program = self.root / "scripts/lane"
        program.write_text("#!/bin/sh\nexec \"${0%/*}/run-$1\"\n", encoding="ascii")
        program.chmod(0o755)

    def lane(self, name, text, **values):
        """Write a lane."""
        path = self.root / "scripts" / f"run-{name}"
        path.write_text(text.format(name=name, tap=self.root / f"{name}.tap",
                                    **values), encoding="ascii")
        path.chmod(0o755)

    def run_lanes(self, names, at_once, **shares):
        """(lanes by name, what was said)"""
        with contextlib.redirect_stdout(io.StringIO()) as out:
            done = lanes.several(names, at_once, shares)
        return {r.name: r for r in done}, out.getvalue()

    def test_they_meet(self):
        """Two run at once, and each speaks in one piece."""
        one, two = self.root / "one", self.root / "two"
        self.lane("a", MEETS, here=one, there=two)
        self.lane("b", MEETS, here=two, there=one)
        done, said = self.run_lanes(["a", "b"], 2)
        for name in ("a", "b"):
            self.assertEqual(done[name].process.returncode, 0)
            self.assertEqual([r.status for r in done[name].results()],
                             [ktap.PASS])
            self.assertIn(f"=== lane {name}\nsaid by {name}\n", said)

    def test_wide_ones_run_when_there_is_room(self):
        """A lane of two processors lets one of one go first, then runs alone."""
        fits = lanes.fitting
        self.assertEqual(fits(["wide", "b"], [], 2, {"wide": 2}), "wide")
        self.assertEqual(fits(["wide", "b"], ["a"], 2, {"wide": 2}), "b")
        self.assertIsNone(fits(["a", "b"], ["wide"], 2, {"wide": 2}))
        self.assertEqual(fits(["a", "b"], ["wide"], 3, {"wide": 2}), "a")
        self.assertEqual(fits(["wide"], [], 1, {"wide": 2}), "wide")
        self.assertIsNone(fits([], [], 2, {}))

    def test_two_wide_ones_take_turns(self):
        """They would meet otherwise."""
        one, two = self.root / "one", self.root / "two"
        self.lane("a", "#!/bin/sh\n[ ! -e {there} ] || exit 1\n"
                  ": >{here}; sleep 0.3; rm {here}\n", here=one, there=two)
        self.lane("b", "#!/bin/sh\n[ ! -e {there} ] || exit 1\n"
                  ": >{here}; sleep 0.3; rm {here}\n", here=two, there=one)
        done, _ = self.run_lanes(["a", "b"], 2, a=2, b=2)
        for name in ("a", "b"):
            self.assertEqual(done[name].process.returncode, 0)

    def test_one_that_dies(self):
        """It fails, and another that waits for its turn runs all the same."""
        there = self.root / "there"
        there.touch()
        self.lane("a", DIES)
        self.lane("b", MEETS, here=self.root / "here", there=there)
        done, _ = self.run_lanes(["a", "b"], 1)
        self.assertIn(ktap.FAIL, [r.status for r in done["a"].results()])
        self.assertEqual(done["b"].process.returncode, 0)

    def test_nothing_runs_on_after_an_interrupt(self):
        """What ends the command ends its lanes."""
        pid = self.root / "pid"
        self.lane("a", HANGS, pid=pid)
        real = lanes.time.sleep

        def sleep(seconds):
            if pid.exists() and pid.read_text(encoding="ascii").strip():
                raise KeyboardInterrupt
            real(seconds)

        with mock.patch.object(lanes.time, "sleep", sleep), \
                self.assertRaises(KeyboardInterrupt):
            self.run_lanes(["a"], 2)
        with self.assertRaises(ProcessLookupError):
            os.kill(int(pid.read_text(encoding="ascii")), 0)


class Table(unittest.TestCase):
    """base/lanes.toml."""

    ROW = '[new]\nsays = "it"\nrunner = "uml"\nfragments = ["uml"]\n' \
          'memory = "64M"\ntimeout = 9\n'

    def test_a_lane_is_one_row(self):
        """With it, there is one more lane that runs what it says."""
        row = lanetable.rows(self.ROW)["new"]
        with mock.patch.object(lanetable.uml, "Tests") as tests:
            row.run()
        tests.assert_called_once_with("new", ["uml"], "64M", 9, 100, None)

    def test_mistakes(self):
        """They are told, and nothing is run."""
        for text in (self.ROW.replace("uml\"\nfr", "none\"\nfr"),
                     self.ROW.replace('["uml"]', '["none"]'),
                     self.ROW.replace("timeout", "time"),
                     self.ROW.replace("[new]", "['../new']"), "[new\n"):
            with self.assertRaises(ui.Fail):
                lanetable.rows(text)

    def test_gating(self):
        """Those that are on request do not gate; make reads the same."""
        every, gating = lanetable.rows(), lanetable.gating()
        self.assertLessEqual({"static", "uml", "arm64", "x86_64"}, set(gating))
        self.assertEqual({"uml-soak", "packages"} & set(gating), set())
        made = subprocess.run(
            ["make", "-s", "-C", paths.REPO, "-f", "Makefile", "--eval",
             "lanes:;@echo $(LANES); echo $(ALL_LANES)", "lanes"],
            capture_output=True, text=True, check=True).stdout.splitlines()
        self.assertEqual([" ".join(gating), " ".join(every)], made)

    def test_all_processors(self):
        """It stands for all lanes that run at once."""
        row = lanetable.rows(self.ROW + 'processors = "all"\n')["new"]
        self.assertEqual(4, row.share(4))

    def test_readme(self):
        """README.md has the table as scripts/lane --readme makes it."""
        text = (paths.REPO / "README.md").read_text(encoding="utf-8")
        self.assertEqual(lanetable.readme(text, lanetable.rows()), text)


class Command(unittest.TestCase):
    """scripts/test refuses what it cannot do."""

    def refuses(self, *arguments):
        """What it says."""
        done = subprocess.run([paths.REPO / "scripts/test", *arguments],
                              capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 1)
        return done.stderr

    def test_unknown_lane(self):
        """The lanes there are, are named."""
        self.assertIn("uml-kasan", self.refuses("nosuch"))

    def test_no_lane_at_once(self):
        """At least one has to run."""
        self.assertIn("--jobs 1", self.refuses("--jobs", "0"))


if __name__ == "__main__":
    unittest.main()
