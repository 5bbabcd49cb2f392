# SPDX-License-Identifier: GPL-2.0
"""Verdicts on the tour, its picture and its page."""

import html.parser
import tempfile
import types
import unittest
import xml.etree.ElementTree as xml
from pathlib import Path
from unittest import mock

from labkit import guest, paths, play, plot, tour
from labkit.guest import Outcome
from labkit.ui import Interrupted


def sample(ms, resident, swap):
    """A line of the sampler, sizes in MiB."""
    sizes = (88, resident, resident, swap, 120 - resident, 20)
    return f"@lab sample {ms} " + " ".join(str(s << 10) for s in sizes) + "\n"


GOOD = (sample(1000, 0, 0) + "@lab scene work two clients\n" +
        sample(1250, 88, 0) + "@lab started a tour 1\n"
        "@lab scene squeeze a program\n" + sample(1500, 88, 0) +
        "@lab started anon hog 0\n"
        "hog: round 0: verified in 286 ms, 0 wrong words\n"
        "@lab client anon 0\n"
        "@lab number squeeze_evicted 5000 pages\n"
        "@lab number squeeze_swap 20 MiB\n" + sample(1750, 10, 80) +
        "@lab scene return they want it back\n" + sample(2000, 10, 80) +
        sample(2250, 88, 5) +
        "tour 1: round 0: worked 1 ms, verified 1 ms, 0 wrong words, 0 ENOMEM\n"
        "tour 1: held, 0 wrong words\n@lab client a 0\n"
        "@lab started b tour 2\ntour 2: held, 0 wrong words\n"
        "@lab client b 0\n"
        "@lab number return_missing 5000 pages\n"
        "@lab number return_back 5000 pages\n"
        "@lab scene contend all want it\n" + sample(2500, 60, 20) +
        "@lab started c tour 3\ntour 3: round 0: 0 wrong words, 0 ENOMEM\n"
        "@lab started d tour 4\ntour 4: round 0: 0 wrong words, 2 ENOMEM\n"
        "@lab client c 0\n@lab client d 0\n@lab client rival 0\n"
        "@lab number contend_swapped_out 9000 pages\n"
        "@lab number contend_evicted 300 pages\n"
        "@lab scene memcg limit\n"
        "@lab started m tour 5\ntour 5: round 0: 0 wrong words, 0 ENOMEM\n"
        "@lab client m 0\n@lab number memcg_swap_peak 9 MiB\n"
        "@lab number memcg_peak 24 MiB\n"
        "@lab scene shrink asked\n@lab number shrink_freed 15 MiB\n"
        "@lab started e tour 6\ntour 6: held, 0 wrong words\n"
        "@lab client e 0\n"
        "@lab scene reclaim out\n@lab number reclaim_freed 16 MiB\n"
        "@lab scene claim back\n@lab number claim_used 16 MiB\n"
        "@lab client f 0\n"
        "@lab scene end at the end\n@lab done 0\n@lab lockdep 1\n")
LOG = "[    0.0] booted\n"


def told_by(output=GOOD, log=LOG, status=0):
    """A tour."""
    return tour.Tour(Outcome(status, 9.0, output, log))


def bad(output=GOOD, log=LOG, status=0):
    """The verdicts that do not hold."""
    return [v.text for v in told_by(output, log, status).verdicts()
            if not v.good]


def without(text, what):
    """A text without the lines that begin with something."""
    return "".join(row + "\n" for row in text.splitlines()
                   if not row.startswith(what))


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
            "tour 1: held, 0 wrong", "tour 1: held, 1 wrong"))

    def test_wrong_word_of_a_program(self):
        self.check_bad("every word", output=GOOD.replace(
            "286 ms, 0 wrong", "286 ms, 7 wrong"))

    def test_client_that_verified_nothing(self):
        self.check_bad("every word", output=without(GOOD, "tour 2: held"))

    def test_client_that_ends_at_once(self):
        """It has said nothing and is gone, and says it was well."""
        found = bad(without(GOOD, ("tour 6", "@lab number shrink")))
        self.assertEqual(len(found), 2)

    def test_client_that_never_ends(self):
        found = bad(without(GOOD, "@lab client e"))
        self.assertEqual(len(found), 2)

    def test_client_that_failed(self):
        found = bad(GOOD.replace("client a 0", "client a 1"))
        self.assertEqual(found, ["all clients did their work",
                                 "the clients got their memory back"])

    def test_status_that_is_none(self):
        self.assertEqual(len(bad(GOOD.replace("client m 0", "client m"))), 2)

    def test_memory_that_stayed(self):
        self.check_bad("gave way", output=GOOD.replace(
            "squeeze_evicted 5000", "squeeze_evicted 500"))

    def test_memory_that_did_not_go_to_swap(self):
        self.check_bad("went to swap", output=GOOD.replace(
            "squeeze_swap 20", "squeeze_swap 3"))

    def test_memory_that_did_not_come_back(self):
        for back in (900, 5000 - 256):
            self.check_bad("got their memory back", output=GOOD.replace(
                "return_back 5000", f"return_back {back}"))
        self.assertEqual(bad(GOOD.replace("return_back 5000",
                                          "return_back 4945")), [])

    def test_nothing_was_out(self):
        """Nothing had to come back: that judges nothing."""
        self.check_bad("got their memory back", output=GOOD.replace(
            "return_missing 5000", "return_missing 0").replace(
            "return_back 5000", "return_back 0"))

    def test_rival_that_failed(self):
        found = bad(GOOD.replace("client rival 0", "client rival 1"))
        self.assertEqual(len(found), 2)

    def test_contention_without_shortage(self):
        self.check_bad("really short", output=GOOD.replace(
            "swapped_out 9000", "swapped_out 90"))

    def test_limit_that_was_not_reached(self):
        self.check_bad("memory.max", output=GOOD.replace(
            "swap_peak 9", "swap_peak 7"))

    def test_limit_that_did_not_hold(self):
        self.check_bad("memory.max", output=GOOD.replace(
            "memcg_peak 24", "memcg_peak 31"))

    def test_shrink_that_did_not_answer(self):
        self.check_bad("debugfs shrink", output=without(
            GOOD, "@lab number shrink_freed"))

    def test_shrink_that_freed_nothing(self):
        self.check_bad("debugfs shrink", output=GOOD.replace(
            "freed 15", "freed 1"))

    def test_reclaim_and_claim(self):
        self.check_bad("mem_reclaim", output=GOOD.replace(
            "reclaim_freed 16", "reclaim_freed 2"))
        self.check_bad("mem_claim", output=GOOD.replace(
            "claim_used 16", "claim_used 2"))

    def test_splat(self):
        self.check_bad("kernel log", log=LOG + "[    1.0] BUG: x\n")

    def test_empty_log(self):
        self.check_bad("kernel log", log="")

    def test_lockdep(self):
        self.check_bad("lockdep", output=GOOD.replace("lockdep 1", "lockdep 0"))

    def test_time_limit(self):
        self.check_bad("powered off", status=None)


class Nothing(unittest.TestCase):
    """What there is nothing to judge by fails, and says so."""

    def test_each_number(self):
        """A number that is missing is missed."""
        for row in GOOD.splitlines():
            if row.startswith("@lab number"):
                told = told_by(without(GOOD, row))
                found = [v for v in told.verdicts() if not v.good]
                self.assertEqual(len(found), 1, row)
                self.assertIn("nothing to judge", found[0].detail)

    def test_number_twice_or_broken(self):
        row = "@lab number shrink_freed 15 MiB\n"
        for text in (row + row, "@lab number shrink_freed MiB\n",
                     "@lab number shrink_freed\n"):
            self.assertEqual(len(bad(GOOD.replace(row, text))), 1, text)

    def test_each_scene(self):
        """A scene that was not played is missed."""
        for name in ("work", "memcg", "shrink", "reclaim", "claim"):
            found = bad(GOOD.replace(f"@lab scene {name} ",
                                     "@lab scene another "))
            self.assertIn(f"the scene '{name}' was played", found)

    def test_samples_judge_nothing(self):
        """Without one, and with wild ones, the verdicts are the same."""
        self.assertEqual(bad(without(GOOD, "@lab sample")), [])
        self.assertEqual(bad(GOOD.replace(sample(1750, 10, 80),
                                          sample(1750, 119, 0))), [])

    def test_empty(self):
        """Every verdict on an empty file is bad but that of the guest's end."""
        verdicts = told_by("", "").verdicts()
        self.assertEqual([v.text for v in verdicts if v.good], [])

    def test_empty_can_be_drawn(self):
        for output in ("", without(GOOD, "@lab sample")):
            with tempfile.TemporaryDirectory() as scratch:
                told_by(output).write(Path(scratch), "nothing")
                xml.parse(Path(scratch) / "memory.svg")

    def test_torn_sample(self):
        told = told_by(GOOD + "@lab sample 12 3@lab\n@lab sample a b c d e f g\n")
        self.assertEqual(sum(len(s.samples) for s in told.scenes), 7)


class Plays(unittest.TestCase):
    """What a play leaves: all of it, or what there was before."""

    def setUp(self):
        scratch = tempfile.TemporaryDirectory(prefix="play-test-")
        self.addCleanup(scratch.cleanup)
        self.build = Path(scratch.name)
        (self.build / "run").mkdir()
        (self.build / "run" / "index.html").write_text("of before",
                                                       encoding="utf-8")

    def play(self, boot):
        """Play with another way to boot."""
        kernel = types.SimpleNamespace(objects=self.build / "obj")
        with mock.patch.object(paths, "BUILD", self.build), \
             mock.patch.object(guest, "tool", Path), \
             mock.patch.object(guest, "boot", boot):
            return play.play(kernel, self.build, self.build / "run")

    def left(self):
        """Everything below the build directory."""
        return sorted(str(p.relative_to(self.build))
                      for p in self.build.rglob("*"))

    def test_to_its_end(self):
        def boot(machine, **_):
            machine.log.write_text(LOG, encoding="utf-8")
            return Outcome(0, 9.0, GOOD, LOG)

        self.assertTrue(all(v.good for v in self.play(boot).verdicts()))
        self.assertEqual(self.left(), ["run"] + [
            f"run/{n}" for n in ("index.html", "kernel.log", "memory.svg",
                                 "output.txt", "samples.csv")])
        self.assertNotIn("of before", (self.build / "run" / "index.html")
                         .read_text(encoding="utf-8"))

    def test_cut_off(self):
        def boot(machine, **_):
            machine.log.write_text(LOG, encoding="utf-8")
            raise failure

        for failure in (Interrupted(2), OSError(28, "No space left on device")):
            with self.subTest(failure=failure):
                with self.assertRaises(type(failure)):
                    self.play(boot)
                self.assertEqual(self.left(), ["run", "run/index.html"])
                self.assertEqual((self.build / "run" / "index.html").read_text(
                    encoding="utf-8"), "of before")


class _Page(html.parser.HTMLParser):
    """What a page refers to, and whether its elements are closed."""

    def __init__(self, text):
        super().__init__()
        self.open, self.links = [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        if tag not in ("meta", "br", "link"):
            self.open.append(tag)
        self.links += [v for k, v in attrs if k in ("href", "src")]

    def handle_startendtag(self, tag, attrs):
        self.links += [v for k, v in attrs if k in ("href", "src")]

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            raise AssertionError(f"</{tag}> closes nothing")


class Report(unittest.TestCase):
    """Table, picture and page."""

    def test_files(self):
        told = told_by()
        with tempfile.TemporaryDirectory() as scratch:
            told.write(Path(scratch), "a <title>")
            picture = (Path(scratch) / "memory.svg").read_text("utf-8")
            rows = (Path(scratch) / "samples.csv").read_text("ascii")
            text = (Path(scratch) / "index.html").read_text("utf-8")
        root = xml.fromstring(picture)
        lines = root.findall("{http://www.w3.org/2000/svg}polyline")
        self.assertEqual(len(lines), 5)
        self.assertIn("squeeze", picture)
        self.assertEqual(rows.splitlines()[1],
                         "start,0.000,90112,0,0,0,122880,20480")
        self.assertEqual(len(rows.splitlines()), 8)
        self.assertIn("squeeze", told.table())
        page = _Page(text)
        self.assertEqual(page.open, [])
        self.assertEqual(set(page.links), {
            "data:,", "memory.svg", "samples.csv", "output.txt", "kernel.log"})
        self.assertNotIn("<script", text)
        self.assertNotIn("<title>a <", text)
        self.assertIn("the driver counted", text)

    def test_labels_do_not_overlap(self):
        spans = [(0, 40), (10, 40), (20, 40), (300, 90), (310, 60), (700, 80)]
        placed = plot.rows(spans, 740)
        boxes = [(x, x + width, row) for (x, row), (_, width)
                 in zip(placed, spans, strict=True)]
        for n, (left, right, row) in enumerate(boxes):
            self.assertLessEqual(right, 740)
            for other in boxes[:n]:
                self.assertFalse(row == other[2] and left < other[1] and
                                 other[0] < right)
