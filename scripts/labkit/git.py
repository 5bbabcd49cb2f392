# SPDX-License-Identifier: GPL-2.0
"""git with nothing of the user's configuration and a neutral identity.

Trees, commits and patches come out the same on every machine.
"""

import os
import subprocess
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

from .ui import Fail

IDENTITY = "panthor-reclaim"
EMAIL = "panthor-reclaim@invalid"
EPOCH = 1767225600      # 2026-01-01 00:00:00 UTC

_CONFIG = (
    "core.autocrlf=false", "core.fileMode=true", "core.hooksPath=/dev/null",
    "core.quotePath=false", "core.untrackedCache=false",
    "gc.auto=0", "maintenance.auto=false", "safe.directory=*",
    "advice.detachedHead=false", "init.defaultBranch=series",
    "diff.algorithm=histogram", "diff.renames=false", "commit.gpgSign=false",
)


def environment(date: int = EPOCH, index: Path | None = None) -> dict[str, str]:
    """The environment of a git command, without the caller's GIT_*."""
    env = {k: v for k, v in os.environ.items() if not k.startswith("GIT_")}
    env.update(GIT_CONFIG_GLOBAL="/dev/null", GIT_CONFIG_NOSYSTEM="1",
               GIT_TERMINAL_PROMPT="0", LC_ALL="C",
               GIT_AUTHOR_NAME=IDENTITY, GIT_AUTHOR_EMAIL=EMAIL,
               GIT_AUTHOR_DATE=f"{date} +0000",
               GIT_COMMITTER_NAME=IDENTITY, GIT_COMMITTER_EMAIL=EMAIL,
               GIT_COMMITTER_DATE=f"{date} +0000")
    if index is not None:
        env["GIT_INDEX_FILE"] = str(index)
    return env


class GitError(Fail):
    """A git command that failed; `stderr` holds its own words."""

    def __init__(self, args: tuple[str, ...], directory: Path, stderr: str) -> None:
        self.stderr = stderr.strip()
        super().__init__(f"git {args[0]} failed in {directory}: {self.stderr}")


class Git:
    """A repository and its work tree."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def command(self, *args: str) -> list[str]:
        """The argument vector of a git command in this repository."""
        argv = ["git", "-C", str(self.directory)]
        for item in _CONFIG:
            argv += ["-c", item]
        return argv + list(args)

    def run(self, *args: str, data: bytes | None = None, index: Path | None = None,
            date: int = EPOCH, check: bool = True) -> CompletedProcess[bytes]:
        """Run git; return the completed process with bytes output."""
        done = subprocess.run(self.command(*args), input=data,
                              stdin=None if data is not None
                              else subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              env=environment(date, index), check=False)
        if check and done.returncode:
            raise GitError(args, self.directory,
                           done.stderr.decode(errors="replace"))
        return done

    def text(self, *args: str, **kwargs: Any) -> str:
        """Run git; return its output as text without the final newline."""
        out = self.run(*args, **kwargs).stdout.decode(errors="surrogateescape")
        return out.rstrip("\n")

    def names(self, *args: str, **kwargs: Any) -> list[str]:
        """Run git with -z output; return the list of names."""
        out = self.run(*args, **kwargs).stdout
        return [os.fsdecode(n) for n in out.split(b"\0") if n]

    def has(self, commit: str) -> bool:
        """Whether an object, and that it can be read, is there."""
        return self.run("cat-file", "-e", commit, check=False).returncode == 0

    def rev(self, name: str) -> str | None:
        """The hash of a commit, or None."""
        done = self.run("rev-parse", "-q", "--verify", f"{name}^{{commit}}",
                        check=False)
        return done.stdout.decode().strip() if done.returncode == 0 else None
