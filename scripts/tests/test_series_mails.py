# SPDX-License-Identifier: GPL-2.0
"""The mails of the series, the cover letter, the recipients."""

import json
import os
import unittest
from unittest import mock

from labkit import chain, cover, mails, recipients, series, sets
from labkit.ui import Fail

from .fixture import Case, patch, quietly, write, MAINLINE

WHO = ("Jane Doe <jane@example.org>", "1700000000 +0100")


class Mails(Case):
    """Mails out of the tiny repository."""

    def mails(self):
        """(Git of the tree, commits, mails of Jane's)."""
        commits, _ = self.assemble()
        head = mails.sign(self.tree.git, self.base.commit, commits, WHO)
        out = self.root / "mails"
        return head, mails.write(self.tree.git, self.base.commit, head, out)

    def test_git_am_gives_the_assembled_tree(self):
        """The round trip, and what a mail looks like."""
        head, files = self.mails()
        self.assertEqual(3, len(files))
        text = files[1].read_text(encoding="utf-8")
        self.assertIn("\nFrom: Jane Doe <jane@example.org>\n", "\n" + text)
        self.assertIn("\nSigned-off-by: Jane Doe <jane@example.org>\n---\n",
                      text)
        self.assertIn("Jane Doe", files[0].read_text(encoding="utf-8"))
        applied = mails.apply(self.base.repository, self.base.commit,
                              files[1:], self.root / "am")
        self.assertEqual([], mails.differences(
            applied, self.tree.git, self.base.commit, head))

    def test_a_changed_mail_is_noticed(self):
        """A different line, and a different message."""
        head, files = self.mails()
        text = files[1].read_text(encoding="utf-8")
        files[1].write_text(text.replace("+long a3;", "+short a3;")
                            .replace("The reason.", "No reason."),
                            encoding="utf-8")
        applied = mails.apply(self.base.repository, self.base.commit,
                              files[1:], self.root / "am")
        wrong = mails.differences(applied, self.tree.git, self.base.commit,
                                  head)
        self.assertTrue(any("gives the tree" in w for w in wrong))
        self.assertTrue(any("message of 'a: change a3'" in w for w in wrong))

    def test_a_message_that_git_am_would_cut_is_noticed(self):
        """git am ends a message at a line '---'."""
        write(self.repo, {"patches/one.patch": patch(
            "a: change a3", "drivers/a.c", MAINLINE["drivers/a.c"],
            MAINLINE["drivers/a.c"].replace("int a3;", "long a3;")).replace(
                "The reason.", "[x]\n\nThe reason.\n\nIndex: it is cut here")})
        head, files = self.mails()
        with self.assertRaises(Fail):
            applied = mails.apply(self.base.repository, self.base.commit,
                                  files[1:], self.root / "am")
            wrong = mails.differences(applied, self.tree.git,
                                      self.base.commit, head)
            if wrong:
                raise Fail(wrong[0])

    def test_the_same_commits_again(self):
        """Signing changes no tree, and not the assembled commits."""
        commits, _ = self.assemble()
        again = chain.compute(self.tree.git, self.repo, self.base.commit,
                              series.read(self.repo))
        self.assertEqual(commits, again)


class Person(unittest.TestCase):
    """The identity of whoever runs it."""

    def identity(self, **env):
        """mails.person() under nothing but this environment."""
        plain = {"PATH": os.environ["PATH"], "HOME": "/nonexistent",
                 "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1"}
        with mock.patch.dict(os.environ, dict(plain, **env), clear=True):
            return mails.person("/")

    def test_a_guess_is_refused(self):
        """git would make root@host of it."""
        with self.assertRaisesRegex(Fail, "who you are"):
            self.identity()

    def test_half_an_identity_is_refused(self):
        """An address alone is no name."""
        with self.assertRaisesRegex(Fail, "who you are"):
            self.identity(GIT_COMMITTER_EMAIL="a@b.example")

    def test_what_git_was_told(self):
        """Name and address."""
        who, _ = self.identity(GIT_COMMITTER_NAME="A B",
                               GIT_COMMITTER_EMAIL="a@b.example")
        self.assertEqual("A B <a@b.example>", who)


class Sets(Case):
    """What is sent together."""

    def plan(self, text):
        """The sets of a series of two patches."""
        (self.repo / "patches/series").write_text(text, encoding="utf-8")
        return sets.plan(self.repo, series.read(self.repo))

    def test_what_comes_before(self):
        """Needs are followed by name; what is not needed is not named."""
        found = self.plan("# topic: lab\none.patch drivers/model/\n"
                          "# topic: engine needs: lab\ntwo.patch tools/t.c\n")
        self.assertEqual([("lab", []), ("engine", ["lab"])],
                         [(s.name, s.after) for s in found])
        self.assertEqual(["one.patch"], [l.patch for l in found[1].before])
        self.assertEqual(["01-lab", "02-engine"], [s.directory for s in found])
        found = self.plan("# topic: lab\none.patch drivers/model/\n"
                          "# topic: engine\ntwo.patch tools/t.c\n")
        self.assertEqual([], found[1].after + found[1].before)

    def test_unsent(self):
        """Topics for this repository alone have no mails."""
        found = self.plan("# topic: lab\none.patch drivers/model/\n"
                          "# topic: own unsent needs: lab\ntwo.patch tools/t.c\n")
        self.assertEqual(["lab"], [s.name for s in found])

    def test_fixes_go_to_each_subsystem(self):
        """By the prefix of the subject."""
        self.assertEqual(
            ["mm", "mm", "drm-ttm", "drm-panthor", "um"],
            [sets.subsystem(s) for s in (
                "mm: a", "mm/swap: b", "drm/ttm: c", "drm/panthor: d", "um: e")])


class Recipients(unittest.TestCase):
    """The output of get_maintainer.pl."""

    def test_roles(self):
        """Maintainers to, lists and reviewers in copy."""
        found = recipients.parse(
            "linux-kernel@vger.kernel.org (open list)\n"
            "Jane Doe <j@example.org> (maintainer:ARM MALI (CSF) DRIVER)\n"
            "R R <r@example.org> (reviewer:X)\n")
        self.assertEqual([
            ("To", "Jane Doe <j@example.org>",
             "maintainer:ARM MALI (CSF) DRIVER"),
            ("Cc", "linux-kernel@vger.kernel.org", "open list"),
            ("Cc", "R R <r@example.org>", "reviewer:X")], found)

    def test_anything_else_is_refused(self):
        """Not silently dropped."""
        with self.assertRaises(Fail):
            recipients.parse("Bad divisor in main::vcs_assign: 0\n")


class Cover(Case):
    """The cover letter."""

    TEXT = ("# a comment\n# topic: one\nSubject: a: one\n\nOf one.\n"
            "# topic: two\nSubject: a: two\n\nOf two.\n\n# measured\n\nEnd.\n")

    def test_each_topic_has_its_own(self):
        """What stands below its marker, and where the numbers come."""
        self.assertEqual(("a: one", "Of one."), cover.parse(self.TEXT, "one"))
        self.assertEqual(("a: two", f"Of two.\n\n{cover.MEASURED}\n\nEnd."),
                         cover.parse(self.TEXT, "two"))

    def test_a_topic_without_a_letter(self):
        """It says which."""
        with self.assertRaisesRegex(Fail, "topic: three"):
            cover.parse(self.TEXT, "three")

    def test_not_measured(self):
        """No report: said so."""
        self.assertIn("not measured", cover.measured(self.root / "none", "x"))

    def report(self, tree):
        """A report.json."""
        path = self.root / "report.json"
        path.write_text(json.dumps({
            "host": {"machine": "UML"}, "repeat": 3, "series": {"tree": tree},
            "scenarios": [
                {"name": "s", "metric": "m", "unit": "ms", "met": True,
                 "mainline": None, "mainline_error": "ENOMEM",
                 "series": [1, 2, 3]}]}), encoding="utf-8")
        return path

    def test_measured(self):
        """Numbers, errors, and whose they are."""
        text = cover.measured(self.report("tree1"), "tree1")
        self.assertRegex(text, r"s: m +ms +failed +2 +met")
        self.assertIn("s on mainline: ENOMEM", text)
        self.assertNotIn("earlier state", text)

    def test_measured_before(self):
        """Numbers of another tree are called that."""
        self.assertIn("earlier state",
                      cover.measured(self.report("tree1"), "tree2"))

    def test_fill(self):
        """Subject and text come in; an unknown form is an error."""
        mail = self.root / "0000"
        mail.write_text("Subject: [PATCH 0/2] *** SUBJECT HERE ***\n\n"
                        "*** BLURB HERE ***\n", encoding="utf-8")
        cover.fill(mail, "s", ["one", "two"])
        self.assertEqual("Subject: [PATCH 0/2] s\n\none\n\ntwo\n",
                         mail.read_text(encoding="utf-8"))
        with self.assertRaises(Fail):
            quietly(cover.fill, mail, "s", [])


if __name__ == "__main__":
    unittest.main()
