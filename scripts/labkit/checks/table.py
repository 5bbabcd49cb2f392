# SPDX-License-Identifier: GPL-2.0
"""All checks, in the order in which they run."""

import dataclasses
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from ..ui import Fail
from . import (builds, cocci, docs, fragments, lengths, mailing, maintainers,
               messages, names, objects, patches, repository, sparse, topics)
from .context import LOGS, Outcome


@dataclasses.dataclass
class Check:
    """One check: function(log) returns its Outcome.

    beside: it lets the tree stand where it is and does not use all processors,
    so that it may run beside those before it.
    """
    name: str
    quick: bool
    function: Callable
    beside: bool = False

    def timed(self):
        """(outcome, seconds) of it."""
        begin = time.monotonic()
        return self.run(), time.monotonic() - begin

    def run(self):
        """Run it to its end, also if it cannot run."""
        with open(LOGS / f"{self.name}.log", "w", encoding="utf-8") as log:
            try:
                return self.function(log).finish()
            except Fail as failure:
                log.write(f"{failure}\n")
                outcome = Outcome("things")
                outcome.add("ran", str(failure).splitlines(),
                            "it could not run")
                return outcome


def checks(ctx):
    """The checks of a series."""
    compiler = objects.Compiler(ctx)
    compiled = builds.Builds(ctx, compiler)
    return [
        Check("applies", True, lambda log: patches.applies(ctx, log)),
        Check("mails", True, lambda log: mailing.check(ctx, log)),
        Check("messages", True, lambda log: messages.check(ctx, log)),
        Check("lengths", True, lambda log: lengths.check(ctx, log)),
        Check("names", True, lambda log: names.check(ctx, log)),
        Check("checkpatch", True, lambda log: patches.checkpatch(ctx, log)),
        Check("maintainers", True, lambda log: maintainers.check(ctx, log)),
        Check("shell", True, lambda log: repository.shell(ctx, log)),
        Check("python", True, lambda log: repository.python(ctx, log)),
        Check("unit-tests", True, lambda log: repository.unit_tests(ctx, log)),
        Check("fragments", True,
              lambda log: fragments.check(ctx, compiler, log), beside=True),
        # From here on they move the tree to the base and back
        Check("kernel-doc", True, lambda log: docs.kernel_doc(ctx, log)),
        Check("compile", True, compiled.now),
        Check("abi", False, lambda log: docs.abi(ctx, log)),
        Check("htmldocs", False, lambda log: docs.pages(ctx, log)),
        Check("sparse", False, lambda log: sparse.check(ctx, compiler, log)),
        Check("coccinelle", False, lambda log: cocci.check(ctx, log)),
        Check("bisect", False, compiled.each),
        Check("topics", False, lambda log: topics.check(ctx, log)),
    ]


def run(ctx, wanted):
    """Run checks; gives (check, outcome, seconds) of each, in their order."""
    with ThreadPoolExecutor(1) as pool:
        try:
            begun = {check.name: pool.submit(check.timed)
                     for check in wanted if check.beside}
            for check in wanted:
                yield check, *(begun[check.name].result()
                               if check.name in begun else check.timed())
        finally:
            ctx.stopped.set()
