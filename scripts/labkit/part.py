# SPDX-License-Identifier: GPL-2.0
"""Kernels of a part of the series: its first commits, topics, or one topic.

The configuration fragments are those of the whole series. What they ask of
options that the part does not have yet is left out; every other option must
hold, as always.
"""

import re

from . import base, chain, kbuild, paths, tree
from .kconfig import wanted

_KCONFIG = re.compile(r"(^|/)Kconfig[^/]*$")
_DECLARED = re.compile(r"^\s*(?:menu)?config\s+(\w+)", re.M)


def declared(text):
    """The options that a Kconfig file declares."""
    return {f"CONFIG_{name}" for name in _DECLARED.findall(text)}


def _options(tree_git, commit, names):
    found = set()
    for name in names:
        shown = tree_git.run("show", f"{commit}:{name}", check=False)
        if shown.returncode == 0:
            found |= declared(shown.stdout.decode(errors="replace"))
    return found


def missing(target, first, here, last):
    """The options that first..last declares and commit `here` has not yet."""
    names = [n for n in target.changes(first, last) if _KCONFIG.search(n)]
    return _options(target.git, last, names) - \
        _options(target.git, here, names)


def without(text, options):
    """A fragment without some options."""
    words = "|".join(re.escape(o) for o in sorted(options))
    if not words:
        return text
    return re.sub(rf"^(# )?({words})(=.*| is not set)$",
                  r"# \2: not there yet", text, flags=re.M)


def fragments(names, directory, options):
    """Files configs/NAME.config without some options, in a directory."""
    made = []
    for name in names:
        source = paths.REPO / "configs" / f"{name}.config"
        wanted([source])
        directory.mkdir(parents=True, exist_ok=True)
        made.append(directory / source.name)
        made[-1].write_text(without(source.read_text(encoding="utf-8"),
                                    options), encoding="utf-8")
    return made


def assemble(target, count=None, topic=None, alone=None):
    """Assemble a part; returns (base, its commits, options not there yet)."""
    paths.check_repo_path()
    used = base.obtain()
    with paths.lock(paths.BUILD / ".lock", "assembling"):
        target.assemble(used, tree.select(
            paths.REPO, topic, count, alone))
        commits = chain.compute(target.git, paths.REPO, used.commit,
                                tree.select(paths.REPO))
    here = target.record()["head"]
    last = commits[-1].commit if commits else used.commit
    return used, commits, missing(target, used.commit, here, last)


def kernel(names, arch, obj, topic, cross=""):
    """Configure a kernel of a topic and what it needs; returns it unbuilt.

    Its tree is build/linux-topic-TOPIC, or build/linux without a topic.
    """
    target = tree.named(f"topic-{topic}" if topic else None)
    _, _, absent = assemble(target, alone=topic)
    made = kbuild.Kernel(target, arch, obj, cross)
    made.configure(fragments(names, made.objects / "lab-fragments", absent))
    return made
