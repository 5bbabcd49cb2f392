# SPDX-License-Identifier: GPL-2.0
"""To whom the mails go, as the kernel's get_maintainer.pl knows."""

import re
import subprocess

from .ui import Fail

_LINE = re.compile(r"^(?P<address>.+?@\S+) \((?P<role>.*)\)$")
_TO = ("maintainer", "supporter", "odd fixer")


def parse(text):
    """[(header, address, role)] of what get_maintainer.pl prints."""
    found = []
    for line in text.splitlines():
        match = _LINE.match(line.strip())
        if not match:
            raise Fail("get_maintainer.pl printed what is no recipient: "
                       f"'{line}'")
        role = match.group("role")
        header = "To" if role.split(":")[0] in _TO else "Cc"
        found.append((header, match.group("address"), role))
    return sorted(found, key=lambda row: row[0] != "To")


def ask(tree, *names):
    """Ask for patches, or with -f for files; returns what parse() does."""
    done = subprocess.run(
        ["perl", "scripts/get_maintainer.pl", "--nogit", "--nogit-fallback",
         "--nofixes", "--roles", *names], cwd=tree, capture_output=True,
        text=True, check=False)
    if done.returncode:
        raise Fail(f"get_maintainer.pl failed: {done.stderr.strip()}")
    return parse(done.stdout)


def write(path, rows):
    """One recipient a line, with the reason after a '#'."""
    path.write_text("".join(f"{h}: {a}  # {r}\n" for h, a, r in rows),
                    encoding="utf-8")
