# SPDX-License-Identifier: GPL-2.0
"""Functions and files that can be read: short, and with names of their own."""

import re
from typing import TextIO

from .. import paths, style
from .context import Context, Outcome
from .repository import python_files

MOST_FUNCTION = 60
MOST_FILE = 700
_C = re.compile(r"\.[ch]$")

# (new files, how functions in them are called that other files may call)
PREFIXES = (
    ("drivers/gpu/drm/panthor/model/", "pmodel_"),
    ("drivers/gpu/drm/panthor/", "panthor_"),
    ("mm/shmem", "shmem_"),
)


def long_functions(name: str, text: str, before: str = "") -> list[str]:
    """Functions of a file that are too long, and were not before."""
    find = style.c_functions if _C.search(name) else style.py_functions
    old = {function for function, length in find(before.splitlines())
           if length > MOST_FUNCTION}
    return [f"{name}: {function}() has {length} lines, more than "
            f"{MOST_FUNCTION}" for function, length in find(text.splitlines())
            if length > MOST_FUNCTION and function not in old]


def long_file(name: str, text: str) -> list[str]:
    """The complaint that a file is too long, or none."""
    lines = text.count("\n")
    return [f"{name}: {lines} lines, more than {MOST_FILE}"] \
        if lines > MOST_FILE else []


def nameless(name: str, text: str) -> list[str]:
    """Functions that other files may call, without the prefix of the file.

    Those of tests are in no driver that is built without them.
    """
    if "/tests/" in name:
        return []
    for where, prefix in PREFIXES:
        if name.startswith(where):
            return [f"{name}: {function}() is to begin with {prefix}"
                    for function in style.c_external(text.splitlines())
                    if not function.startswith(prefix)]
    return []


def check(context: Context, log: TextIO) -> Outcome:
    """New files of the kernel, functions of those it has, scripts, patches."""
    outcome = Outcome("files")
    functions, files, names = [], [], []
    for name, letter in sorted(context.touched().items()):
        if letter == "D" or not _C.search(name):
            continue
        text = (context.tree.directory / name).read_text("utf-8")
        before = "" if letter == "A" else context.tree.git.text(
            "show", f"{context.base.commit}:{name}")
        functions += long_functions(name, text, before)
        if letter == "A":
            files += long_file(name, text)
            names += nameless(name, text)
        outcome.checked += 1
    for name in python_files():
        text = (paths.REPO / name).read_text("utf-8")
        functions += long_functions(name, text)
        files += long_file(name, text)
        outcome.checked += 1
    for patch in sorted((paths.REPO / "patches").glob("*.patch")):
        files += long_file(f"patches/{patch.name}", patch.read_text("utf-8"))
        outcome.checked += 1
    log.write("\n".join(functions + files + names) + "\n")
    outcome.add("functions", functions, "too long")
    outcome.add("files", files, "too long")
    outcome.add("names of functions", names, "without a prefix")
    return outcome
