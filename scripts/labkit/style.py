# SPDX-License-Identifier: GPL-2.0
"""Functions and comments of C and Python files, found by how they are laid out."""

import re

_C_NAME = re.compile(r"(\w+)\(")
_PY_DEF = re.compile(r"( *)(?:async )?def (\w+)")


def _heads(lines: list[str]) -> list[tuple[str, str, int]]:
    """(name, what is before the body, length) of the functions of a C file."""
    found = []
    for start, line in enumerate(lines):
        if line != "{":
            continue
        head = start
        while head and lines[head - 1] and \
                not re.match(r"[};#]|\s*/?\*|.*;$", lines[head - 1]):
            head -= 1
        before = " ".join(lines[head:start])
        name = _C_NAME.search(before)
        end = next((n for n in range(start, len(lines))
                    if lines[n].startswith("}")), None)
        if name and end is not None and lines[end] == "}":
            found.append((name.group(1), before, end - head + 1))
    return found


def c_functions(lines: list[str]) -> list[tuple[str, int]]:
    """(name, length) of the functions of a C file."""
    return [(name, length) for name, _, length in _heads(lines)]


def c_external(lines: list[str]) -> list[str]:
    """Names of the functions of a C file that are not static."""
    return [name for name, before, _ in _heads(lines)
            if not re.match(r"(static|SYSCALL_|TRACE_|DEFINE_)", before)]


def py_functions(lines: list[str]) -> list[tuple[str, int]]:
    """(name, length) of the functions of a Python file."""
    found = []
    for start, line in enumerate(lines):
        match = _PY_DEF.match(line)
        if not match:
            continue
        last = start
        for n in range(start + 1, len(lines)):
            if not lines[n].strip():
                continue
            deeper = lines[n].startswith(match.group(1) + " ") or \
                lines[n].startswith(match.group(1) + ")")
            if not deeper:
                break
            last = n
        found.append((match.group(2), last - start + 1))
    return found


def comment_lines(lines: list[str]) -> int:
    """Number of lines of a C file that have a comment and nothing else."""
    count, inside = 0, False
    for line in lines:
        text = line.strip()
        if inside or text.startswith("/*"):
            count += 1
            inside = "*/" not in text
        elif text.startswith("//"):
            count += 1
    return count
