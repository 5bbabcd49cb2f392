# SPDX-License-Identifier: GPL-2.0
"""Verdicts on the tour, and its picture."""

import tempfile
import unittest
import xml.etree.ElementTree as xml
from pathlib import Path

from labkit import tour
from labkit.guest import Outcome


def sample(ms, resident, swap):
    """A line of the sampler, sizes in MiB."""
    sizes = (88, resident, resident, swap, 120 - resident, 20)
    return f"@lab sample {ms} " + " ".join(str(s << 10) for s in sizes) + "\n"


GOOD = (sample(1000, 0, 0) + "@lab scene work two clients\n" +
        sample(1250, 88, 0) +
        "@lab scene squeeze a program\n" + sample(1500, 88, 0) +
        sample(1750, 10, 80) +
        "@lab scene return they want it back\n" + sample(2000, 10, 80) +
        sample(2250, 88, 5) +
        "tour 1: round 0: worked 1 ms, verified 1 ms, 0 wrong words, 0 ENOMEM\n"
        "tour 1: held, 0 wrong words\n@lab client a 0\n"
        "@lab scene contend all want it\n" + sample(2500, 60, 20) +
        "@lab client c 0\n@lab client d 0\n@lab client rival 0\n"
        "@lab scene shrink asked\n@lab number shrink_freed 0 MiB\n"
        "@lab client e 0\n"
        "@lab scene end at the end\n@lab done 0\n@lab lockdep 1\n")
LOG = "[    0.0] booted\n"


def bad(output=GOOD, log=LOG, status=0):
    """The verdicts that do not hold."""
    told = tour.Tour(Outcome(status, 9.0, output, log))
    return [v.text for v in told.verdicts() if not v.good]


class Verdicts(unittest.TestCase):
    """Every verdict can be bad."""

    def test_good(self):
        self.assertEqual(bad(), [])

    def check_bad(self, words, **kwargs):
        """Exactly one verdict is bad."""
        found = bad(**kwargs)
        self.assertEqual(len(found), 1, found)
        self.assertIn(words, found[0])

    def test_wrong_word(self):
        self.check_bad("every word", output=GOOD.replace(
            "held, 0 wrong", "held, 1 wrong"))

    def test_client_that_verified_nothing(self):
        self.check_bad("every word", output=GOOD + "tour 2: 40 MiB\n")

    def test_client_that_failed(self):
        self.check_bad("clients did their work", output=GOOD.replace(
            "client a 0", "client a 1"))

    def test_memory_that_stayed(self):
        found = bad(GOOD.replace(sample(1750, 10, 80), sample(1750, 80, 3)))
        self.assertEqual(len(found), 2)

    def test_memory_that_did_not_come_back(self):
        self.check_bad("got their memory back", output=GOOD.replace(
            sample(2250, 88, 5), sample(2250, 12, 5)))

    def test_rival_that_failed(self):
        found = bad(GOOD.replace("client rival 0", "client rival 1"))
        self.assertEqual(len(found), 2)

    def test_contention_without_shortage(self):
        self.check_bad("really short", output=GOOD.replace(
            sample(2500, 60, 20), sample(2500, 60, 0)))

    def test_shrink_that_did_not_answer(self):
        self.check_bad("debugfs shrink", output=GOOD.replace(
            "@lab number shrink_freed 0 MiB\n", ""))

    def test_shrink_of_the_engine_must_free(self):
        must = "@lab number shrink_must_free 12 MiB\n@lab client e 0\n"
        output = GOOD.replace("@lab client e 0\n", must)
        self.check_bad("freed memory before it returned", output=output)
        self.assertEqual(bad(output.replace("freed 0", "freed 15")), [])

    def test_splat(self):
        self.check_bad("kernel log", log=LOG + "[    1.0] BUG: x\n")

    def test_lockdep(self):
        self.check_bad("lockdep", output=GOOD.replace("lockdep 1", "lockdep 0"))

    def test_time_limit(self):
        self.check_bad("powered off", status=None)

    def test_nothing_at_all(self):
        self.assertGreater(len(bad("")), 2)


class Report(unittest.TestCase):
    """Table and picture."""

    def test_files(self):
        told = tour.Tour(Outcome(0, 9.0, GOOD, LOG))
        with tempfile.TemporaryDirectory() as scratch:
            told.write(Path(scratch), "a <title>")
            picture = (Path(scratch) / "memory.svg").read_text("utf-8")
            rows = (Path(scratch) / "samples.csv").read_text("ascii")
        root = xml.fromstring(picture)
        lines = root.findall("{http://www.w3.org/2000/svg}polyline")
        self.assertEqual(len(lines), 5)
        self.assertIn("squeeze", picture)
        self.assertEqual(rows.splitlines()[1],
                         "start,0.000,90112,0,0,0,122880,20480")
        self.assertEqual(len(rows.splitlines()), 8)
        self.assertIn("squeeze", told.table())
