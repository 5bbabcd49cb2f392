# SPDX-License-Identifier: GPL-2.0
"""patches/series: which patch comes when, and which new files belong to it."""

import dataclasses
import os
import re
from pathlib import Path

from . import git
from .ui import Fail

# Where a file of the repository is a file of the kernel.
ROOTS = ("arch", "block", "certs", "crypto", "Documentation", "drivers", "fs",
         "include", "init", "io_uring", "ipc", "kernel", "lib", "mm", "net",
         "rust", "samples", "security", "sound", "tools", "usr", "virt")

# '# topic: NAME', and what the topic does not apply or work without: names of
# topics, or of single patches of a topic.
# An unsent topic is of use here only.
_TOPIC = re.compile(r"^#\s*topic:\s*(\S+)(\s+unsent)?"
                    r"(?:\s+needs:\s*(\S.*?))?\s*$", re.M)


@dataclasses.dataclass
class Line:
    """One line of the series, which is one commit."""
    patch: str
    words: list
    topic: str | None
    number: int
    files: list = dataclasses.field(default_factory=list)
    # {one of the files: the patches of later lines that change it}
    later: dict = dataclasses.field(default_factory=dict)


def parse(text: str) -> list[Line]:
    """The lines of a series."""
    lines, topic = [], None
    for number, raw in enumerate(text.splitlines(), 1):
        marker = _TOPIC.match(raw)
        if marker:
            topic = marker.group(1)
        words = raw.split("#")[0].split()
        if words:
            lines.append(Line(words[0], words[1:], topic, number))
    return lines


def read(repo: Path) -> list[Line]:
    """Parse patches/series and say which new files each line adds."""
    path = repo / "patches" / "series"
    if not path.exists():
        raise Fail("patches/series is missing")
    lines = parse(path.read_text(encoding="utf-8"))
    _check_patches(repo, lines)
    _assign(lines, new_files(repo))
    _find_later(repo, lines)
    return lines


def new_files(repo: Path) -> list[str]:
    """The repository's files at in-tree paths, ignored ones left out."""
    roots = [r for r in ROOTS if (repo / r).is_dir()]
    if not roots:
        return []
    names = git.Git(repo).names("ls-files", "-z", "-c", "-o",
                                "--exclude-standard", "--", *roots)
    found = sorted({n for n in names if os.path.lexists(repo / n)})
    for name in found:
        if (repo / name).is_symlink():
            raise Fail(f"{name} is a symbolic link: put the file itself there")
    return found


def _check_patches(repo: Path, lines: list[Line]) -> None:
    seen = set()
    for line in lines:
        where = f"patches/series:{line.number}"
        if line.patch in seen:
            raise Fail(f"{where}: {line.patch} is listed twice")
        seen.add(line.patch)
        if not (repo / "patches" / line.patch).is_file():
            raise Fail(f"{where}: there is no patches/{line.patch}")
    extra = sorted(p.name for p in (repo / "patches").glob("*.patch")
                   if p.name not in seen)
    if extra:
        raise Fail("not in patches/series: " + ", ".join(extra) +
                   "; add a line for each, or remove the file")


def _assign(lines: list[Line], files: list[str]) -> None:
    """Give every new file to one line: by its name, else by its directory."""
    by_name: dict[str, Line] = {}
    by_directory: dict[str, Line] = {}
    for line in lines:
        for word in line.words:
            table = by_directory if word.endswith("/") else by_name
            if word in table:
                raise Fail(f"patches/series:{line.number}: {word} already "
                           f"belongs to {table[word].patch}")
            table[word] = line
    stray = []
    for name in files:
        owner = by_name.get(name)
        directory = name
        while owner is None and "/" in directory:
            directory = directory.rpartition("/")[0]
            owner = by_directory.get(directory + "/")
        if owner is None:
            stray.append(name)
        else:
            owner.files.append(name)
    if stray:
        more = f" and {len(stray) - 6} more" if len(stray) > 6 else ""
        raise Fail("belonging to no line of patches/series: " +
                   ", ".join(stray[:6]) + more + "; name each in the line "
                   "whose commit adds it, or remove it")
    for line in lines:
        for word in line.words:
            if word.endswith("/"):
                named = any(f.startswith(word) for f in line.files)
            else:
                named = word in line.files
            if not named:
                raise Fail(f"patches/series:{line.number}: {word} names "
                           "nothing in the repository")


def changed_files(diff: str) -> list[str]:
    """The files that a diff changes, not those that it removes."""
    return re.findall(r"^\+\+\+ b/([^\t\n]+)", diff, re.M)


def _find_later(repo: Path, lines: list[Line]) -> None:
    """Say for every new file which patches of later lines change it.

    The repository has the file as all of the series leaves it.
    """
    owner = {name: number for number, line in enumerate(lines)
             for name in line.files}
    for number, line in enumerate(lines):
        text = (repo / "patches" / line.patch).read_text(encoding="utf-8")
        for name in changed_files(text):
            if name not in owner:
                continue
            first = lines[owner[name]]
            if owner[name] >= number:
                raise Fail(f"patches/{line.patch} changes {name}, which "
                           f"{first.patch} adds: only a later line may change "
                           "a new file")
            first.later.setdefault(name, []).append(line.patch)


def topics(text: str) -> list[str]:
    """The topics of a series, in order."""
    return [name for name, _, _ in _TOPIC.findall(text)]


def sent(text: str) -> list[str]:
    """The topics that are sent, in order."""
    return [name for name, unsent, _ in _TOPIC.findall(text) if not unsent]


def needs(text: str) -> dict[str, list[str]]:
    """{topic: what it needs, as its line says}."""
    return {name: words.split() for name, _, words in _TOPIC.findall(text)}


def alone(lines: list[Line], needed: dict[str, list[str]], topic: str) -> list[Line]:
    """The lines of a topic and of what it needs, in the order of the series."""
    if topic not in needed:
        raise Fail(f"patches/series has no topic '{topic}' (it has: "
                   f"{', '.join(needed) or 'none'})")
    order, wanted, rest = list(needed), set(), [topic]
    at = {line.patch: line.topic or "" for line in lines}
    while rest:
        name = rest.pop()
        wanted.add(name)
        for word in needed[name]:
            if word not in needed and word not in at:
                raise Fail(f"patches/series: topic {name} needs {word}, which "
                           "is neither a topic nor a patch")
            if order.index(at.get(word, word)) >= order.index(name):
                raise Fail(f"patches/series: topic {name} needs {word}, which "
                           "does not come before it")
            if word in at:
                wanted.add(word)
            elif word not in wanted:
                rest.append(word)
    return [line for line in lines if line.topic in wanted or
            line.patch in wanted]


def until_topic(lines: list[Line], order: list[str], topic: str) -> list[Line]:
    """The lines up to the end of a topic, of the topics in `order`."""
    if topic not in order:
        raise Fail(f"patches/series has no topic '{topic}' (it has: "
                   f"{', '.join(order) or 'none'})")
    later = order[order.index(topic) + 1:]
    return [line for line in lines if line.topic not in later]


def split_patch(text: str, name: str) -> tuple[str, str]:
    """Commit message and diff of a patch file."""
    match = re.search(r"^---[ \t]*$\n?", text, re.M)
    if not match:
        raise Fail(f"patches/{name}: no line '---' ends the commit message")
    message, diff = text[:match.start()].strip("\n"), text[match.end():]
    rows = message.splitlines()
    if not rows or not re.match(r"\S.*: \S", rows[0]):
        raise Fail(f"patches/{name}: the first line is no subject of the form "
                   "'subsystem: what'")
    if len(rows) < 3 or rows[1]:
        raise Fail(f"patches/{name}: a subject, an empty line and a text that "
                   "says why must come before '---'")
    created = re.search(r"^--- /dev/null\n\+\+\+ b/(.*)$", diff, re.M)
    if created:
        raise Fail(f"patches/{name} creates {created.group(1)}: put the file "
                   "at that path in the repository and name it in "
                   "patches/series")
    return message + "\n", diff
