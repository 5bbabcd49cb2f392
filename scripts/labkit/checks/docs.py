# SPDX-License-Identifier: GPL-2.0
"""kernel-doc comments, the documentation of the ABI, the pages."""

import re
import subprocess
import tarfile

from .. import paths
from ..ui import Fail
from . import findings
from .context import Outcome

_SCANNED = re.compile(r"^Info: .* Scanning doc for ", re.M)
_ABI = re.compile(r"(?P<file>Documentation/ABI/\S+?):(?P<line>\d+)")
_WHAT = re.compile(r"^What:\s*(\S+)", re.M)
_PAGE = re.compile(r"^Documentation/(gpu/\S+)\.rst$")
# Sphinx: FILE:LINE: WARNING: text; kernel-doc: Warning: FILE:LINE text.
_COMPLAINT = re.compile(r"^(?:(?:warning|error): )?(?:\.\.?/)*"
                        r"(?P<file>[\w./-]+?):(?:(?P<line>\d+):?)? ", re.I)


def run_kernel_doc(tree, names):
    """(findings, number of comments read, output)."""
    done = subprocess.run(
        ["scripts/kernel-doc", "-none", "-Wall", "-v", *names], cwd=tree,
        capture_output=True, text=True, errors="replace", check=False)
    text = done.stdout + done.stderr
    return findings.kernel_doc(text), len(_SCANNED.findall(text)), text


def kernel_doc(context, log):
    """kernel-doc -none on the touched files, against the base kernel."""
    outcome = Outcome("comments")
    names = context.code()
    found, outcome.checked, text = run_kernel_doc(context.tree.directory,
                                                  names)
    log.write(text)
    wrong = findings.within(found, names)
    if wrong:
        old = context.in_base(names)

        def compute():
            context.go(0)
            try:
                return run_kernel_doc(context.tree.directory, old)[0]
            finally:
                context.go(None)
        wrong = findings.new(wrong, findings.Baseline(
            "kernel-doc", context.base.commit, old).get(compute))
    outcome.add("no new complaint", wrong)
    return outcome


def parse_sphinx(text, directory, names):
    """The complaints that are about some files: one a line.

    directory: of the tree; names: in it.
    """
    found = []
    for line in text.replace(f"{directory}/", "").splitlines():
        match = _COMPLAINT.match(line)
        if match and match["file"] in names and \
           re.search("warning|error|severe", line, re.I):
            found.append(findings.Finding(match["file"], line,
                                          int(match["line"] or 0)))
    return found


def make_html(tree, output):
    """Run the kernel's Sphinx on its pages about GPUs; returns what it says."""
    done = subprocess.run(
        ["make", f"O={output}", "SPHINXDIRS=gpu", "htmldocs"], cwd=tree,
        capture_output=True, text=True, errors="replace", check=False)
    text = done.stdout + done.stderr
    if done.returncode:
        raise Fail("make htmldocs failed: " +
                   (text.strip().splitlines() or ["it said nothing"])[-1])
    return text


def pages(context, log):
    """The kernel's Sphinx makes the pages, and says nothing about our files."""
    outcome = Outcome("pages")
    touched = context.touched()
    names = [n for n, letter in touched.items() if letter != "D"]
    with paths.scratch(paths.BUILD, ".html-") as scratch:
        text = make_html(context.tree.directory, scratch)
        log.write(text)
        made = {p.stem: p.stat().st_size for p in
                scratch.glob("Documentation/output/**/*.html")}
    for name in names:
        match = _PAGE.match(name)
        if match:
            outcome.checked += 1
            page = match[1].rpartition("/")[2]
            outcome.add(f"{page}.html", [] if made.get(page) else
                        [f"{name}: Sphinx made no page of it"])
    old = context.in_base(names)
    outcome.add("no complaint about a new file", parse_sphinx(
        text, context.tree.directory, set(names) - set(old)))
    return outcome


def _get_abi(tree, *words):
    done = subprocess.run(["python3", "tools/docs/get_abi.py", *words],
                          cwd=tree, capture_output=True, text=True,
                          errors="replace", check=False)
    return done.returncode, done.stdout + done.stderr


def parse_abi(text):
    """The findings in what get_abi.py validate prints: one a line."""
    found = []
    for line in text.splitlines():
        match = _ABI.search(line)
        if match or re.match(r"\[?(WARNING|ERROR)", line):
            found.append(findings.Finding(
                match["file"] if match else "Documentation/ABI",
                re.sub(r":\d+", "", line), int(match["line"]) if match else 0))
    return found


def abi(context, log):
    """get_abi.py reads all of Documentation/ABI, and finds what is new in it."""
    outcome = Outcome("files of Documentation/ABI")
    tree = context.tree.directory
    status, text = _get_abi(tree, "validate")
    log.write(text)
    if status or "Traceback" in text:
        raise Fail("get_abi.py validate failed: " +
                   (text.strip().splitlines() or ["it said nothing"])[-1])
    outcome.checked = sum(1 for p in (tree / "Documentation/ABI").rglob("*")
                          if p.is_file())
    wrong = findings.new(parse_abi(text), findings.Baseline(
        "abi", context.base.commit).get(lambda: _base_abi(context)))
    outcome.add("get_abi.py validate", wrong)
    for name, letter in sorted(context.touched().items()):
        if name.startswith("Documentation/ABI/") and letter != "D":
            outcome.add(name, _lost(tree, name, log))
    return outcome


def _lost(tree, name, log):
    """The symbols of a file that get_abi.py does not find."""
    text = (tree / name).read_text(encoding="utf-8")
    symbols, wrong = _WHAT.findall(text), []
    for symbol in symbols:
        plain = re.sub(r"<[^>]*>|\[[^]]*\]", ".*", symbol)
        _, found = _get_abi(tree, "search", plain.rpartition("/")[2])
        log.write(f"# search {symbol}\n{found}")
        if symbol not in found:
            wrong.append(f"{name}: get_abi.py does not find {symbol}")
    return wrong if symbols else [f"{name}: no 'What:'"]


def _base_abi(context):
    """What get_abi.py says about the base kernel."""
    with paths.scratch(paths.BUILD, ".abi-") as scratch:
        argv = context.tree.git.command(
            "archive", "--format=tar", context.base.commit,
            "Documentation/ABI", "tools/docs", "tools/lib/python")
        with subprocess.Popen(argv, stdout=subprocess.PIPE) as archive:
            with tarfile.open(fileobj=archive.stdout, mode="r|") as tar:
                tar.extractall(scratch, filter="data")  # type: ignore
        return parse_abi(_get_abi(scratch, "validate")[1])
