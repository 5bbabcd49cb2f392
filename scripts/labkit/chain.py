# SPDX-License-Identifier: GPL-2.0
"""The series as commits: computed without a work tree, remembered by content.

A commit depends on its parent, its patch and its new files only. Whatever is
unchanged since the last time is taken from there.

The repository has new files as the whole series leaves them. Where patches of
later lines change one, the commit that adds it has it without them.
"""

import dataclasses
import hashlib
import json
import os
import re
import stat

from . import series
from .ui import Fail

MEMORY = "assembly.json"


@dataclasses.dataclass(frozen=True)
class Commit:
    """A commit of the series and the line it was made from."""
    commit: str
    parent: str
    patch: str
    digest: str
    files: tuple


def _blobs(tree_git, repo, names, write):
    """(mode, hash) of files of the repository."""
    if not names:
        return {}
    args = ["hash-object", "--no-filters", "--stdin-paths"]
    if write:
        args.insert(1, "-w")
    listing = "".join(f"{repo / n}\n" for n in names)
    hashes = tree_git.text(*args, data=os.fsencode(listing)).split("\n")
    found = {}
    for name, digest in zip(names, hashes, strict=True):
        executable = os.stat(repo / name).st_mode & stat.S_IXUSR
        found[name] = ("100755" if executable else "100644", digest)
    return found


def before(tree_git, text, patch, name, entry, index):
    """A file (mode, hash) before a patch changed it; None if it does not fit."""
    _, diff = series.split_patch(text.decode(), patch)
    tree_git.run("read-tree", "--empty", index=index)
    tree_git.run("update-index", "--add", "--cacheinfo",
                 f"{entry[0]},{entry[1]},{name}", index=index)
    done = tree_git.run("apply", "--cached", "-R", "--whitespace=nowarn",
                        f"--include={name}", data=diff.encode(), index=index,
                        check=False)
    if done.returncode:
        return None
    row = tree_git.text("ls-files", "-s", "--", name, index=index)
    return tuple(row.split()[:2]) if row else None


def _as_added(tree_git, repo, line, own, index):
    """The new files of a line as its commit adds them."""
    if line.later:
        own.update(_blobs(tree_git, repo, list(line.later), write=True))
    for name, patches in line.later.items():
        for patch in reversed(patches):
            text = (repo / "patches" / patch).read_bytes()
            own[name] = before(tree_git, text, patch, name, own[name], index)
            if own[name] is None:
                raise Fail(f"patches/{patch} cannot be taken back from {name}, "
                           f"which {line.patch} adds: the repository must have "
                           "that file as all of the series leaves it")
    return own


def _key(parent, patch, blobs):
    digest = hashlib.sha256(parent.encode() + b"\0" + patch + b"\0")
    for name in sorted(blobs):
        mode, blob = blobs[name]
        digest.update(os.fsencode(f"{mode} {blob} {name}\n"))
    return digest.hexdigest()


def _make(tree_git, parent, line, patch, blobs, index):
    """Make the commit of one line on its parent; return its hash."""
    message, diff = series.split_patch(patch.decode(), line.patch)
    if tree_git.run("read-tree", parent, index=index, check=False).returncode:
        raise Fail(f"the commit {parent} of {tree_git.directory} is damaged: "
                   "remove that directory and run the command again")
    clash = tree_git.names("ls-files", "-z", "--", *blobs, index=index) \
        if blobs else []
    if clash:
        raise Fail(f"{clash[0]} is already in the tree before {line.patch}: "
                   "change it by a patch")
    if re.search(r"^diff --git |^--- ", diff, re.M):
        done = tree_git.run("apply", "--cached", "--whitespace=nowarn",
                            data=diff.encode(), index=index, check=False)
        if done.returncode:
            words = done.stderr.decode(errors="replace").strip()
            raise Fail(f"patches/{line.patch} does not apply:\n{words}")
    elif not blobs:
        raise Fail(f"patches/{line.patch} changes nothing and adds no file")
    listing = "".join(f"{mode} {digest}\t{name}\0"
                      for name, (mode, digest) in blobs.items())
    tree_git.run("update-index", "-z", "--index-info",
                 data=os.fsencode(listing), index=index)
    tree = tree_git.text("write-tree", index=index)
    return tree_git.text("commit-tree", tree, "-p", parent,
                         data=message.encode())


def compute(tree_git, repo, base_commit, lines):
    """Make the commits of the lines; return them in order."""
    directory = tree_git.directory / ".git"
    try:
        memory = json.loads((directory / MEMORY).read_text(encoding="ascii"))
    except (OSError, ValueError):
        memory = {}
    index = directory / "assembly.index"
    names = [n for line in lines for n in line.files]
    blobs = _blobs(tree_git, repo, names, write=False)
    chain, used, parent = [], {}, base_commit
    try:
        for line in lines:
            patch = (repo / "patches" / line.patch).read_bytes()
            own = _as_added(tree_git, repo, line,
                            {n: blobs[n] for n in line.files}, index)
            key = _key(parent, patch, own)
            commit = memory.get(key)
            if commit is None or not tree_git.has(commit):
                own = _as_added(tree_git, repo, line, _blobs(
                    tree_git, repo, line.files, write=True), index)
                key = _key(parent, patch, own)
                commit = _make(tree_git, parent, line, patch, own, index)
            used[key] = commit
            chain.append(Commit(commit, parent, line.patch,
                                hashlib.sha256(patch).hexdigest(),
                                tuple(line.files)))
            parent = commit
    finally:
        index.unlink(missing_ok=True)
    if all(memory.get(k) == v for k, v in used.items()):
        return chain
    memory.update(used)
    if set(memory) != set(used) and len(memory) > 4 * len(used) + 64:
        memory = used
    temporary = directory / (MEMORY + ".new")
    temporary.write_text(json.dumps(memory, indent=1) + "\n", encoding="ascii")
    temporary.replace(directory / MEMORY)
    return chain
