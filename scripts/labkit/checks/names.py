# SPDX-License-Identifier: GPL-2.0
"""Documents and code name the same things."""

import re
from collections.abc import Iterator
from typing import TextIO

from .. import git, paths
from .context import Context, Outcome

_DRIVER = "drivers/gpu/drm/panthor/"
# (where code prints lines "name value" and creates files, the page about it)
SHOWN = ((_DRIVER + "reclaim/", "Documentation/gpu/panthor-reclaim.rst"),
         (_DRIVER + "model/", "Documentation/gpu/panthor-model.rst"))

_PRINT = re.compile(r'(?:drm|seq)_printf\(\w+, "([a-z]\w*(?:%[a-z]+\w*)*) '
                    r'%l{0,2}[dux]\\n"')
_PRINT_ALL = re.compile(r'(?:drm|seq)_printf\(\w+, "%s %l{0,2}[dux]\\n", '
                        r'(\w+)\[')
# Files of debugfs and of sysfs, module parameters
_CREATE = re.compile(r'debugfs_create_(?:file|atomic_t|u\d+)\("([\w-]+)"|'
                     r"\b__BIN_ATTR_[A-Z]+\((\w+),|"
                     r"\bmodule_param\((\w+),")
_STAT = re.compile(r"^STAT\(\w+, (\w+),", re.M)
# What stands for a part of a name: in a format, in a page
_PART = re.compile(r"%[a-z]+|<\w+>|(?<=_)ID(?=_)")
_EDGE = re.compile(r"=+ +=+$")


def plain(name: str) -> str:
    """A name with X for what varies in it."""
    return _PART.sub("X", name)


def printed(text: str, stats: list[str]) -> set[str]:
    """The names in lines "name value" that a C file prints.

    stats: the names that stat_names[] has if it is made of STAT().
    """
    found = {plain(name) for name in _PRINT.findall(text)}
    for array in _PRINT_ALL.findall(text):
        body = re.search(rf"\b{array}\[\w*\] = \{{\n(.*?)^\}};", text,
                         re.M | re.S)
        if body:
            found.update(stats if "STAT(" in body[1]
                         else re.findall(r'"(\w+)"', body[1]))
    return found


def tables(text: str) -> Iterator[tuple[str, set[str]]]:
    """(title, names) of the first columns of the simple tables of a page."""
    for block in re.split(r"\n\s*\n", text):
        rows = block.splitlines()
        edges = [n for n, row in enumerate(rows) if _EDGE.match(row)]
        if len(edges) < 2 or edges[0]:
            continue
        width = rows[0].index(" ")
        title = rows[1][:width].strip() if len(edges) > 2 else ""
        words = [word for row in rows[edges[-2] + 1:edges[-1]]
                 for word in re.split(r",\s*", row[:width].strip())]
        yield title, {plain(word) for word in words if word}


def documented(text: str) -> set[str]:
    """Names that a page explains: in tables of lines, and as terms."""
    found = set()
    for title, names in tables(text):
        if title in ("", "line"):
            found |= names
    for row in re.findall(r"^ *(``[\w<>.]+``(?:, ``[\w<>.]+``)*)$", text, re.M):
        found.update(plain(name) for name in re.findall(r"``(.*?)``", row))
    return found


def shown(texts: dict[str, str], page: str) -> tuple[int, list[str]]:
    """(number of names, what is wrong) with {name: C text} and its page.

    A page explains each line and names each file; what it explains is there.
    """
    lists = [name for name in texts if name.endswith("_stat_list.h")]
    stats = [s for name in lists for s in _STAT.findall(texts[name])]
    lines = {n for text in texts.values() for n in printed(text, stats)}
    files = {n for text in texts.values()
             for groups in _CREATE.findall(text) for n in groups if n}
    parts = {n for text in texts.values()
             for body in re.findall(r"\bclass_names\[\w*\] = \{(.*?)^\};", text,
                                    re.M | re.S)
             for n in re.findall(r'"(\w+)"', body)}
    told, wrong = documented(page), []
    for name in lists:
        # The page has the list itself in it.
        start = re.search(r"literalinclude:: \S*/" + re.escape(
            name.rpartition("/")[2]) + r"\n.*?:start-at: STAT\((\w+)", page, re.S)
        if start and texts[name].find("\nSTAT(") == \
           texts[name].find(f"\nSTAT({start[1]},"):
            told.update(stats)
        else:
            wrong.append(f"{name} is not in the page from its start")
    wrong += [f"line '{n}' is not explained" for n in sorted(lines - told)]
    wrong += [f"file '{n}' is not named" for n in sorted(files - told)
              if not re.search(rf"(?<![\w-]){n}(?![\w-])", page)]
    wrong += [f"'{n}' is explained, but no line or file"
              for n in sorted(told - lines - files - parts)]
    return len(lines | files), wrong


# Documents, and code in which what they name is to be found
_DOCUMENT = re.compile(r"(\.md|\.rst|/README|^Documentation/.*)$")
_QUOTED = re.compile(r"``(.+?)``|`([^`\n]+?)`", re.S)
_CALL = re.compile(r"\b([a-z]\w*)\(\)")
_OURS = re.compile(r"\b(?:panthor|pmodel|pan|shmem|DRM_PANTHOR|PANTHOR|CONFIG)_\w+")
# Not absolute; '../' before it does not matter
_HERE = r"(?<![\w/.<$*-])(?:\.{1,2}/)*"
_FILE = re.compile(_HERE + r"((?:[\w*{},-]+/)*[\w*-]+\."
                   r"(?:[chS]|py|md|rst|config|toml|patch|sh))(?![\w.])")
_PATH = re.compile(_HERE + r"((?:scripts|configs|patches|docs|base|bench|tools|"
                   r"drivers|mm|include|Documentation|kernel|lib)/"
                   r"[\w./*{},-]*[\w*}/])")
_WORD = re.compile(r"(?<![\w.$<-])[A-Za-z]\w*_\w+(?![\w/>*]|-\w)")
_VARIABLE = re.compile(r"\b([A-Z][A-Z_]*)=")
_OPTION = re.compile(r"(?<![\w-])(--[a-z][\w-]+)")

# Names that documents have and code does not: (name, why)
FOREIGN = (
    ("--dry-run", "an option of git send-email"),
    ("bench/NAME", "an example"),
    ("drivers/gpu/drm/panthor/new_file.c", "an example"),
    ("name.patch", "an example"),
    ("tools/new_directory/", "an example"),
)


def mentioned(text: str) -> dict[str, set[str]]:
    """{kind: names} of code that a document mentions."""
    quoted = [a or b for a, b in _QUOTED.findall(text)]
    found = {"word": set(_CALL.findall(text)) | set(_OURS.findall(text)),
             "file": set(_FILE.findall(text)) | set(_PATH.findall(text)),
             "option": set()}
    for piece in quoted:
        found["word"].update(_WORD.findall(piece))
        found["word"].update(_VARIABLE.findall(piece))
        found["option"].update(_OPTION.findall(piece))
    found["word"] = {w for w in found["word"]
                     if not any(w in f for f in found["file"])}
    return found


class Code:
    """What there is: words and files of the repository, then of the kernel."""

    def __init__(self, context: Context) -> None:
        self.context = context
        names = git.Git(paths.REPO).names("ls-files", "-z", "-c", "-o",
                                          "--exclude-standard")
        self.documents, self.text, self.words = {}, "", set()
        for name in names:
            path = paths.REPO / name
            if not path.is_file():
                continue
            text = path.read_text(encoding="utf-8", errors="replace")
            if _DOCUMENT.search(name):
                self.documents[name] = text
            else:
                self.text += text
        self.words = set(re.findall(r"\w+", self.text))
        self.files = ["/" + n for n in names + context.tree.git.names(
            "ls-tree", "-r", "-z", "--name-only", context.commits[-1].commit)]

    def has_word(self, word: str) -> bool:
        """Whether the repository has a word, or one that begins with 'word_'."""
        return word in self.words or word.endswith("_") and \
            any(one.startswith(word) for one in self.words)

    def kernel(self, words: set[str]) -> set[str]:
        """Those of the words that the kernel has anywhere."""
        if not words:
            return set()
        done = self.context.tree.git.run(
            "grep", "-hwoFI", "-f", "-", self.context.commits[-1].commit,
            "--", ":!Documentation/gpu/panthor-*", data="\n".join(
                sorted(words)).encode(), check=False)
        return set(done.stdout.decode(errors="replace").split())

    def has_file(self, name: str) -> bool:
        """Whether a file, a directory, or what a pattern means is there."""
        for one in alternatives(name.rstrip("/.")):
            pattern = re.compile(re.escape(one).replace(r"\*", "[^/]*") +
                                 r"(?:/|$)")
            lead = "" if one.startswith("_") else "/"
            if not any(pattern.match(f, at + len(lead))
                       for f in self.files
                       for at in _starts(f, lead + one.split("*")[0])):
                return False
        return True


def _starts(text: str, part: str) -> Iterator[int]:
    at = text.find(part)
    while at >= 0:
        yield at
        at = text.find(part, at + 1)


def alternatives(name: str) -> list[str]:
    """a{b,c} stands for ab and ac."""
    match = re.match(r"(.*?)\{([^{}]*)\}(.*)", name)
    if not match:
        return [name]
    return [whole for middle in match[2].split(",")
            for whole in alternatives(match[1] + middle + match[3])]


def check(context: Context, log: TextIO) -> Outcome:
    """Lines and files of debugfs and sysfs; every name of every document."""
    outcome = Outcome("names")
    code = Code(context)
    for where, page in SHOWN:
        texts = {n: (paths.REPO / n).read_text("utf-8")
                 for n in (f[1:] for f in code.files)
                 if n.startswith(where) and "/tests/" not in n and
                 (paths.REPO / n).is_file() and n.endswith((".c", ".h"))}
        number, wrong = shown(texts, code.documents[page])
        outcome.checked += number
        outcome.add(page, wrong, "it does not agree with the code")
    found = {name: mentioned(text) for name, text in code.documents.items()}
    foreign = {name for name, _ in FOREIGN}
    missing = {w for kinds in found.values() for w in kinds["word"]
               if not code.has_word(w)}
    missing -= code.kernel(missing)
    unused = foreign - {w for kinds in found.values() for one in kinds.values()
                        for w in one}
    outcome.add("names of others", [f"{n}: no document has it" for n in unused])
    for name, kinds in sorted(found.items()):
        kinds = {kind: words - foreign for kind, words in kinds.items()}
        wrong = sorted(f"{w}: no such name" for w in kinds["word"] & missing)
        wrong += sorted(f"{f}: no such file" for f in kinds["file"]
                        if not code.has_file(f))
        wrong += sorted(f"{o}: no such option" for o in kinds["option"]
                        if o not in code.text)
        outcome.checked += sum(map(len, kinds.values()))
        log.write("".join(f"{name}: {row}\n" for row in wrong))
        if wrong:
            outcome.add(name, wrong, "it names what is not there")
    outcome.add("documents have names", [] if found else ["none"])
    return outcome
