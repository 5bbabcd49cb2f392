# SPDX-License-Identifier: GPL-2.0
"""The kernel's semantic patches on the touched files.

spatch is run on the files themselves: `make coccicheck` takes whole
directories only, and exits with 0 without having checked anything when its
script is not named by an absolute path or its debug file exists.
"""

import re
import shutil
import subprocess
import tempfile

from ..ui import Fail, Progress
from . import findings
from .context import Outcome

_OPTIONS = re.compile(r"^///?\s*Options:(.*)$", re.M)
_OCAML = re.compile(r"^@\s*(?:script|initialize|finalize):ocaml", re.M)
_REPORT = re.compile(r"^virtual\s+(?:\w+\s*,\s*)*report\b", re.M)
_FINDING = re.compile(r"^(?P<file>[\w./+-]+\.[ch]):(?P<line>\d+)(?::\d+|-\d+)*"
                      r":?\s+(?P<text>\S.*)$")
_SECOND = re.compile(r"\b(on |at )line \d+")
_CONSIDERED = re.compile(r"^\d+ files match$", re.M)
_HANDLED = re.compile(r"^HANDLING: (.*)$", re.M)


def scripts(tree):
    """(those that can be run, names of those that cannot and why)."""
    good, skipped = [], {}
    for path in sorted((tree / "scripts/coccinelle").rglob("*.cocci")):
        text = path.read_text(encoding="utf-8", errors="replace")
        if _OCAML.search(text):
            skipped[path.name] = "has a part in OCaml, which aborts"
        elif not _REPORT.search(text):
            skipped[path.name] = "has no report mode"
        else:
            good.append((path, _OPTIONS.findall(text)))
    return good, skipped


def parse(text, script):
    """The findings in the output of spatch.

    Some name a second line, which moves as the first does.
    """
    return [findings.Finding(m["file"], f"{script}: " +
                             _SECOND.sub(r"\1another line", m["text"]),
                             int(m["line"]))
            for m in map(_FINDING.match, text.splitlines()) if m]


def count(text):
    """(files that spatch considered, files whose code it looked at).

    It reports for each file whether the words of the script are in it, and
    looks at the code of those that have them.
    """
    handled = sum(len(line.split()) for line in _HANDLED.findall(text))
    return max(len(_CONSIDERED.findall(text)), handled), handled


def _argv(path, options, groups):
    words = [w for line in options for w in line.split()
             if w != "--very-quiet"]    # it would hide what was looked at
    return ["spatch", "-D", "report", "--no-show-diff", "--cocci-file",
            str(path), *words, "-I", "include", "-I", "include/uapi",
            "-I", "arch/x86/include", "-I", "arch/x86/include/uapi",
            "--use-coccigrep", "--file-groups", groups]


def run(tree, names, log):
    """(findings, how often code was looked at, scripts that failed)."""
    found, looked, broken = [], 0, []
    good, skipped = scripts(tree)
    for name, why in skipped.items():
        log.write(f"# {name}: skipped, it {why}\n")
    progress = Progress("coccinelle")
    with tempfile.NamedTemporaryFile("w", suffix=".groups") as groups:
        # Each file by itself; spatch takes files of a command line as one.
        groups.write("\n\n".join(names) + "\n")
        groups.flush()
        for number, (path, options) in enumerate(good):
            progress.update(f"{number} of {len(good)} scripts")
            done = subprocess.run(_argv(path, options, groups.name), cwd=tree,
                                  capture_output=True, text=True,
                                  errors="replace", check=False)
            considered, handled = count(done.stdout + done.stderr)
            if done.returncode or considered < len(names):
                broken.append(f"{path.name}: spatch considered {considered} "
                              f"files and ended with {done.returncode}")
            looked += handled
            found += parse(done.stdout, path.name)
            log.write(f"# {path.name}: {considered} files, {handled} have "
                      f"its words\n{done.stdout}" +
                      (done.stderr if done.returncode else ""))
    progress.end()
    return found, looked, broken


def check(context, log):
    """The whole series, against the base kernel."""
    if not shutil.which("spatch"):
        raise Fail("spatch is missing: install the package coccinelle")
    outcome = Outcome("times that a script's words were in a file")
    names = [n for n in context.code() if n.endswith(".c")]
    found, looked, broken = run(context.tree.directory, names, log)
    wrong = findings.within(found, context.code())
    if wrong:
        old = context.in_base(names)
        wrong = findings.new(wrong, findings.Baseline(
            "coccinelle", context.base.commit, old).get(
                lambda: _base(context, old, log)))
    outcome.checked = looked
    outcome.add("no new report", wrong)
    outcome.add("every script ran", broken, f"{len(broken)} did not")
    return outcome


def _base(context, names, log):
    log.write("# the base kernel\n")
    context.go(0)
    try:
        return run(context.tree.directory, names, log)[0]
    finally:
        context.go(None)
