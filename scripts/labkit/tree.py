# SPDX-License-Identifier: GPL-2.0
"""The kernel tree below build/: base, one commit per line of the series.

Three states are compared: what the repository says now, what was assembled
last (the record), and what the work tree holds. Only files that differ are
ever written, so that kernel builds stay incremental.
"""

import contextlib
import dataclasses
import json
import os
import shutil
import subprocess

from . import chain, git, paths, series
from .ui import Fail, Progress, note, say

RECORD = "assembled.json"
MARKER = "assembly-updating"
BRANCH = "refs/heads/series"


class Tree:
    """An assembled kernel tree."""

    def __init__(self, directory, repo=paths.REPO):
        self.directory = directory
        self.repo = repo
        self.git = git.Git(directory)
        self.private = directory / ".git"

    # What was assembled last

    def record(self):
        """What was assembled last, or None when there is no tree."""
        try:
            text = (self.private / RECORD).read_text(encoding="ascii")
            facts = json.loads(text)
        except (OSError, ValueError):
            return None
        facts["chain"] = [chain.Commit(**dict(c, files=tuple(c["files"])))
                          for c in facts["chain"]]
        return facts

    def _write_record(self, base, commits):
        facts = {"base": base.commit, "version": base.version,
                 "origin": base.origin,
                 "head": commits[-1].commit if commits else base.commit,
                 "chain": [dataclasses.asdict(c) for c in commits]}
        temporary = self.private / (RECORD + ".new")
        temporary.write_text(json.dumps(facts, indent=1) + "\n",
                             encoding="ascii")
        temporary.replace(self.private / RECORD)

    # What the work tree holds

    def snapshot(self):
        """The work tree as a git tree object, new files included.

        Safe beside others that do the same: each has an index of its own.
        """
        index = self.private / f"snapshot.{os.getpid()}.index"
        try:
            shutil.copyfile(self.private / "index", index)
            self.git.run("add", "-A", index=index)
            return self.git.text("write-tree", index=index)
        finally:
            index.unlink(missing_ok=True)

    def tree_of(self, commit):
        """The tree object of a commit."""
        return self.git.text("rev-parse", f"{commit}^{{tree}}")

    def changes(self, old, new):
        """{name: status letter} between two commits or trees."""
        words = self.git.names("diff-tree", "-r", "-z", "--name-status",
                               "--no-renames", old, new)
        return dict(zip(words[1::2], words[0::2], strict=True))

    # Creation and update

    def _create(self, base, lines):
        paths.need_space(self.directory.parent, 2500, "assemble a kernel tree")
        say(f"assembling {self.directory.name}: Linux {base.version} and "
            f"{len(lines)} patches")
        with paths.scratch(self.directory.parent, ".assemble-") as scratch:
            new = Tree(scratch / "linux", self.repo)
            subprocess.run(["git", "init", "-q", str(new.directory)],
                           check=True, env=git.environment())
            new.share(base)
            new.git.run("config", "gc.auto", "0")
            with open(new.private / "info" / "exclude", "a",
                      encoding="ascii") as exclude:
                exclude.write("/obj-*/\n")
            commits = chain.compute(new.git, self.repo, base.commit, lines)
            new.check_out(commits[-1].commit if commits else base.commit)
            new.finish(base, commits)
            new.directory.rename(self.directory)
        return commits

    def check_out(self, commit):
        """Write the work tree of a new repository."""
        argv = self.git.command("-c", "checkout.workers=0", "checkout", "-q",
                                "-B", "series", commit)
        progress = Progress("writing the tree")
        words = None
        with subprocess.Popen(argv, stdin=subprocess.DEVNULL,
                              stdout=subprocess.DEVNULL,
                              stderr=subprocess.PIPE, text=True,
                              errors="replace",
                              env=git.environment()) as process:
            try:
                # git complains about each file: what it says has to be read,
                # or it waits for that.
                while words is None:
                    progress.update("about 95000 files")
                    with contextlib.suppress(subprocess.TimeoutExpired):
                        words = process.communicate(timeout=0.5)[1]
            except BaseException:
                process.terminate()
                raise
            finally:
                progress.end()
        if process.returncode:
            rows = words.splitlines()
            telling = [r for r in rows if "No space left" in r] or rows
            raise Fail("the kernel tree cannot be written: " +
                       next(iter(telling), "git does not say why"))

    def share(self, base):
        """Read the base's objects from the cache instead of copying them."""
        info = self.private / "objects" / "info"
        info.mkdir(parents=True, exist_ok=True)
        (info / "alternates").write_text(f"{base.repository}/objects\n",
                                         encoding="utf-8")

    def finish(self, base, commits):
        """Note what the tree now is."""
        self.git.run("update-ref", "refs/lab/base", base.commit)
        self._write_record(base, commits)
        (self.private / MARKER).unlink(missing_ok=True)

    def _recover(self):
        """Complete an update that was interrupted: no edit can be lost."""
        marker = self.private / MARKER
        if not marker.exists():
            return
        (self.private / "index.lock").unlink(missing_ok=True)
        self.git.run("reset", "-q", "--hard",
                     marker.read_text(encoding="ascii").strip())

    def move(self, content, head, base, commits):
        """Take the work tree, which holds tree `content`, to `head`."""
        (self.private / MARKER).write_text(head + "\n", encoding="ascii")
        self.git.run("add", "-A")
        self.git.run("read-tree", "-m", "-u", content, head)
        self.git.run("update-ref", BRANCH, head)
        self.git.run("symbolic-ref", "HEAD", BRANCH)
        self.finish(base, commits)

    def assemble(self, base, lines):
        """Bring the tree to what the repository says.

        Edits in the tree that the repository does not have are never
        overwritten.
        """
        record = self.record()
        if record is None:
            if self.directory.exists():
                raise Fail(f"{self.directory} is not a tree that this program "
                           "assembled: move it away")
            return self._create(base, lines)
        self.share(base)
        if not self.git.has(record["head"]):
            raise Fail(f"{self.directory} misses objects of its base, "
                       f"{record['origin']}: obtain that again (the same "
                       "KERNEL=), or remove the directory")
        self._recover()
        commits = chain.compute(self.git, self.repo, base.commit, lines)
        head = commits[-1].commit if commits else base.commit
        content = self.snapshot()
        edited = self.edited()
        if edited and content != self.tree_of(head):
            if head == record["head"]:
                note(f"{self.directory} has edits that the repository does not "
                     "have (make status lists them, make refresh takes them)")
                return commits
            raise Fail(
                f"both the repository and {self.directory} have changed since "
                "the last assembly; nothing was overwritten. 'make refresh' "
                "takes the tree's edits into the repository, 'make status' "
                "lists them, 'make discard' throws them away")
        if head != record["head"] or edited:
            count = len(self.changes(content, head))
            self.move(content, head, base, commits)
            say(f"{self.directory.name}: {count} files updated")
        elif base.origin != record["origin"]:
            self.finish(base, commits)
        return commits

    def edited(self):
        """Whether the tree has what was not assembled from the repository."""
        record = self.record()
        return record is not None and (
            self.git.rev("HEAD") != record["head"] or
            self.snapshot() != self.tree_of(record["head"]))

    def discard(self):
        """Throw away what the tree has and the repository has not."""
        record = self.record()
        if record is None:
            raise Fail(f"there is no {self.directory}")
        self._recover()
        content = self.snapshot()
        lost = self.changes(record["head"], content)
        (self.private / MARKER).write_text(record["head"] + "\n",
                                           encoding="ascii")
        self.git.run("add", "-A")
        self.git.run("read-tree", "-m", "-u", content, record["head"])
        self.git.run("update-ref", BRANCH, record["head"])
        self.git.run("symbolic-ref", "HEAD", BRANCH)
        (self.private / MARKER).unlink()
        return sorted(lost)

    def status(self, base, lines):
        """Say how repository and tree differ; return whether they do."""
        record = self.record()
        if record is None:
            say(f"{self.directory.name}: not assembled yet")
            return True
        commits = chain.compute(self.git, self.repo, base.commit, lines)
        head = commits[-1].commit if commits else base.commit
        differs = False
        letters = {"A": "new", "M": "changed", "D": "deleted"}
        changed = self.changes(record["head"], head)
        if head != record["head"]:
            differs = True
            say("in the repository, not in the tree (make tree takes it over):")
            for name, letter in sorted(changed.items()):
                say(f"  {letters.get(letter, letter):8} {name}")
            if not changed:
                say("  commit messages or the split into commits")
        changed = self.changes(record["head"], self.snapshot())
        if changed:
            differs = True
            say("in the tree, not in the repository (make refresh takes it "
                "over):")
            for name, letter in sorted(changed.items()):
                say(f"  {letters.get(letter, letter):8} {name}")
        if self.git.rev("HEAD") != record["head"]:
            differs = True
            say("commits in the tree that are not in the series:")
            known = {c.commit for c in record["chain"]}
            rows = self.git.text("log", "--reverse", "--format=%H %h %s",
                                 f"{record['base']}..HEAD")
            for row in rows.splitlines():
                digest, _, rest = row.partition(" ")
                if digest not in known:
                    say(f"  {rest}")
        if not differs:
            say(f"{self.directory.name} is what the repository says: Linux "
                f"{record['version']} ({record['origin']}) and "
                f"{len(record['chain'])} patches")
        return differs


def named(name=None):
    """The tree build/linux, or build/linux-NAME."""
    return Tree(paths.BUILD / (f"linux-{name}" if name else "linux"))


def select(repo, topic=None, commits=None, alone=None):
    """The lines of the series.

    topic, commits: up to the end of a topic, or a number of commits.
    alone: a topic and what it needs, without the others.
    """
    lines = series.read(repo)
    if topic:
        text = (repo / "patches" / "series").read_text(encoding="utf-8")
        lines = series.until_topic(lines, series.topics(text), topic)
    if alone:
        text = (repo / "patches" / "series").read_text(encoding="utf-8")
        lines = series.alone(lines, series.needs(text), alone)
    if commits is not None:
        if not 0 <= commits <= len(lines):
            raise Fail(f"the series has {len(lines)} commits, not {commits}")
        lines = lines[:commits]
    return lines
