# SPDX-License-Identifier: GPL-2.0
"""bench/scenarios.toml, and the goals in it."""

import dataclasses
import operator
import re
import statistics
import tomllib
from collections.abc import Callable

from ..ui import Fail

_OPERATORS: dict[str, Callable] = {
    "<": operator.lt, "<=": operator.le, "==": operator.eq,
    ">=": operator.ge, ">": operator.gt}
_CONDITION = re.compile(r"^(series|mainline|ratio)\.(min|median|max)\s*"
                        r"(<=|>=|==|<|>)\s*(-?\d+(?:\.\d+)?)$")
_STATISTICS: dict[str, Callable] = {
    "min": min, "max": max, "median": statistics.median}
RUNNERS = ("uml", "x86_64", "arm64")
# Seconds that a run in a UML guest may take
LIMIT = 180


class Goal:
    """Conditions on numbers; parsed once, so that a slip shows at once."""

    def __init__(self, text):
        self.text = text
        self.conditions = []
        for part in text.split(" and "):
            match = _CONDITION.match(part.strip())
            if not match:
                raise Fail(f"the goal '{text}' is not understood: conditions "
                           "are like 'series.min >= 95', joined by 'and'")
            side, name, sign, number = match.groups()
            self.conditions.append((side, name, sign, float(number)))

    def met(self, numbers):
        """Whether it holds; a number that there is not fulfils nothing."""
        return all(numbers.get(side) and
                   _OPERATORS[sign](_STATISTICS[name](numbers[side]), number)
                   for side, name, sign, number in self.conditions)

    def line(self):
        """The number that the series' own values are compared with, if any."""
        for side, _, _, number in self.conditions:
            if side == "series":
                return number
        return None


@dataclasses.dataclass
class Metric:
    """A number that a scenario prints."""
    name: str
    title: str
    unit: str
    better: str
    goal: Goal
    good: bool = False


@dataclasses.dataclass
class Scenario:
    """A scenario and its metrics."""
    name: str
    title: str
    runner: str
    metrics: list
    limit: int = LIMIT
    # Why it is not played on mainline
    mainline: str = ""


def _take(what, given, needed, optional=()):
    wrong = set(needed) - set(given) or set(given) - set(needed) - set(optional)
    if wrong:
        raise Fail(f"bench/scenarios.toml: {what}: '{sorted(wrong)[0]}' is "
                   "missing or unknown")


def parse(text):
    """The scenarios in the text of the table."""
    try:
        found = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise Fail(f"bench/scenarios.toml: {error}") from error
    scenarios = []
    for given in found.get("scenario", []):
        what = given.get("name", "a scenario")
        _take(what, given, ("name", "title", "runner", "metric"),
              ("limit", "mainline"))
        if given["runner"] not in RUNNERS:
            raise Fail(f"bench/scenarios.toml: {what}: runner is one of "
                       f"{', '.join(RUNNERS)}")
        metrics = []
        for row in given["metric"]:
            _take(f"{what}: {row.get('name')}", row,
                  ("name", "title", "unit", "better", "goal"), ("good",))
            if row["better"] not in ("higher", "lower"):
                raise Fail(f"bench/scenarios.toml: {what}: better is 'higher' "
                           "or 'lower'")
            metrics.append(Metric(**dict(row, goal=Goal(row["goal"]))))
        scenarios.append(Scenario(what, given["title"], given["runner"],
                                  metrics, given.get("limit", LIMIT),
                                  given.get("mainline", "")))
    if not scenarios:
        raise Fail("bench/scenarios.toml has no scenario")
    return scenarios
