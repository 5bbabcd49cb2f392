# SPDX-License-Identifier: GPL-2.0
"""Tests of the lane mutants: how a fault finds its place."""

import tempfile
import unittest
from pathlib import Path

from fixture import write
from labkit import mutants
from labkit.ui import Fail

SOURCE = """\
#define NAME(x)	\\
	take(x)

static int take(int x);

/* take() is called. */
static int other(void)
{
	return take(1);
}

static int
take(int x)
{
	if (x) {
		lock(&x);
		return 1;
	}
	lock(&x);
	return 0;
}
"""


def facts(**more):
    """A table of a mutant."""
    return {"says": "why", "function": "take", "find": "return 1;",
            "put": "return 2;", "tests": ["a_test"], **more}


class Places(unittest.TestCase):
    """mutants.apply() on a directory."""

    def setUp(self):
        # pylint: disable-next=consider-using-with
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.root = Path(scratch.name)
        write(self.root, {f"drivers/gpu/drm/panthor/{n}.c": t for n, t in (
            ("a", SOURCE), ("b", "static int x;\n"),
            ("tests/c", SOURCE), ("model/d", SOURCE))})

    def apply(self, **more):
        """What is changed in which file."""
        changed = mutants.apply(self.root, mutants.parse("O01", facts(**more)))
        return {p.name: text for p, (_, text) in changed.items()}

    def test_definition_is_found_not_a_call_or_declaration(self):
        """Neither a declaration nor a call is a function's body."""
        begin, end = mutants.body(SOURCE, "take")
        self.assertEqual("take(int x)", SOURCE[begin:].splitlines()[0])
        self.assertEqual("}\n", SOURCE[end - 1:])
        self.assertIsNone(mutants.body(SOURCE, "lock"))

    def test_change_is_made_in_the_driver_only(self):
        """What stands in tests and in the GPU model is not the driver's."""
        text = self.apply()
        self.assertEqual(["a.c"], list(text))
        self.assertEqual(SOURCE.replace("return 1;", "return 2;"), text["a.c"])

    def test_white_space_does_not_matter(self):
        """Where lines are broken is not part of the place."""
        text = self.apply(find="if(x){lock( &x );", put="{")
        self.assertNotIn("if (x)", text["a.c"])

    def test_words_are_whole(self):
        """'turn 1' is not in 'return 1'."""
        with self.assertRaisesRegex(Fail, "0 places"):
            self.apply(find="turn 1;")

    def test_place_that_is_gone_or_ambiguous_fails(self):
        """A mutant that would do nothing, or anything, is an error."""
        with self.assertRaisesRegex(Fail, "O01.*take there are 0 places"):
            self.apply(find="return 3;")
        with self.assertRaisesRegex(Fail, "2 places"):
            self.apply(find="lock(&x);")
        with self.assertRaisesRegex(Fail, "0 places"):
            self.apply(function="absent")

    def test_several_edits_add_up(self):
        """Edits of a mutant are made one on the other."""
        text = self.apply(edits=[{}, {"find": "return 0;", "put": "return 3;"}])
        self.assertIn("return 2;", text["a.c"])
        self.assertIn("return 3;", text["a.c"])


class Tables(unittest.TestCase):
    """mutants.parse() and mutants.read()."""

    def test_mistakes_are_told(self):
        """A key that is not known, and a mutant that nothing could notice."""
        with self.assertRaisesRegex(Fail, "unknown key 'test'"):
            mutants.parse("U01", facts(test=1))
        with self.assertRaisesRegex(Fail, "no test is named"):
            mutants.parse("U01", facts(tests=[]))
        with self.assertRaisesRegex(Fail, "names are U or O"):
            mutants.parse("X01", facts())

    def test_all_tables_are_right(self):
        """Those of the repository can be read, and have names of their own."""
        found = [m.name for m in mutants.read()]
        self.assertEqual(len(found), len(set(found)))
        self.assertTrue(all(n.startswith("U") for n in
                            [m.name for m in mutants.read("U*")]))
        with self.assertRaisesRegex(Fail, "no mutant matches"):
            mutants.read("nothing")


if __name__ == "__main__":
    unittest.main()
