# SPDX-License-Identifier: GPL-2.0
"""The series as mails: signed off, numbered, and checked with git am."""

import os
import re
import subprocess

from . import git, paths
from .ui import Fail

_IDENT = re.compile(r"^(.+ <[^<>\s]+@[^<>\s]+>) (\d+ [+-]\d{4})$")


def person(repo=paths.REPO):
    """Who runs this, as git was told: ('Name <mail>', 'seconds zone').

    What git would guess from the account and the host is no signature.
    """
    done = subprocess.run(
        ["git", "-C", str(repo), "-c", "user.useConfigOnly=true", "var",
         "GIT_COMMITTER_IDENT"], capture_output=True, text=True, check=False,
        env=dict(os.environ, LC_ALL="C"))
    match = _IDENT.match(done.stdout.strip())
    if done.returncode or not match:
        raise Fail("the mails carry your Signed-off-by, and git was not told "
                   "who you are. Set both and run the command again:\n"
                   "  git config --global user.name 'Your Name'\n"
                   "  git config --global user.email you@example.org")
    return match.groups()


def neutral():
    """The identity of the assembled commits, for mails that nobody sends."""
    return f"{git.IDENTITY} <{git.EMAIL}>", f"{git.EPOCH} +0000"


def sign(tree_git, base, commits, identity):
    """The commits again, by `identity` and signed off; returns the last."""
    who, when = identity
    parent = base
    for commit in commits:
        message = tree_git.text("log", "-1", "--format=%B", commit.commit)
        message = tree_git.text(
            "interpret-trailers", "--if-exists", "addIfDifferent",
            "--trailer", f"Signed-off-by: {who}",
            data=(message.strip("\n") + "\n").encode())
        tree = tree_git.text("rev-parse", f"{commit.commit}^{{tree}}")
        text = (f"tree {tree}\nparent {parent}\nauthor {who} {when}\n"
                f"committer {who} {when}\n\n{message.strip()}\n")
        parent = tree_git.text("hash-object", "-t", "commit", "-w", "--stdin",
                               data=text.encode())
    return parent


def write(tree_git, base, head, directory, version=None, pristine=None):
    """Write the mails of base..head with an empty cover letter.

    With `pristine`, the commit of mainline, the letter says what the mails apply
    to: that commit, and the ids of the patches before. Returns the paths, the
    cover letter first.
    """
    options = ["--cover-letter", "--no-signature", "-o", str(directory)]
    if pristine:
        options.append(f"--base={pristine}")
    if version:
        options.append(f"-v{version}")
    names = tree_git.text("format-patch", *options, f"{base}..{head}")
    mails = [directory / n.rpartition("/")[2] for n in names.splitlines()]
    _cover_from(mails)
    return mails


def _cover_from(mails):
    """git takes the sender of a cover letter from elsewhere: correct it."""
    first = mails[1].read_text(encoding="utf-8")
    found = re.search(r"^From: .*(?:\n[ \t].*)*", first, re.M)
    if not found:
        raise Fail(f"{mails[1].name} has no sender")
    sender = found.group(0)
    cover = mails[0].read_text(encoding="utf-8")
    cover = re.sub(r"^From: .*(?:\n[ \t].*)*", lambda _: sender, cover,
                   count=1, flags=re.M)
    mails[0].write_text(cover, encoding="utf-8")


def apply(repository, base, mails, directory):
    """git am the mails onto the base, in a new work tree; returns its Git.

    Only the files that the mails touch are written to the work tree.
    """
    subprocess.run(["git", "init", "-q", str(directory)], check=True,
                   env=git.environment())
    new = git.Git(directory)
    info = directory / ".git" / "objects" / "info"
    info.mkdir(parents=True, exist_ok=True)
    (info / "alternates").write_text(f"{repository}/objects\n",
                                     encoding="utf-8")
    names = set()
    for mail in mails:
        text = mail.read_text(encoding="utf-8", errors="surrogateescape")
        names |= set(re.findall(r"^diff --git a/(\S+) b/", text, re.M))
    new.run("sparse-checkout", "set", "--no-cone", "--stdin",
            data="".join(f"/{n}\n" for n in sorted(names)).encode())
    new.run("checkout", "-q", "-B", "applied", base)
    new.run("am", "-q", *[str(m) for m in mails])
    return new


def differences(applied, tree_git, base, head):
    """How what git am made differs from base..head: a list of sentences."""
    wrong = []
    want = tree_git.text("rev-parse", f"{head}^{{tree}}")
    got = applied.text("rev-parse", "HEAD^{tree}")
    if want != got:
        wrong.append(f"git am gives the tree {got}, the series is {want}")
    old = tree_git.text("rev-list", "--reverse", f"{base}..{head}").split()
    new = applied.text("rev-list", "--reverse", f"{base}..HEAD").split()
    if len(old) != len(new):
        wrong.append(f"git am made {len(new)} commits of {len(old)}")
    for one, two in zip(old, new):
        before = tree_git.text("log", "-1", "--format=%B", one).strip()
        after = applied.text("log", "-1", "--format=%B", two).strip()
        if before != after:
            wrong.append("git am changes the message of "
                         f"'{before.splitlines()[0]}'")
    return wrong
