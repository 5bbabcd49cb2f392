# SPDX-License-Identifier: GPL-2.0
"""base/lanes.toml: which lanes there are, and what each takes."""

import dataclasses
import re
import tomllib

from . import arm64, igt, minimal, paths, play, quick, static, uml, x86_64
from .ui import Fail

README = (re.compile(r"<!-- lanes: begin -->\n.*?<!-- lanes: end -->\n", re.S),
          "<!-- lanes: begin -->\n", "<!-- lanes: end -->\n")


@dataclasses.dataclass
class Row:
    """A lane, as its table says."""
    name: str
    says: str
    runner: str
    fragments: tuple = ()
    kernels: tuple = ()
    memory: str = ""
    timeout: int = 0
    effort: int = 100
    only: str | None = None
    processors: int | str = 1
    first: bool = False
    on_request: str = ""

    def check(self) -> None:
        """Fail if the row cannot be what is meant."""
        if not re.fullmatch(r"[a-z0-9_-]+", self.name):
            raise Fail(f"base/lanes.toml: '{self.name}' is no name for a lane")
        if self.runner not in RUNNERS:
            raise Fail(f"base/lanes.toml: {self.name}: there is no runner "
                       f"'{self.runner}'; there are: {', '.join(RUNNERS)}")
        if self.processors != "all" and not isinstance(self.processors, int):
            raise Fail(f"base/lanes.toml: {self.name}: processors is a number, "
                       "or 'all'")
        for name in self.fragments:
            if not (paths.REPO / "configs" / f"{name}.config").is_file():
                raise Fail(f"base/lanes.toml: {self.name}: there is no "
                           f"configs/{name}.config")

    def share(self, at_once: int) -> int:
        """For how many of at_once lanes it stands."""
        return self.processors if isinstance(self.processors, int) else at_once

    def run(self) -> int:
        """Build and test; return the exit status."""
        return RUNNERS[self.runner](self)


def _uml(row: Row) -> int:
    return uml.Tests(row.name, list(row.fragments), row.memory, row.timeout,
                     row.effort, row.only).run()


def _igt(row: Row) -> int:
    return igt.Tests(row.name, list(row.fragments), row.memory,
                     row.timeout).run()


def _arm64(row: Row) -> int:
    return arm64.Tests(row.name, *row.fragments[1:]).run()


def _x86_64(row: Row) -> int:
    return x86_64.Tests(row.name, x86_64.named(row.kernels)).run()


RUNNERS = {
    "static": lambda _: static.main(), "quick": lambda _: quick.main(),
    "tour": lambda _: play.main(), "packages": lambda _: minimal.main(gating()),
    "uml": _uml, "igt": _igt, "arm64": _arm64, "x86_64": _x86_64,
}


def rows(text: str | None = None) -> dict[str, Row]:
    """{name: Row} in the order of the file."""
    if text is None:
        text = (paths.REPO / "base" / "lanes.toml").read_text(encoding="utf-8")
    found = {}
    try:
        for name, fields in tomllib.loads(text).items():
            found[name] = Row(name, **fields)
            found[name].check()
    except (tomllib.TOMLDecodeError, TypeError) as error:
        raise Fail(f"base/lanes.toml: {error}") from error
    return found


def gating() -> list[str]:
    """The lanes that have to pass."""
    return [row.name for row in rows().values() if not row.on_request]


def chosen(names: list[str]) -> list[Row]:
    """The rows of the lanes named, or of those that gate."""
    every = rows()
    unknown = [n for n in names if n not in every]
    if unknown:
        raise Fail(f"there is no lane '{unknown[0]}'; there are: " +
                   ", ".join(every))
    return [every[n] for n in dict.fromkeys(names or gating())]


def readme(text: str, every: dict[str, Row]) -> str:
    """README.md's text with tables of the lanes."""
    found, begin, end = README
    gates = [f"| `{r.name}` | {r.says} |\n" for r in every.values()
             if not r.on_request]
    waits = [f"| `{r.name}` | {r.says} | {r.on_request} |\n"
             for r in every.values() if r.on_request]
    made = begin + "| lane | |\n| --- | --- |\n" + "".join(gates) + \
        "\nThese run if `LANE` names them:\n\n" \
        "| lane | | why not always |\n| --- | --- | --- |\n" + \
        "".join(waits) + end
    if not found.search(text):
        raise Fail("README.md has no line '<!-- lanes: begin -->'")
    return found.sub(lambda _: made, text)
