# SPDX-License-Identifier: GPL-2.0
"""What the checks read out of other programs' output."""

import io
import tempfile
import unittest
from pathlib import Path
from types import SimpleNamespace

from labkit import part
from labkit.checks import (cocci, context, docs, findings, fragments, lengths,
                           mailing, maintainers, messages, names, objects,
                           patches, sparse)
from labkit.checks.findings import Finding

from .fixture import Case, write


class Findings(unittest.TestCase):
    """Complaints, and which of them are new."""

    def test_compiler(self):
        """gcc's and sparse's lines, seen from an object directory."""
        found = findings.compiler(
            "../drivers/a/b.c: In function 'f':\n"
            "../drivers/a/b.c:12:3: warning: unused 'x' [-Wunused]\n"
            "../include/c.h:4:1: error: no\n"
            "   12 |  int x;\n"
            "../drivers/a/b.c:9: warning: old style\n")
        self.assertEqual([
            Finding("drivers/a/b.c", "warning: unused 'x' [-Wunused]"),
            Finding("include/c.h", "error: no"),
            Finding("drivers/a/b.c", "warning: old style")], found)
        self.assertEqual([12, 4, 9], [f.line for f in found])

    def test_new_ones_are_counted(self):
        """The same complaint twice is new when the base has it once."""
        one, two = Finding("a", "w", 1), Finding("a", "w", 7)
        self.assertEqual([two], findings.new([one, two], [Finding("a", "w")]))
        self.assertEqual([], findings.new([one], [two]))
        self.assertEqual([one], findings.new([one], [Finding("b", "w")]))

    def test_once(self):
        """What a header says to two files counts once, two lines twice."""
        one, two = Finding("a.h", "w", 1), Finding("a.h", "w", 2)
        self.assertEqual([one, two], findings.once([one, one, two]))
        self.assertEqual(2, len(findings.once([one, one, two])))

    def test_kernel_doc(self):
        """The lines that kernel-doc prints."""
        found = findings.kernel_doc(
            "Info: a/b.c:3 Scanning doc for function f\n"
            "Warning: a/b.c:5 function parameter 'x' not described in 'f'\n")
        self.assertEqual([Finding(
            "a/b.c", "warning: function parameter 'x' not described in 'f'")],
            found)


class Mailing(unittest.TestCase):
    """Mails that are too long to be read."""

    def test_long(self):
        """One that is not exempt, and an exemption for one that is short."""
        most = mailing.MOST_BYTES
        self.assertEqual([], mailing.too_long({"a": most, "b": most + 1}, ["b"]))
        self.assertEqual(1, len(mailing.too_long({"a": most + 1}, [])))
        self.assertEqual(1, len(mailing.too_long({"a": most}, ["a"])))
        self.assertEqual(1, len(mailing.too_long({}, ["gone"])))


class Messages(unittest.TestCase):
    """Subjects, and Fixes:."""

    GOOD = 'drm/x: a\n\nText.\n\nFixes: 0123456789ab ("drm/x: b")\nCc: s@k\n'

    def test_subjects(self):
        """Prefix, files, case, full stop."""
        gem, shmem = ["drivers/gpu/drm/panthor/panthor_gem.c"], ["mm/shmem.c"]
        for text, touched in (
                ("drm/panthor: Add it", gem), ("mm/shmem: add it", shmem),
                ("drm/panthor: model: Add it", gem), ("mm/shmem: KUnit", shmem),
                ("drm/ttm: ttm_x() does", ["drivers/gpu/drm/ttm/ttm_tt.c"])):
            self.assertIsNone(messages.subject(text, touched), text)
        for text, touched in (
                ("drm/panthor: add it", gem), ("mm/shmem: Add it", shmem),
                ("drm/panthor: model: add it", gem), ("panthor: Add it", gem),
                ("mm: shmem: add it", shmem), ("drm/panthor: Add it.", gem),
                ("drm/panthor: Add it", shmem)):
            self.assertTrue(messages.subject(text, touched), text)

    def test_fixes(self):
        """One that is missing, one that is certain after all, and no form."""
        self.assertEqual([], messages.fixes({"a": self.GOOD}, []))
        self.assertEqual([], messages.fixes({"a": "drm/x: a\n\nText.\n"}, ["a"]))
        for text, uncertain in (
                ("drm/x: a\n\nText.\n", []), (self.GOOD, ["a"]),
                (self.GOOD, ["gone"]), (self.GOOD.replace("89ab", "89a"), []),
                (self.GOOD.replace("89ab (", "89ab "), []),
                (self.GOOD.replace("Text.\n\n", "Text.\n"), []),
                (self.GOOD + "\nMore text.\n", [])):
            self.assertTrue(messages.fixes({"a": text}, uncertain), text)


class Lengths(unittest.TestCase):
    """Functions and files."""

    @staticmethod
    def function(lines):
        """A function of so many lines."""
        return "int f(void)\n{\n" + "\tx();\n" * (lines - 3) + "}\n"

    def test_functions(self):
        """Only what is too long, and was not so in the base."""
        most = lengths.MOST_FUNCTION
        good, bad = self.function(most), self.function(most + 1)
        self.assertEqual([], lengths.long_functions("a.c", good))
        self.assertEqual(1, len(lengths.long_functions("a.c", bad)))
        self.assertEqual(1, len(lengths.long_functions("a.c", bad, good)))
        self.assertEqual([], lengths.long_functions("a.c", bad, bad))
        python = "def f():\n" + "    x()\n" * most
        self.assertEqual(1, len(lengths.long_functions("a.py", python)))

    def test_names(self):
        """What is not static has the prefix of its file."""
        name = "drivers/gpu/drm/panthor/reclaim/panthor_x.c"
        good = "int panthor_f(void)\n{\n}\n\nstatic int\ng(void)\n{\n}\n"
        self.assertEqual([], lengths.nameless(name, good))
        bad = good.replace("static int", "int")
        self.assertEqual(1, len(lengths.nameless(name, bad)))
        self.assertEqual([], lengths.nameless("drivers/gpu/drm/ttm/x.c", bad))
        self.assertEqual(2, len(lengths.nameless(
            "drivers/gpu/drm/panthor/model/pmodel_x.c", bad)))

    def test_files(self):
        """Their lines."""
        most = lengths.MOST_FILE
        self.assertEqual([], lengths.long_file("a", "\n" * most))
        self.assertEqual(1, len(lengths.long_file("a", "\n" * (most + 1))))


class Names(unittest.TestCase):
    """What documents name."""

    CODE = {
        "x/a.c": 'drm_printf(p, "class_%s_bos %ld\\n", n);\n'
                 'drm_printf(p, "%s %ld\\n", stat_names[i], x);\n'
                 "const char *stat_names[N] = {\n#define STAT(i, n)\n};\n"
                 'debugfs_create_file("shrink", 0600, x);\n',
        "x/a_stat_list.h": '/* */\n\nSTAT(ONE, one, "what")\n'
                           'STAT(TWO, two, "what")\n'}
    PAGE = ("``shrink``\n  w\n\n``class_<class>_bos``\n  n\n\n"
            ".. literalinclude:: ../x/a_stat_list.h\n   :start-at: STAT(ONE\n")

    def wrong(self, page, **more):
        """What is wrong with a page about the code."""
        return names.shown({**self.CODE, **more}, page)[1]

    def test_lines(self):
        """Each is explained, and there."""
        self.assertEqual([], self.wrong(self.PAGE))
        for page in (self.PAGE.replace("class_", "klass_"),
                     self.PAGE.replace("shrink", "grow"),
                     self.PAGE.replace("STAT(ONE", "STAT(TWO"),
                     self.PAGE + "\n``gone_pages``\n  x\n",
                     self.PAGE + "\n==== ==\nline what\n==== ==\ngone x\n==== ==\n"
                     ):
            self.assertTrue(self.wrong(page), page)
        more = 'seq_printf(m, "new_line %u\\n", 1);'
        self.assertTrue(self.wrong(self.PAGE, **{"x/b.c": more}))
        self.assertEqual([], self.wrong(
            self.PAGE + "\n======== ==\nline     what\n======== ==\n"
            "new_line x\n======== ==\n", **{"x/b.c": more}))

    def test_mentioned(self):
        """Functions, files, variables and options; no absolute paths."""
        found = names.mentioned(
            "`panthor_x.c:some_call()`, ``N=3`` of ``--jobs``, foo_bar(), "
            "configs/uml.config and ../README.md, not /sys/kernel/x.c;\n"
            "`a_name` but `no`, pmodel_one")
        self.assertEqual({"panthor_x.c", "configs/uml.config", "README.md"},
                         found["file"])
        self.assertEqual({"--jobs"}, found["option"])
        self.assertEqual({"some_call", "foo_bar", "N", "a_name", "pmodel_one"},
                         found["word"])

    def test_files(self):
        """A file by its name, its end, a pattern, alternatives."""
        code = names.Code.__new__(names.Code)
        code.files = ["/d/panthor_room.c", "/d/panthor_room.h", "/x/y/z.md"]
        for name in ("panthor_room.c", "d/panthor_room.h", "_room.c", "x/y/",
                     "panthor_room.{c,h}", "d/*.c", "x/*/z.md"):
            self.assertTrue(code.has_file(name), name)
        for name in ("room.c", "panthor_room.S", "panthor_room.{c,S}", "y/x/",
                     "d/*.md", "x/y/z.m"):
            self.assertFalse(code.has_file(name), name)


class Outcomes(unittest.TestCase):
    """A check that did nothing."""

    def test_nothing_checked(self):
        """It fails."""
        outcome = context.Outcome("files")
        outcome.add("no complaint", [])
        self.assertEqual("fail", outcome.finish().results[-1].status)

    def test_something_checked(self):
        """It does not."""
        outcome = context.Outcome("files")
        outcome.add("no complaint", [])
        outcome.checked = 1
        self.assertEqual(["pass"],
                         [r.status for r in outcome.finish().results])


class Checkpatch(unittest.TestCase):
    """checkpatch's report."""

    TEXT = ("WARNING:LONG_LINE: line length of 120\n"
            "#9: FILE: drivers/x.c:4:\n+xxx\n\n"
            "CHECK:VOLATILE: Use of volatile\n"
            "#30: FILE: tools/testing/selftests/y.c:3:\n+y\n\n"
            "WARNING:COMMIT_LOG_LONG_LINE: Prefer 75\n#5: \nlong\n\n"
            "total: 0 errors, 2 warnings, 1 checks, 40 lines checked\n")

    def test_parse(self):
        """Types, places, and how many lines were read."""
        found, lines = patches.parse(self.TEXT)
        self.assertEqual(40, lines)
        self.assertEqual(["LONG_LINE", "VOLATILE", "COMMIT_LOG_LONG_LINE"],
                         [kind for kind, _ in found])
        self.assertEqual(["drivers/x.c", "tools/testing/selftests/y.c",
                          "commit message"], [f.file for _, f in found])

    def test_exempt(self):
        """Only there, and only that."""
        found, _ = patches.parse(self.TEXT)
        self.assertIsNone(patches.exempt(*found[0]))
        self.assertTrue(patches.exempt(*found[1]))
        self.assertIsNone(patches.exempt("VOLATILE",
                                         Finding("drivers/x.c", "")))
        name = "tools/testing/selftests/y.c"
        self.assertTrue(patches.exempt("CAMELCASE", Finding(
            name, "CHECK:CAMELCASE: Avoid CamelCase: <PRIu64>")))
        self.assertIsNone(patches.exempt("CAMELCASE", Finding(
            name, "CHECK:CAMELCASE: Avoid CamelCase: <myName>")))


class Maintainers(unittest.TestCase):
    """MAINTAINERS."""

    TEXT = ("Descriptions of section entries\n\nF:\tnot one\n\n"
            "ARM PANTHOR\nM:\tA <a@b>\nF:\tdrivers/gpu/drm/panthor/\n"
            "F:\tinclude/uapi/drm/panthor_drm.h\n"
            "F:\tDocumentation/gpu/pan*.rst\n"
            "X:\tdrivers/gpu/drm/panthor/other/\n\n"
            "THE REST\nF:\t*\nF:\t*/\n")

    def test_who_owns_what(self):
        """Directories, files, patterns, exceptions."""
        found = {s.title: s for s in maintainers.parse(self.TEXT)}
        ours = found["ARM PANTHOR"]
        for name in ("drivers/gpu/drm/panthor/model/x.c",
                     "include/uapi/drm/panthor_drm.h",
                     "Documentation/gpu/panthor.rst"):
            self.assertTrue(ours.has(name), name)
        for name in ("drivers/gpu/drm/panthor/other/x.c",
                     "drivers/gpu/drm/panthorx.c",
                     "Documentation/gpu/pan/x.rst"):
            self.assertFalse(ours.has(name), name)
        self.assertIn("THE REST", found)


class Coccinelle(unittest.TestCase):
    """spatch, and which scripts it is given."""

    def test_parse(self):
        """Reports with and without columns."""
        found = cocci.parse("init_defs_builtin: x\na/b.c:3:5-9: WARNING: y\n"
                            "a/b.c:7: ERROR: z\n", "s.cocci")
        self.assertEqual([Finding("a/b.c", "s.cocci: WARNING: y"),
                          Finding("a/b.c", "s.cocci: ERROR: z")], found)

    def test_second_line(self):
        """A line that a report names besides does not make it another one."""
        found = cocci.parse("a.c:9:1-2: preceding lock on line 3\n"
                            "a.c:8:1-2: preceding lock on line 2\n", "s")
        self.assertEqual(found[0], found[1])

    def test_count(self):
        """Files without the script's words were considered, not read."""
        self.assertEqual((2, 1), cocci.count(
            "0 files match\n1 files match\nHANDLING: a/b.c\n"))
        self.assertEqual((2, 2), cocci.count("HANDLING: a.c b.c\n"))
        self.assertEqual((0, 0), cocci.count("init_defs_builtins: x\n"))


class CoccinelleScripts(Case):
    """Which scripts can be run."""

    def test_scripts(self):
        """OCaml aborts, and not every script reports."""
        write(self.root, {
            "scripts/coccinelle/a/good.cocci":
                "// Options: --no-includes\nvirtual patch\nvirtual report\n",
            "scripts/coccinelle/a/two.cocci": "virtual patch, report\n",
            "scripts/coccinelle/a/ocaml.cocci":
                "virtual report\n@ script:ocaml depends on x@\n",
            "scripts/coccinelle/a/patch.cocci": "virtual patch\n"})
        good, skipped = cocci.scripts(self.root)
        self.assertEqual(["good.cocci", "two.cocci"],
                         [p.name for p, _ in good])
        self.assertEqual([" --no-includes"], good[0][1])
        self.assertEqual({"ocaml.cocci", "patch.cocci"}, set(skipped))


class Documents(unittest.TestCase):
    """get_abi.py."""

    def test_abi(self):
        """A line is a finding; lines of files move."""
        one = "[WARNING] /sys/a is defined 2 times: " \
              "Documentation/ABI/testing/a:3; Documentation/ABI/testing/b:9\n"
        moved = one.replace(":3", ":4")
        self.assertEqual(docs.parse_abi(one), docs.parse_abi(moved))
        self.assertEqual("Documentation/ABI/testing/a",
                         docs.parse_abi(one)[0].file)
        self.assertEqual([], docs.parse_abi("nothing to say\n"))


class Sphinx(unittest.TestCase):
    """What make htmldocs prints."""

    def test_complaints_about_our_files(self):
        """Of Sphinx and of kernel-doc, wherever the tree is; not of others."""
        page, code = "Documentation/gpu/panthor-x.rst", "drivers/gpu/drm/x.c"
        text = f"""\
  PARSE   include/uapi/drm/panthor_drm.h
/some/mm/tree/{page}:12: WARNING: Title underline too short.
../../{page}: WARNING: document isn't included in any toctree
Warning: ../{code}:33 function parameter 'y' not described in 'x'
WARNING: ./{code}:34 bad line
/some/mm/tree/Documentation/gpu/other.rst:1: ERROR: Unexpected indentation.
{page}:13: nothing wrong here
"""
        found = docs.parse_sphinx(text, "/some/mm/tree", {page, code})
        self.assertEqual([(page, 12), (page, 0), (code, 33), (code, 34)],
                         [(f.file, f.line) for f in found])


class Sparse(unittest.TestCase):
    """sparse."""

    def test_noise(self):
        """Only the one thing it cannot do."""
        self.assertTrue(sparse.NOISE.search("error: bad constant expression"))
        self.assertFalse(sparse.NOISE.search(
            "warning: incorrect type in argument 1"))


class Objects(unittest.TestCase):
    """Sources and objects."""

    def test_objects(self):
        """Headers have none."""
        self.assertEqual(["a/b.o"], objects.objects(["a/b.c", "a/b.h"]))


class Fragments(unittest.TestCase):
    """What a fragment is merged over."""

    def test_parts(self):
        """NAME-more is merged over NAME."""
        self.assertEqual(["uml"], fragments.parts("uml"))
        self.assertEqual(["uml", "uml-kasan"], fragments.parts("uml-kasan"))
        self.assertEqual("um", fragments.arch_of("uml-kasan"))
        self.assertEqual("x86_64", fragments.arch_of("x86_64-bench"))


class Part(Case):
    """Configurations of a part of the series."""

    def test_without(self):
        """Options that are not there yet become comments."""
        text = ("CONFIG_A=y\nCONFIG_AB=y\n# CONFIG_B is not set\n"
                "CONFIG_C=\"x\"\n")
        self.assertEqual("# CONFIG_A: not there yet\nCONFIG_AB=y\n"
                         "# CONFIG_B: not there yet\nCONFIG_C=\"x\"\n",
                         part.without(text, {"CONFIG_A", "CONFIG_B"}))
        self.assertEqual(text, part.without(text, set()))

    def test_missing(self):
        """What the series declares later."""
        write(self.repo, {"drivers/model/Kconfig":
                          "config MODEL\n\tbool\n\nmenuconfig MORE\n"})
        commits, _ = self.assemble()
        last = commits[-1].commit
        self.assertEqual({"CONFIG_MODEL", "CONFIG_MORE"}, part.missing(
            self.tree, self.base.commit, self.base.commit, last))
        self.assertEqual(set(), part.missing(
            self.tree, self.base.commit, commits[0].commit, last))


class Contexts(Case):
    """The series under check."""

    def context(self):
        """A context on the tiny tree."""
        commits, _ = self.assemble()
        return context.Context(self.tree, [], self.base, commits)

    def test_code(self):
        """C files of the kernel, tools left out."""
        made = self.context()
        self.assertEqual(["drivers/a.c", "drivers/model/m.c",
                          "drivers/model/m.h"], made.code())
        self.assertEqual(["drivers/a.c"],
                         made.in_base(["drivers/a.c", "drivers/model/m.c"]))
        self.assertEqual([], made.in_base([]))

    def test_applies(self):
        """The check itself, on the tiny series."""
        made = self.context()
        log = io.StringIO()
        outcome = patches.applies(made, log).finish()
        self.assertEqual(["pass"], [r.status for r in outcome.results])
        self.assertEqual(2, outcome.checked)
        self.assertIn("a: change a3", log.getvalue())

    def test_topic_ends(self):
        """Where each topic ends."""
        made = self.context()
        made.lines = [SimpleNamespace(topic=t) for t in
                      ("lab", "lab", "engine")]
        self.assertEqual([("lab", 2), ("engine", 3)], made.topic_ends())


class Included(unittest.TestCase):
    """C files that other C files include."""

    def test_command_file(self):
        """kbuild's notes say so."""
        text = ("source_drivers/a.o := ../drivers/a.c\n\n"
                "deps_drivers/a.o := \\\n  ../include/linux/x.h \\\n"
                "  ../drivers/tests/a_test.c \\\n")
        scratch = tempfile.TemporaryDirectory(prefix="objects-test-")
        self.addCleanup(scratch.cleanup)
        root = Path(scratch.name)
        write(root, {"drivers/.a.o.cmd": text})
        lane = objects.Lane.__new__(objects.Lane)
        lane.kernel = SimpleNamespace(objects=root)
        # pylint: disable=protected-access
        self.assertEqual({"drivers/tests/a_test.c"},
                         lane._included("drivers/a.c"))


class Wanted(unittest.TestCase):
    """Sources that a kernel's configuration leaves out."""

    def test_makefile(self):
        """The Makefile beside a source tells, whatever make compiles."""
        scratch = tempfile.TemporaryDirectory(prefix="objects-test-")
        self.addCleanup(scratch.cleanup)
        root = Path(scratch.name)
        write(root, {
            "gpu/Makefile": "gpu-y := always.o\n"
                            "gpu-$(CONFIG_NONE) += front_mmio.o\n"
                            "gpu-$(CONFIG_SOME) += \\\n\ta.o \\\n\tfront.o\n",
            ".config": "CONFIG_SOME=y\n# CONFIG_NONE is not set\n"})
        lane = objects.Lane.__new__(objects.Lane)
        lane.kernel = SimpleNamespace(objects=root)
        lane.context = SimpleNamespace(tree=SimpleNamespace(directory=root))
        # pylint: disable=protected-access
        self.assertTrue(lane._wanted("gpu/always.c"))
        self.assertTrue(lane._wanted("gpu/front.c"))
        self.assertFalse(lane._wanted("gpu/front_mmio.c"))
        self.assertTrue(lane._wanted("elsewhere/a.c"))


if __name__ == "__main__":
    unittest.main()
