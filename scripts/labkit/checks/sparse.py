# SPDX-License-Identifier: GPL-2.0
"""sparse on the touched files.

sparse 0.6.4 does not know __typeof_unqual__, which the kernel's headers use:
without a definition it gives up in the first header and checks nothing.
"""

import re
import shutil

from ..ui import Fail
from . import findings
from .context import Outcome
from .objects import objects

_CHECKER = "CHECK=sparse -D__typeof_unqual__=__typeof__"
_RAN = re.compile(r"^  CHECK   (?:\.\./)?(\S+\.c)$", re.M)
_GAVE_UP = re.compile(r"Expected .* __typeof_unqual__|too many errors")

# It cannot evaluate what the headers put into static assertions.
NOISE = re.compile(r"error: bad constant expression$|"
                   r"error: bad integer constant expression$")


def run(lane, sources):
    """(findings, sources that sparse has read)."""
    lane.configure()
    text, _ = lane.make("C=2", _CHECKER, *objects(sources))
    if _GAVE_UP.search(text):
        raise Fail("sparse does not understand the kernel's headers; the log "
                   f"is {lane.kernel.log}")
    read = set(_RAN.findall(text)) & set(sources)
    return findings.once(findings.compiler(text)), read, text


def check(context, compiler, log):
    """The whole series, against the base kernel."""
    if not shutil.which("sparse"):
        raise Fail("sparse is missing: install the package sparse")
    outcome = Outcome("files")
    sources = [s for s in context.code() if s.endswith(".c")]
    compiler.compile([s for s in sources if s not in compiler.home], log)
    for lane in compiler.lanes:
        own = [s for s in sources if compiler.home.get(s) is lane]
        if not own:
            continue
        found, read, text = run(lane, own)
        log.write(text)
        outcome.checked += len(read)
        wrong = [f for f in findings.within(found, context.code())
                 if not NOISE.search(f.text)]
        if wrong:
            wrong = findings.new(wrong, _known(context, lane, log))
        unread = [f"{s}: sparse did not read it" for s in own
                  if s not in read]
        outcome.add(f"{lane.arch}, {len(own)} files", [*wrong, *unread])
    return outcome


def _known(context, lane, log):
    """What sparse says about the base kernel's versions of the files."""
    names = context.in_base([s for s in context.code() if s.endswith(".c")])
    headers = context.in_base(context.code())

    def compute():
        context.go(0)
        try:
            found, _, text = run(lane, names)
            log.write("# the base kernel\n" + text)
        finally:
            context.go(None)
        return findings.within(found, headers)
    return findings.Baseline("sparse", context.base.commit, lane.arch,
                             names).get(compute)
