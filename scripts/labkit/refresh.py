# SPDX-License-Identifier: GPL-2.0
"""Take what was edited in the assembled tree into the repository.

Commits of the tree become patches and new files; edits that are not committed
are folded into the commit that a file belongs to. An edit of a new file that
later patches change belongs to the last of them that it meets, else to the
commit that adds the file.
"""

import dataclasses
import hashlib
import os
import re

from . import chain, series
from .ui import Fail, say


@dataclasses.dataclass
class Entry:
    """A commit that is, or becomes, a line of the series."""
    patch: str | None
    commit: str
    parent: str
    message: str
    mainline: list
    # New files that it changes and an earlier commit adds
    grown: list = dataclasses.field(default_factory=list)
    # Edits: {mainline file: status letter}, {grown file: (mode, blob)}
    override: dict = dataclasses.field(default_factory=dict)
    regrown: dict = dataclasses.field(default_factory=dict)
    words: list = dataclasses.field(default_factory=list)


class Refresh:
    """One run of refresh on one tree."""

    def __init__(self, tree, lines):
        self.tree = tree
        self.git = tree.git
        self.lines = lines
        self.record = tree.record()
        if self.record is None:
            raise Fail(f"there is no {tree.directory}: run 'make tree'")
        self.old = {c.patch: c for c in self.record["chain"]}
        self.content = tree.snapshot()
        self.base_names = None
        self.entries = []
        self.owner = {}
        self.folded = []

    def _in_base(self, names):
        if self.base_names is None:
            self.base_names = set(self.git.names(
                "ls-tree", "-r", "-z", "--name-only", self.record["base"]))
        return [n for n in names if n in self.base_names]

    def _commits(self):
        base = self.record["base"]
        if self.git.run("merge-base", "--is-ancestor", base, "HEAD",
                        check=False).returncode:
            raise Fail("HEAD of the tree no longer descends from the base "
                       f"commit {base[:12]}")
        if self.git.text("rev-list", "--merges", f"{base}..HEAD"):
            raise Fail("the tree has a merge commit; rebase it into a line")
        return self.git.text("rev-list", "--reverse",
                             f"{base}..HEAD").split()

    def _match(self, commits):
        """{commit: patch name} of the commits that the series has."""
        found = {c.commit: c.patch for c in self.old.values()
                 if c.commit in commits}
        free = {self.git.text("log", "-1", "--format=%s", c.commit): c.patch
                for c in self.old.values() if c.commit not in commits}
        for commit in commits:
            subject = self.git.text("log", "-1", "--format=%s", commit)
            if commit not in found and subject in free:
                found[commit] = free.pop(subject)
        order = [found[c] for c in commits if c in found]
        if order != [p for p in self.old if p in order]:
            raise Fail("the commits of the tree are in another order than "
                       "patches/series: reorder the lines there")
        return found

    def read_commits(self):
        """Turn the commits of the tree into entries."""
        commits = self._commits()
        matched = self._match(commits)
        final = set(self.git.names("ls-tree", "-r", "-z", "--name-only",
                                   self.content))
        for commit in commits:
            parent = self.git.rev(f"{commit}~")
            changed = self.tree.changes(parent, commit)
            mainline = self._in_base(changed)
            patch = matched.get(commit)
            entry = Entry(patch, commit, parent, self.git.text(
                "log", "-1", "--format=%B", commit).strip("\n") + "\n",
                mainline)
            rest = [n for n in changed if n not in mainline]
            own = [n for n in rest if n not in self.owner and n in final]
            for name in own:
                self.owner[name] = entry
            if not mainline and not own and patch is None:
                self.folded.append(entry)
                continue
            entry.grown = self._grown(changed, mainline, final)
            if not mainline and not own and not entry.grown:
                continue
            if patch is None:
                entry.words = sorted(own)
            self.entries.append(entry)

    @staticmethod
    def _grown(changed, mainline, final):
        """The new files among a commit's that an earlier one has added."""
        return [name for name, letter in changed.items()
                if letter == "M" and name not in mainline and name in final]

    def _regrow(self, name):
        """Give an edit of a new file to the patch that it meets, if any."""
        row = self.git.text("ls-tree", self.content, "--", name)
        now = tuple(row.split("\t")[0].split()[::2])
        index = self.tree.private / "refresh.index"
        try:
            for entry in reversed([e for e in self.entries if name in e.grown]):
                old = chain.before(
                    self.git, self.render(entry.message, entry.parent,
                                          entry.commit, [name]),
                    entry.patch or entry.commit, name, now, index)
                if old is None:
                    entry.regrown[name] = now
                    return
                now = old
        finally:
            index.unlink(missing_ok=True)

    def read_edits(self):
        """Give every edit that is not committed to an entry."""
        homeless = []
        changed = self.tree.changes(self.git.rev("HEAD"), self.content)
        mainline = set(self._in_base(changed))
        for name, letter in changed.items():
            if name in mainline:
                touching = [e for e in self.entries if name in e.mainline]
                if touching:
                    touching[-1].override[name] = letter
                else:
                    homeless.append(name)
            elif letter == "D":
                continue
            elif name in self.owner:
                self._regrow(name)
            else:
                self.owner[name] = self._directory_owner(name)
                if self.owner[name] is None:
                    homeless.append(name)
        if homeless:
            raise Fail("no patch of the series changes or adds: " +
                       ", ".join(sorted(homeless)) + "; commit it in "
                       f"{self.tree.directory} (git commit), which makes it a "
                       "patch of its own, and run refresh again")

    def _directory_owner(self, name):
        by_patch = {e.patch: e for e in self.entries if e.patch}
        claims = {w: by_patch[line.patch]
                  for line in self.lines for w in line.words
                  if w.endswith("/") and line.patch in by_patch}
        best = max((w for w in claims if name.startswith(w)), key=len,
                   default=None)
        return claims.get(best)

    def _tree_with(self, entry):
        """The tree of an entry's commit with its overridden files."""
        if not entry.override and not entry.regrown:
            return entry.commit
        index = self.tree.private / "refresh.index"
        try:
            self.git.run("read-tree", entry.commit, index=index)
            for name, (mode, digest) in entry.regrown.items():
                self.git.run("update-index", "--add", "--cacheinfo",
                             f"{mode},{digest},{name}", index=index)
            for name, letter in entry.override.items():
                if letter == "D":
                    self.git.run("update-index", "--force-remove", "--", name,
                                 index=index)
                    continue
                mode, _, digest = self.git.text(
                    "ls-tree", self.content, "--", name).split("\t")[0].split()
                self.git.run("update-index", "--add", "--cacheinfo",
                             f"{mode},{digest},{name}", index=index)
            return self.git.text("write-tree", index=index)
        finally:
            index.unlink(missing_ok=True)

    def render(self, message, parent, result, names):
        """The text of a patch file."""
        diff = b""
        if names:
            diff = self.git.run(
                "diff", "--no-color", "--no-ext-diff", "--no-textconv",
                "--abbrev=12", "--src-prefix=a/", "--dst-prefix=b/", parent,
                result, "--", *sorted(names)).stdout
        return message.encode() + b"---\n" + diff

    def patches(self):
        """{patch name: new content} of the patches that change."""
        result, taken = {}, {line.patch for line in self.lines}
        for entry in self.entries:
            text = self.render(entry.message, entry.parent,
                               self._tree_with(entry),
                               entry.mainline + entry.grown)
            if entry.patch is None:
                subject = entry.message.splitlines()[0]
                stem = re.sub(r"[^a-z0-9]+", "-", subject.lower()).strip("-")
                name, number = f"{stem[:60]}.patch", 2
                while name in taken:
                    name, number = f"{stem[:60]}-{number}.patch", number + 1
                taken.add(name)
                entry.patch = name
                result[name] = text
                continue
            old = self.old[entry.patch]
            before = self.git.text("log", "-1", "--format=%B",
                                   old.commit).strip("\n") + "\n"
            changed = self.tree.changes(old.parent, old.commit)
            mainline = self._in_base(changed)
            grown = self._grown(changed, mainline, changed)
            if text != self.render(before, old.parent, old.commit,
                                   mainline + grown):
                result[entry.patch] = text
        return result

    def new_files(self):
        """{name: (mode, blob) or None} of the new files that change."""
        result = {}
        changed = self.tree.changes(self.record["head"], self.content)
        mainline = set(self._in_base(changed))
        for name in changed:
            if name in mainline:
                continue
            row = self.git.text("ls-tree", self.content, "--", name)
            result[name] = tuple(row.split("\t")[0].split()[::2]) \
                if row else None
        return result

    def series_text(self, files):
        """The series with lines added, removed, and words removed."""
        path = self.tree.repo / "patches" / "series"
        kept = {e.patch for e in self.entries}
        known = {line.patch for line in self.lines}
        gone = {n for n, blob in files.items() if blob is None}
        fresh: dict = {}
        after = None
        for entry in self.entries:
            if entry.patch in known:
                after = entry.patch
            else:
                fresh.setdefault(after, []).append(
                    " ".join([entry.patch] + entry.words))
        rows = list(fresh.get(None, []))
        for raw in path.read_text(encoding="utf-8").splitlines():
            words = raw.split("#")[0].split()
            if not words:
                rows.append(raw)
                continue
            if words[0] in kept:
                if gone.intersection(words):
                    raw = " ".join(w for w in words if w not in gone)
                rows.append(raw)
            rows += fresh.get(words[0], [])
        return path, "\n".join(rows) + "\n"

    def _check_untouched(self, patches, files):
        """Refuse to overwrite what has changed in the repository as well."""
        repo, clash = self.tree.repo, []
        for name, text in patches.items():
            path = repo / "patches" / name
            old = self.old.get(name)
            if old and path.exists() and path.read_bytes() != text and \
               hashlib.sha256(path.read_bytes()).hexdigest() != old.digest:
                clash.append(f"patches/{name}")
        for name, blob in files.items():
            row = self.git.text("ls-tree", self.record["head"], "--", name)
            old = row.split("\t")[0].split()[2] if row else None
            path = repo / name
            now = self.git.text("hash-object", "--no-filters", str(path)) \
                if path.is_file() else None
            if now not in (old, blob[1] if blob else None):
                clash.append(name)
        if clash:
            raise Fail("changed both in the repository and in the tree: " +
                       ", ".join(sorted(clash)) + "; make one of them agree "
                       "with the other, then run refresh again")

    def _write(self, patches, files):
        repo = self.tree.repo
        path, text = self.series_text(files)
        for name, content in patches.items():
            (repo / "patches" / name).write_bytes(content)
            say(f"  patches/{name}")
        for name, blob in sorted(files.items()):
            target = repo / name
            if blob is None:
                target.unlink(missing_ok=True)
            else:
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(self.git.run("cat-file", "blob",
                                                blob[1]).stdout)
                os.chmod(target, 0o755 if blob[0] == "100755" else 0o644)
            say(f"  {name}" + (" (removed)" if blob is None else ""))
        kept = {e.patch for e in self.entries}
        for line in self.lines:
            if line.patch not in kept:
                (repo / "patches" / line.patch).unlink()
                say(f"  patches/{line.patch} (removed)")
        if text != path.read_text(encoding="utf-8"):
            path.write_text(text, encoding="utf-8")
            say("  patches/series")

    def _lost(self, base, lines):
        """Edited names whose content the repository would now not give."""
        commits = chain.compute(self.git, self.tree.repo, base.commit, lines)
        head = commits[-1].commit if commits else base.commit
        edited = self.tree.changes(self.record["head"], self.content)
        return sorted(set(edited) & set(self.tree.changes(head, self.content)))

    def run(self, base):
        """Do it; return whether anything was to be done."""
        self.read_commits()
        self.read_edits()
        patches, files = self.patches(), self.new_files()
        dropped = [line for line in self.lines
                   if line.patch not in {e.patch for e in self.entries}]
        ahead = [line for line in dropped if line.patch not in self.old]
        if ahead:
            raise Fail(f"patches/{ahead[0].patch} is in the repository but not "
                       "in the tree, which has edits; take the edits away "
                       "(git stash in the tree), run 'make tree', bring them "
                       "back (git stash pop)")
        if not patches and not files and not dropped and not self.folded:
            return False
        self._check_untouched(patches, files)
        for entry in self.folded:
            say(f"'{entry.message.splitlines()[0]}' only changes new files: "
                "folded into the commits that add them")
        say("refreshed:")
        self._write(patches, files)
        lines = series.read(self.tree.repo)
        lost = self._lost(base, lines)
        if lost:
            raise Fail("the refreshed repository does not give what the tree "
                       "has in: " + ", ".join(lost) + "; the tree is as it "
                       "was, compare with 'git diff' in the repository")
        # The repository's own changes, if any, meet a tree without edits now.
        commits = chain.compute(self.git, self.tree.repo, base.commit, lines)
        self.tree.move(self.content, commits[-1].commit if commits
                       else base.commit, base, commits)
        return True
