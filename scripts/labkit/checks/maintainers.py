# SPDX-License-Identifier: GPL-2.0
"""Every new file has an owner in MAINTAINERS."""

import dataclasses
import re

from .context import Outcome

# Sections that own whatever nobody owns.
_GENERAL = ("THE REST", "DOCUMENTATION", "DRM DRIVERS",
            "DRM DRIVERS AND MISC GPU PATCHES", "KERNEL SELFTEST FRAMEWORK",
            "ABI/API")


@dataclasses.dataclass
class Section:
    """A section of MAINTAINERS: what it owns, as regular expressions."""
    title: str
    owns: list = dataclasses.field(default_factory=list)
    excludes: list = dataclasses.field(default_factory=list)

    def has(self, name):
        """Whether a file belongs to the section."""
        return any(p.match(name) for p in self.owns) and \
            not any(p.match(name) for p in self.excludes)


def pattern(words):
    """An F: or X: pattern: directories end in '/', '*' stays in its part."""
    text = re.escape(words).replace(r"\*", "[^/]*").replace(r"\?", "[^/]")
    return re.compile(text + ("" if words.endswith("/") else "(/|$)"))


def parse(text):
    """The sections of MAINTAINERS that own files."""
    sections: list[Section] = []
    title = None
    for line in text.splitlines():
        if re.match(r"[FX]:\s", line) and title:
            if not sections or sections[-1].title != title:
                sections.append(Section(title))
            kind, words = line.split(None, 1)
            target = sections[-1].owns if kind == "F:" else \
                sections[-1].excludes
            target.append(pattern(words.strip()))
        elif line and not re.match(r"[A-Z]:\s", line) and line[0].isalnum():
            title = line.strip()
    return [s for s in sections if s.owns]


def check(context, log):
    """Look every new file up."""
    outcome = Outcome("new files")
    text = (context.tree.directory / "MAINTAINERS").read_text(encoding="utf-8")
    sections = [s for s in parse(text) if s.title not in _GENERAL]
    new = sorted(n for n, letter in context.touched().items() if letter == "A")
    wrong = []
    for name in new:
        owners = [s.title for s in sections if s.has(name)]
        log.write(f"{name}: {', '.join(owners) or 'nobody'}\n")
        if not owners:
            wrong.append(f"{name}: no entry of MAINTAINERS of its own")
    outcome.checked = len(new) if sections else 0
    outcome.add("MAINTAINERS knows every new file", wrong,
                f"{len(wrong)} files without a maintainer")
    return outcome
