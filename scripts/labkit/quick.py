# SPDX-License-Identifier: GPL-2.0
"""`make check QUICK=1` as a lane."""

from . import paths
from .checks import context, table
from .lane import Lane

# The lane static does them
_ELSEWHERE = ("shell", "unit-tests")


def _check(lane):
    context.LOGS.mkdir(parents=True, exist_ok=True)
    with paths.lock(context.LOGS / ".lock", "checking"):
        ctx = context.Context.make()
        ctx.stats()
        wanted = [check for check in table.checks(ctx)
                  if check.quick and check.name not in _ELSEWHERE]
        for check, outcome, _ in table.run(ctx, wanted):
            lane.add(check.name, outcome.results)


def main():
    """The lane."""
    lane = Lane("quick")
    return lane.judge(lambda: _check(lane))
