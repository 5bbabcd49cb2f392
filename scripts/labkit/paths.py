# SPDX-License-Identifier: GPL-2.0
"""Where things are."""

import contextlib
import fcntl
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from .ui import Fail, note

REPO = Path(__file__).resolve().parent.parent.parent
BUILD = REPO / "build"
LOG = BUILD / "log"
TREE = BUILD / "linux"
TEST = BUILD / "test"


def cache() -> Path:
    """The directory for what is obtained once and used by every checkout."""
    own = os.environ.get("PANTHOR_RECLAIM_CACHE")
    xdg = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    place = Path(own).absolute() if own else Path(xdg) / "panthor-reclaim"
    try:
        place.mkdir(parents=True, exist_ok=True)
        reason = None if os.access(place, os.W_OK) else "Permission denied"
    except OSError as error:
        reason = error.strerror
    if reason:
        raise Fail(f"what is obtained cannot be kept in {place} ({reason}): "
                   "give another place with PANTHOR_RECLAIM_CACHE=path")
    return place


def check_repo_path() -> None:
    """The kernel's build system cannot live below just any directory."""
    if re.search(r"[\s:]", str(REPO)):
        raise Fail(f"the kernel cannot be built below '{REPO}': move the "
                   "checkout to a path without spaces and colons")


def need_space(directory: Path, mebibytes: int, what: str) -> None:
    """Fail in words when a directory's file system is too full for a step."""
    directory.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(directory).free >> 20
    if free < mebibytes:
        raise Fail(f"not enough disk space in {directory} to {what}: "
                   f"{mebibytes} MiB are needed, {free} MiB are free")


@contextlib.contextmanager
def scratch(parent: Path, prefix: str) -> Iterator[Path]:
    """A directory that disappears whatever happens."""
    parent.mkdir(parents=True, exist_ok=True)
    path = Path(tempfile.mkdtemp(prefix=prefix, dir=parent))
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


@contextlib.contextmanager
def lock(path: Path, what: str) -> Iterator[None]:
    """Let one process at a time do something; say so when it has to wait."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "w", encoding="ascii") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            note(f"waiting for another process that is {what}")
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
