# SPDX-License-Identifier: GPL-2.0
"""Assembling a tree from the series."""

import dataclasses
import os
import signal
from unittest import mock

from labkit import chain, git, series, tree
from labkit.ui import Fail

from .fixture import MAINLINE, Case, patch, quietly, write


class Assembly(Case):
    """From the repository to the tree."""

    def test_gives_patched_and_new_files(self):
        self.assemble()
        self.assertIn("long a3;", self.in_tree("drivers/a.c"))
        self.assertEqual(self.in_tree("drivers/model/m.c"), "int m;\n")
        self.assertEqual(self.in_tree("tools/t.c"), "int t;\n")
        self.assertEqual(self.in_tree("drivers/b.c"), MAINLINE["drivers/b.c"])
        self.assertFalse((self.tree.directory / "README.md").exists())
        self.assertFalse((self.tree.directory / "patches").exists())

    def test_is_one_commit_a_line(self):
        commits, _ = self.assemble()
        log = self.tree.git.text("log", "--reverse", "--format=%s")
        self.assertEqual(log.splitlines(),
                         ["Linux base", "a: change a3", "tools: add t"])
        self.assertEqual(commits[0].files,
                         ("drivers/model/m.c", "drivers/model/m.h"))

    def test_hashes_are_the_same_everywhere(self):
        first, _ = self.assemble()
        other = tree.Tree(self.root / "elsewhere" / "linux", self.repo)
        second, _ = quietly(other.assemble, self.base,
                            series.read(self.repo))
        self.assertEqual([c.commit for c in first],
                         [c.commit for c in second])

    def test_again_does_nothing(self):
        self.assemble()
        before = {p: p.stat().st_mtime_ns
                  for p in self.tree.directory.rglob("*.c")}
        _, words = self.assemble()
        self.assertEqual(words, "")
        self.assertEqual(before, {p: p.stat().st_mtime_ns for p in before})

    def test_disk_fills_up(self):
        """git says so of each file, which is more than a pipe takes."""
        real = git.Git.command

        def command(self, *args):
            if "checkout" not in args:
                return real(self, *args)
            return ["sh", "-c", "for i in $(seq 3000); do echo error: unable to "
                    "write file $i: No space left on device; done >&2; exit 1"]

        def too_long(*_):
            raise TimeoutError("it waits for git, and git for it")

        self.addCleanup(signal.signal, signal.SIGALRM,
                        signal.signal(signal.SIGALRM, too_long))
        self.addCleanup(signal.alarm, 0)
        signal.alarm(60)
        with mock.patch.object(git.Git, "command", command):
            with self.assertRaises(Fail) as failure:
                self.assemble()
        self.assertEqual("the kernel tree cannot be written: error: unable to "
                         "write file 1: No space left on device",
                         str(failure.exception))
        self.assertFalse(self.tree.directory.exists())
        self.assertEqual([], list(self.tree.directory.parent.glob(".*")))

    def test_is_looked_at_by_several_at_once(self):
        self.assemble()
        content = self.tree.snapshot()
        children = []
        for _ in range(4):
            pid = os.fork()
            if not pid:
                try:
                    same = all(self.tree.snapshot() == content
                               for _ in range(5))
                except BaseException:   # pylint: disable=broad-except
                    same = False
                os._exit(0 if same else 1)  # pylint: disable=protected-access
            children.append(pid)
        self.assertEqual([os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
                          for pid in children], [0] * 4)
        self.assertEqual(list(self.tree.private.glob("snapshot*")), [])

    def test_writes_only_what_differs(self):
        self.assemble()
        for path in self.tree.directory.rglob("*.c"):
            os.utime(path, (1, 1))
        write(self.repo, {"drivers/model/m.c": "int m2;\n"})
        self.assemble()
        touched = {p.name for p in self.tree.directory.rglob("*.c")
                   if p.stat().st_mtime != 1}
        self.assertEqual(touched, {"m.c"})
        self.assertEqual(self.in_tree("drivers/model/m.c"), "int m2;\n")

    def test_takes_out_what_left_the_series(self):
        self.assemble()
        (self.repo / "tools/t.c").unlink()
        (self.repo / "patches/two.patch").unlink()
        write(self.repo, {"patches/series": "one.patch drivers/model/\n"})
        self.assemble()
        self.assertFalse((self.tree.directory / "tools/t.c").exists())

    def test_keeps_objects(self):
        self.assemble()
        write(self.tree.directory, {"obj-uml/a.o": "object"})
        write(self.repo, {"tools/t.c": "int t2;\n"})
        self.assemble()
        self.assertEqual(self.in_tree("obj-uml/a.o"), "object")
        self.assertFalse(self.status()[0])

    def test_follows_another_base(self):
        self.assemble()
        self.base = self.make_base("later", dict(
            MAINLINE, **{"drivers/b.c": "int later;\n"}))
        self.assemble()
        self.assertEqual(self.in_tree("drivers/b.c"), "int later;\n")
        self.assertIn("long a3;", self.in_tree("drivers/a.c"))

    def test_executable_bit(self):
        (self.repo / "tools/t.c").chmod(0o755)
        self.assemble()
        self.assertTrue(os.access(self.tree.directory / "tools/t.c", os.X_OK))

    def test_part_of_the_series(self):
        lines = tree.select(self.repo, topic="lab")
        self.assertEqual([line.patch for line in lines], ["one.patch"])
        self.assertEqual(tree.select(self.repo, commits=0), [])
        with self.assertRaisesRegex(Fail, "no topic 'ttm'"):
            tree.select(self.repo, topic="ttm")
        with self.assertRaisesRegex(Fail, "2 commits"):
            tree.select(self.repo, commits=3)

    def needing(self, *rows):
        """What select() gives for topic engine with these rows of a series."""
        write(self.repo, {"patches/series": "".join(f"{r}\n" for r in rows)})
        return [line.patch for line in tree.select(self.repo, alone="engine")]

    def test_topic_with_what_it_needs(self):
        write(self.repo, {"patches/three.patch": "c: add u\n\nWhy.\n---\n",
                          "tools/u.c": "int u;\n"})
        head = ("# topic: fixes", "one.patch drivers/model/",
                "three.patch tools/u.c")
        for needs, expected in (
                ("", ["two.patch"]),
                (" needs: one.patch", ["one.patch", "two.patch"]),
                (" needs: fixes", ["one.patch", "three.patch", "two.patch"])):
            with self.subTest(needs):
                self.assertEqual(self.needing(
                    *head, f"# topic: engine{needs}", "two.patch tools/t.c"),
                    expected)
        lines = tree.select(self.repo, alone="engine")
        self.assertEqual(lines[-1].files, ["tools/t.c"])

    def test_topic_needs_what_needs_more(self):
        self.assertEqual(self.needing(
            "# topic: lab", "one.patch drivers/model/",
            "# topic: memcg needs: lab",
            "# topic: engine needs: memcg", "two.patch tools/t.c"),
            ["one.patch", "two.patch"])

    def test_topic_needs_what_there_is(self):
        rows = ["# topic: lab", "one.patch drivers/model/",
                "# topic: engine needs: {}", "two.patch tools/t.c"]
        for needs, words in (("four.patch", "neither a topic nor a patch"),
                             ("engine", "does not come before"),
                             ("two.patch", "does not come before")):
            with self.subTest(needs), self.assertRaisesRegex(Fail, words):
                self.needing(*[r.format(needs) for r in rows])
        with self.assertRaisesRegex(Fail, "no topic 'ttm'"):
            tree.select(self.repo, alone="ttm")


class Refusals(Case):
    """What is wrong is said, and nothing half-made remains."""

    def refused(self, words):
        """assemble fails with these words."""
        with self.assertRaisesRegex(Fail, words):
            self.assemble()

    def test_file_of_no_line(self):
        write(self.repo, {"drivers/stray.c": "int s;\n"})
        self.refused("no line of patches/series: drivers/stray.c")

    def test_word_that_names_nothing(self):
        write(self.repo, {"patches/series":
                          "one.patch drivers/model/\n"
                          "two.patch tools/t.c tools/none.c\n"})
        self.refused("tools/none.c names nothing")

    def test_patch_that_is_missing_or_unlisted(self):
        (self.repo / "patches/two.patch").rename(self.repo / "patches/x.patch")
        self.refused("no patches/two.patch")
        write(self.repo, {"patches/series":
                          "one.patch drivers/model/ tools/t.c\n"})
        self.refused("not in patches/series: x.patch")

    def test_file_of_two_lines(self):
        write(self.repo, {"patches/series":
                          "one.patch drivers/model/ tools/t.c\n"
                          "two.patch tools/t.c\n"})
        self.refused("already belongs to one.patch")

    def test_file_that_mainline_has(self):
        write(self.repo, {"drivers/b.c": "int mine;\n", "patches/series":
                          "one.patch drivers/\ntwo.patch tools/\n"})
        self.refused("drivers/b.c is already in the tree")

    def test_patch_that_creates_a_file(self):
        write(self.repo, {"patches/two.patch":
                          "tools: add t\n\nWhy.\n---\n--- /dev/null\n"
                          "+++ b/tools/u.c\n@@ -0,0 +1 @@\n+int u;\n"})
        self.refused("creates tools/u.c")

    def test_patch_without_a_reason(self):
        write(self.repo, {"patches/two.patch": "tools: add t\n---\n"})
        self.refused("says why")

    def test_patch_that_does_not_apply(self):
        write(self.repo, {"patches/two.patch": patch(
            "b: change", "drivers/b.c", "int other;\n", "int x;\n")})
        self.refused("two.patch does not apply")
        self.assertEqual(list((self.root / "build").iterdir()), [])

    def test_failure_leaves_the_tree_alone(self):
        self.assemble()
        write(self.repo, {"patches/two.patch": patch(
            "b: change", "drivers/b.c", "int other;\n", "int x;\n"),
            "tools/t.c": "int t2;\n"})
        self.refused("two.patch does not apply")
        self.assertEqual(self.in_tree("tools/t.c"), "int t;\n")

    def test_directory_of_somebody_else(self):
        write(self.tree.directory, {"mine": "mine\n"})
        self.refused("not a tree that this program assembled")
        self.assertEqual(self.in_tree("mine"), "mine\n")


class Edits(Case):
    """Edits in the tree are never lost."""

    def setUp(self):
        super().setUp()
        self.assemble()

    def test_stay_while_the_repository_is_unchanged(self):
        write(self.tree.directory, {"drivers/b.c": "int edited;\n"})
        self.assemble()
        self.assertEqual(self.in_tree("drivers/b.c"), "int edited;\n")

    def test_are_not_overwritten(self):
        write(self.tree.directory, {"tools/t.c": "int edited;\n"})
        write(self.repo, {"tools/t.c": "int t2;\n"})
        with self.assertRaisesRegex(Fail, "make refresh"):
            self.assemble()
        self.assertEqual(self.in_tree("tools/t.c"), "int edited;\n")

    def test_same_edit_on_both_sides(self):
        write(self.tree.directory, {"tools/t.c": "int t2;\n"})
        write(self.repo, {"tools/t.c": "int t2;\n"})
        self.assemble()
        self.assertFalse(self.status()[0])

    def test_are_listed(self):
        write(self.tree.directory, {"tools/t.c": "int edited;\n"})
        write(self.repo, {"drivers/model/m.c": "int m2;\n"})
        differs, words = self.status()
        self.assertTrue(differs)
        self.assertRegex(words, "changed +tools/t.c")
        self.assertRegex(words, "changed +drivers/model/m.c")

    def test_can_be_discarded(self):
        write(self.tree.directory, {"tools/t.c": "int edited;\n",
                                    "tools/u.c": "int u;\n"})
        quietly(self.tree.discard)
        self.assertEqual(self.in_tree("tools/t.c"), "int t;\n")
        self.assertFalse((self.tree.directory / "tools/u.c").exists())
        self.assertFalse(self.status()[0])

    def test_interrupted_update_is_completed(self):
        write(self.repo, {"tools/t.c": "int t2;\n"})
        target, _ = quietly(self.tree.assemble, self.base,
                            series.read(self.repo))
        (self.tree.private / tree.MARKER).write_text(target[-1].commit,
                                                     encoding="ascii")
        (self.tree.private / "index.lock").touch()
        (self.tree.directory / "tools/t.c").unlink()
        self.assemble()
        self.assertEqual(self.in_tree("tools/t.c"), "int t2;\n")
        self.assertFalse(self.status()[0])


class Refreshing(Case):
    """From the tree back to the repository."""

    def setUp(self):
        super().setUp()
        self.assemble()

    def commit(self, subject, files):
        """Commit in the tree, as a developer would."""
        write(self.tree.directory, files)
        repo = git.Git(self.tree.directory)
        repo.run("add", "-A")
        repo.run("commit", "-q", "-m", f"{subject}\n\nWhy not.")

    def test_nothing_to_do(self):
        self.assertFalse(self.refresh()[0])

    def test_new_file_edited(self):
        write(self.tree.directory, {"drivers/model/m.c": "int m9;\n"})
        self.assertTrue(self.refresh()[0])
        self.assertEqual(self.in_repo("drivers/model/m.c"), "int m9;\n")
        self.assertFalse(self.status()[0])

    def test_new_files_added_and_removed(self):
        write(self.tree.directory, {"drivers/model/deep/n.c": "int n;\n"})
        (self.tree.directory / "drivers/model/m.h").unlink()
        self.refresh()
        self.assertEqual(self.in_repo("drivers/model/deep/n.c"), "int n;\n")
        self.assertFalse((self.repo / "drivers/model/m.h").exists())
        self.assertFalse(self.status()[0])

    def test_line_goes_with_its_last_file(self):
        (self.tree.directory / "tools/t.c").unlink()
        self.refresh()
        self.assertFalse((self.repo / "tools/t.c").exists())
        self.assertNotIn("two.patch", self.in_repo("patches/series"))
        self.assertFalse(self.status()[0])

    def test_mainline_edit_goes_to_its_patch(self):
        text = self.in_tree("drivers/a.c").replace("int a9;", "long a9;")
        write(self.tree.directory, {"drivers/a.c": text})
        before = self.in_repo("patches/two.patch")
        self.refresh()
        self.assertIn("+long a9;", self.in_repo("patches/one.patch"))
        self.assertIn("The reason.", self.in_repo("patches/one.patch"))
        self.assertEqual(self.in_repo("patches/two.patch"), before)
        self.assertFalse(self.status()[0])

    def test_mainline_edit_of_no_patch_is_refused(self):
        write(self.tree.directory, {"drivers/b.c": "int b9;\n"})
        with self.assertRaisesRegex(Fail, "drivers/b.c; commit it"):
            self.refresh()

    def test_commit_becomes_a_patch(self):
        self.commit("b: change b", {"drivers/b.c": "int b9;\n",
                                    "tools/new.c": "int n;\n"})
        self.refresh()
        self.assertIn("b-change-b.patch tools/new.c\n",
                      self.in_repo("patches/series"))
        self.assertIn("# topic: engine", self.in_repo("patches/series"))
        self.assertIn("+int b9;", self.in_repo("patches/b-change-b.patch"))
        self.assertEqual(self.in_repo("tools/new.c"), "int n;\n")
        self.assertFalse(self.status()[0])
        log = self.tree.git.text("log", "-1", "--format=%B")
        self.assertIn("Why not.", log)

    def test_commit_on_new_files_is_folded(self):
        self.commit("t: fix t", {"tools/t.c": "int t9;\n"})
        self.refresh()
        self.assertEqual(self.in_repo("tools/t.c"), "int t9;\n")
        self.assertNotIn("fix", self.in_repo("patches/series"))
        self.assertFalse(self.status()[0])

    def test_amended_commit(self):
        text = self.in_tree("drivers/a.c").replace("int a9;", "long a9;")
        write(self.tree.directory, {"drivers/a.c": text})
        repo = git.Git(self.tree.directory)
        repo.run("checkout", "-q", "series~1")
        write(self.tree.directory, {"drivers/a.c": text})
        repo.run("add", "-A")
        repo.run("commit", "-q", "--amend", "-m",
                 "a: change a3\n\nA better reason.")
        repo.run("cherry-pick", "series")
        self.refresh()
        self.assertIn("A better reason.", self.in_repo("patches/one.patch"))
        self.assertIn("+long a9;", self.in_repo("patches/one.patch"))
        self.assertFalse(self.status()[0])

    def test_dropped_commit(self):
        git.Git(self.tree.directory).run("reset", "-q", "--hard", "HEAD~")
        self.refresh()
        self.assertFalse((self.repo / "patches/two.patch").exists())
        self.assertFalse((self.repo / "tools/t.c").exists())
        self.assertNotIn("two.patch", self.in_repo("patches/series"))

    def test_both_sides_in_different_files(self):
        write(self.tree.directory, {"tools/t.c": "int t9;\n"})
        write(self.repo, {"drivers/model/m.c": "int m9;\n"})
        self.refresh()
        self.assertEqual(self.in_tree("drivers/model/m.c"), "int m9;\n")
        self.assertEqual(self.in_repo("tools/t.c"), "int t9;\n")
        self.assertFalse(self.status()[0])

    def test_both_sides_in_one_file_is_refused(self):
        write(self.tree.directory, {"tools/t.c": "int t9;\n"})
        write(self.repo, {"tools/t.c": "int t8;\n"})
        with self.assertRaisesRegex(Fail, "both in the repository"):
            self.refresh()
        self.assertEqual(self.in_repo("tools/t.c"), "int t8;\n")
        self.assertEqual(self.in_tree("tools/t.c"), "int t9;\n")

    def test_record_survives_as_data(self):
        record = self.tree.record()
        self.assertEqual(record["chain"][0].patch, "one.patch")
        self.assertTrue(dataclasses.is_dataclass(record["chain"][0]))


class Growing(Case):
    """A later patch changes a file that an earlier line adds."""

    NAME = "drivers/model/m.c"
    # As it is added, and after each of the patches that change it
    STATES = ["".join(f"int {w}{i};\n" for i, w in enumerate(
        ["m"] * 9 + [nine] + ["m"] * 20 + [thirty] + ["m"] * 9))
        for nine, thirty in (("m", "m"), ("grown", "m"), ("grown", "more"))]

    def setUp(self):
        super().setUp()
        write(self.repo, {
            self.NAME: self.STATES[2],
            "patches/grow.patch": patch("m: grow", self.NAME, *self.STATES[:2]),
            "patches/more.patch": patch("m: more", self.NAME, *self.STATES[1:]),
            "patches/series": "# topic: lab\none.patch drivers/model/\n"
                              "# topic: engine\ntwo.patch tools/t.c\n"
                              "grow.patch\n# topic: ttm\nmore.patch\n"})

    def states(self, lines=None):
        """The file after each commit that changes it."""
        commits = chain.compute(self.tree.git, self.repo, self.base.commit,
                                series.read(self.repo)
                                if lines is None else lines)
        found = []
        for commit in commits:
            text = self.tree.git.text("show", f"{commit.commit}:{self.NAME}")
            if not found or text != found[-1]:
                found.append(text)
        return [f.strip("\n") + "\n" for f in found]

    def test_each_commit_has_what_its_patches_say(self):
        self.assemble()
        self.assertEqual(self.states(), self.STATES)
        self.assertEqual(self.in_tree(self.NAME), self.STATES[2])
        self.assertFalse(self.status()[0])
        self.assertFalse(self.refresh()[0])

    def test_a_part_of_the_series_has_it_without_the_rest(self):
        self.assemble()
        self.assertEqual(self.states(tree.select(self.repo, topic="engine")),
                         self.STATES[:2])
        self.assertEqual(self.states(tree.select(self.repo, alone="lab")),
                         self.STATES[:1])

    def test_file_that_the_patches_do_not_give_is_refused(self):
        write(self.repo, {self.NAME: self.STATES[1]})
        with self.assertRaisesRegex(Fail, "more.patch cannot be taken back"):
            self.assemble()

    def test_patch_before_the_file_is_refused(self):
        write(self.repo, {"patches/series":
                          "grow.patch\none.patch drivers/model/\n"
                          "two.patch tools/t.c\nmore.patch\n"})
        with self.assertRaisesRegex(Fail, "only a later line"):
            self.assemble()

    def test_patch_with_the_file_is_refused(self):
        write(self.repo, {"patches/series":
                          "one.patch\ngrow.patch drivers/model/\n"
                          "two.patch tools/t.c\nmore.patch\n"})
        with self.assertRaisesRegex(Fail, "only a later line"):
            self.assemble()

    def edit(self, old, new):
        """Edit the tree, refresh, and return what changes at each commit."""
        self.assemble()
        text = self.in_tree(self.NAME)
        self.assertIn(old, text)
        write(self.tree.directory, {self.NAME: text.replace(old, new)})
        self.assertTrue(self.refresh()[0])
        self.assertEqual(self.in_repo(self.NAME), text.replace(old, new))
        self.assertFalse(self.status()[0])
        return [a == b for a, b in zip(self.states(), self.STATES,
                                       strict=True)]

    def test_edit_elsewhere_goes_to_the_first(self):
        patches = [self.in_repo(f"patches/{n}.patch") for n in ("grow", "more")]
        self.assertEqual(self.edit("int m20;", "long m20;"),
                         [False, False, False])
        self.assertEqual(patches, [self.in_repo(f"patches/{n}.patch")
                                   for n in ("grow", "more")])

    def test_edit_of_what_a_patch_changes_goes_to_that(self):
        self.assertEqual(self.edit("int more30;", "long more30;"),
                         [True, True, False])

    def test_edit_of_what_the_first_patch_changes_goes_to_that(self):
        self.assertEqual(self.edit("int grown9;", "long grown9;"),
                         [True, False, False])
        self.assertIn("m: grow", self.in_repo("patches/grow.patch"))

    def test_amended_commit(self):
        self.assemble()
        repo = git.Git(self.tree.directory)
        write(self.tree.directory, {self.NAME: self.STATES[2].replace(
            "int more30;", "long more30;")})
        repo.run("commit", "-qa", "--amend", "--no-edit")
        self.assertTrue(self.refresh()[0])
        self.assertEqual(self.states()[:2], self.STATES[:2])
        self.assertIn("+long more30;", self.in_repo("patches/more.patch"))
        self.assertFalse(self.status()[0])

    def test_commit_on_both_kinds_of_files_becomes_a_patch(self):
        self.assemble()
        repo = git.Git(self.tree.directory)
        write(self.tree.directory, {"drivers/b.c": "int b9;\n", self.NAME:
                                    self.STATES[2].replace("m20", "last20")})
        repo.run("commit", "-qa", "-m", "b: use last\n\nWhy not.")
        self.refresh()
        text = self.in_repo("patches/b-use-last.patch")
        self.assertIn("+int b9;", text)
        self.assertIn("+int last20;", text)
        self.assertEqual(self.states()[:3], self.STATES)
        self.assertFalse(self.status()[0])
