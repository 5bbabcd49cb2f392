# SPDX-License-Identifier: GPL-2.0
"""Whether base/packages is enough: in Debian roots with nothing else in them.

For each command a root is made of Debian's essential packages and those that the
command would install, and nothing is taken from this machine. The programs that the
command calls must be in it.
"""

import shutil
import subprocess

from . import debian, paths
from .lane import Lane
from .ui import Fail, say

SUITE = "bookworm"

# What scripts, the kernel's build system and guests call. What `common` has the
# others use as well.
_COMMON = ("awk", "bc", "bison", "ccache", "cmp", "cp", "diff", "find", "flex", "gcc",
           "git", "grep", "ld", "make", "mkswap", "mount", "patch-or-git",
           "python3", "sed", "sh", "sort", "strip", "swapon", "tar", "timeout", "xz")
_ARM64 = ("aarch64-linux-gnu-gcc", "aarch64-linux-gnu-ld",
          "aarch64-linux-gnu-strip", "dtc", "depmod", "modinfo",
          "qemu-system-aarch64")
_X86_64 = ("qemu-system-x86_64",)
_QUICK = ("perl", "mypy", "pycodestyle", "pyflakes3", "aarch64-linux-gnu-gcc")
PROGRAMS = {
    "uml": (), "tree": (), "series": ("perl",),
    "static": ("shellcheck",), "quick": _QUICK,
    "tour": (), "uml-kasan": (), "igt": ("mmdebstrap", "newuidmap"),
    "arm64": _ARM64, "x86_64": _X86_64,
    "bench": _ARM64 + _X86_64,
    "check": _QUICK + ("shellcheck", "sparse", "spatch", "sphinx-build"),
}
# Headers and libraries that are no programs
FILES = {
    "uml": ("usr/include/stdio.h",),
    "arm64": ("usr/aarch64-linux-gnu/include/stdio.h",),
    "bench": ("usr/aarch64-linux-gnu/include/stdio.h",
              "usr/include/libelf.h", "usr/include/gelf.h"),
    "x86_64": ("usr/include/libelf.h",),
    "quick": ("usr/include/libelf.h", "usr/lib/python3/dist-packages/git",
              "usr/lib/python3/dist-packages/ply"),
    "check": ("usr/include/libelf.h", "usr/lib/python3/dist-packages/git",
              "usr/lib/python3/dist-packages/ply",
              "usr/lib/python3/dist-packages/sphinx_rtd_theme"),
}
_DIRECTORIES = ("usr/local/bin", "usr/bin", "usr/sbin", "bin", "sbin")
_INSTEAD = {"patch-or-git": ("patch", "git"), "awk": ("awk", "mawk")}


def packages(*names):
    """What `scripts/packages` would see to."""
    done = subprocess.run([str(paths.REPO / "scripts" / "packages"), "--list",
                           *names], capture_output=True, text=True, check=False)
    if done.returncode:
        raise Fail(done.stderr.strip())
    return done.stdout.split()


def missing(root, programs, files=()):
    """What is not in a root."""
    def there(name):
        return any((root / d / n).exists() or (root / d / n).is_symlink()
                   for n in _INSTEAD.get(name, (name,)) for d in _DIRECTORIES)
    return [p for p in programs if not there(p)] + \
        [f for f in files if not (root / f).exists()]


def _make(root, names, mirror):
    log = paths.LOG / "packages-root.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    with open(log, "a", encoding="utf-8") as out:
        return subprocess.run(
            ["mmdebstrap", "--variant=essential", f"--include={','.join(names)}",
             "--dpkgopt=path-exclude=/usr/share/doc/*", SUITE, str(root), mirror],
            stdout=out, stderr=out, stdin=subprocess.DEVNULL,
            check=False).returncode == 0


def _test(found):
    if not shutil.which("mmdebstrap"):
        found.skip("there is no mmdebstrap on this machine")
        return
    try:
        mirrors = debian.mirrors()
    except Fail as failure:
        found.skip(str(failure))
        return
    for command, programs in PROGRAMS.items():
        say(f"packages: {command}")
        paths.need_space(paths.BUILD, 3000, "make a Debian root")
        with paths.scratch(paths.BUILD, ".root-") as scratch:
            root, names = scratch / "root", packages(command)
            good = any(_make(root, names, mirror) for mirror in mirrors[:1])
            found.check(command, "its packages are there", good,
                        "mmdebstrap failed: build/log/packages-root.log")
            if good:
                lacking = missing(root, _COMMON + programs,
                                  FILES["uml"] + FILES.get(command, ()))
                found.check(command, "what it calls is there", not lacking,
                            f"{', '.join(lacking)} would be missing after "
                            f"installing {' '.join(names)}")


def main(gating):
    """The lane. gating: the names of those that gate."""
    found = Lane("packages")
    unknown = [n for n in gating if n not in PROGRAMS]
    found.check("lanes", "each lane that gates is known here", not unknown,
                ", ".join(unknown))
    return found.judge(lambda: _test(found))
