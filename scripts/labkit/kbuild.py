# SPDX-License-Identifier: GPL-2.0
"""Build a kernel, and the user-space tests that go with it."""

import os
import re
import shutil
import subprocess
import time

from . import paths
from .kconfig import Configurer
from .ui import Fail, Progress, say

_OBJECT = re.compile(r"^  (?:CC|AS|LD|AR|HOSTCC|HOSTLD|LDS|CC \[M\])\s+\S+")


def _environment(extra=None):
    env = dict(os.environ)
    for name in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS", "MAKEOVERRIDES", "KERNEL",
                 "O", "KBUILD_OUTPUT", "LANE", "LOCALVERSION"):
        env.pop(name, None)
    env.update(KBUILD_BUILD_TIMESTAMP="Thu Jan 1 00:00:00 UTC 2026",
               KBUILD_BUILD_USER="lab", KBUILD_BUILD_HOST="lab", LC_ALL="C",
               CCACHE_BASEDIR=str(paths.BUILD), CCACHE_NOHASHDIR="1")
    env.update(extra or {})
    return env


class Kernel:
    """One object directory of an assembled tree."""

    def __init__(self, tree, arch, name, cross=""):
        self.tree = tree.directory
        self.arch = arch
        self.name = name
        self.cross = cross
        self.objects = self.tree / f"obj-{name}"
        label = name if self.tree.name == "linux" else \
            f"{name}-{self.tree.name.removeprefix('linux-')}"
        self.log = paths.LOG / f"build-{label}.log"
        self.label = label

    def _argv(self, *targets):
        compiler = f"{self.cross}gcc"
        if shutil.which("ccache"):
            compiler = f"ccache {compiler}"
        argv = ["make", "-C", str(self.tree), f"O={self.objects.name}",
                f"ARCH={self.arch}", f"CC={compiler}", "LOCALVERSION=",
                "--no-print-directory",
                f"-j{os.cpu_count()}"]
        if shutil.which("ccache"):
            argv.append("HOSTCC=ccache gcc")
        if self.cross:
            argv.append(f"CROSS_COMPILE={self.cross}")
        return argv + list(targets)

    def make(self, *targets, env=None, what=None):
        """Run make with a log; show progress; fail with the log's words."""
        paths.LOG.mkdir(parents=True, exist_ok=True)
        progress = Progress(f"{self.label}: {what or targets[0]}")
        with open(self.log, "a", encoding="utf-8", errors="replace") as log:
            start = log.tell()
            log.write(f"# make {' '.join(targets)}\n")
            log.flush()
            with subprocess.Popen(self._argv(*targets),
                                  stdin=subprocess.DEVNULL,
                                  stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT, text=True,
                                  errors="replace", start_new_session=True,
                                  env=_environment(env)) as process:
                try:
                    self._follow(process, log, progress)
                except BaseException:
                    os.killpg(process.pid, 15)
                    raise
                finally:
                    progress.end()
        if process.returncode:
            raise Fail(f"'make {' '.join(targets)}' failed for {self.label}; "
                       f"the log is {self.log}\n" + self._reason(start))

    @staticmethod
    def _follow(process, log, progress):
        count = 0
        for line in process.stdout:
            log.write(line)
            count += bool(_OBJECT.match(line))
            progress.update(f"{count} objects built")

    def _reason(self, start):
        with open(self.log, encoding="utf-8", errors="replace") as log:
            log.seek(start)
            rows = log.read().splitlines()
        telling = [r for r in rows if re.search(
            r"error:|Error \d|undefined reference|No space left|\*\*\*", r)]
        return "\n".join(f"  {r}" for r in (telling or rows)[:12])

    def configure(self, fragments):
        """Configure from fragments; every option of theirs must hold."""
        paths.need_space(self.tree, 1200, f"build a kernel for {self.label}")
        self.log.parent.mkdir(parents=True, exist_ok=True)
        self.log.write_text("", encoding="utf-8")
        Configurer(self.tree, self.objects, self.make).configure(fragments)

    def build(self, *targets):
        """Build targets; say how long it took when it took long."""
        start = time.monotonic()
        self.make(*targets, what="kernel")
        if time.monotonic() - start > 20:
            say(f"{self.label}: kernel built in "
                f"{time.monotonic() - start:.0f} s")

    def selftests(self, directory, flags=""):
        """Build the selftests of a directory below tools/testing/selftests.

        They are compiled against the tree's own uapi headers. Returns the
        directory of the programs, and their names as kselftest lists them.
        """
        source = self.tree / "tools/testing/selftests" / directory
        if not (source / "Makefile").is_file():
            return None, []
        self.make("headers", what="uapi headers")
        output = self.objects / "selftests" / directory
        output.mkdir(parents=True, exist_ok=True)
        common = ["make", "-s", "--no-print-directory", "-C", str(source),
                  f"OUTPUT={output}", f"ARCH={self.arch}",
                  f"CC={self.cross}gcc",
                  f"KHDR_INCLUDES=-isystem {self.objects}/usr/include"]
        if flags:
            common.append(f"USERLDFLAGS={flags}")
        with open(self.log, "a", encoding="utf-8", errors="replace") as log:
            start = log.tell()
            done = subprocess.run(common + [f"-j{os.cpu_count()}", "all"],
                                  stdin=subprocess.DEVNULL, stdout=log,
                                  stderr=log, env=_environment(), check=False)
        if done.returncode:
            raise Fail(f"the selftests of {directory} do not build; the log is "
                       f"{self.log}\n" + self._reason(start))
        done = subprocess.run(common + ["COLLECTION=x", "emit_tests"],
                              capture_output=True, text=True,
                              env=_environment(), check=False)
        names = [l.partition(":")[2] for l in done.stdout.splitlines()
                 if l.startswith("x:")]
        programs = []
        for name in names:
            found = next((p for p in (output / name, source / name)
                          if p.is_file()), None)
            if found is None:
                raise Fail(f"the selftests of {directory} list '{name}', "
                           "which was not built")
            programs.append(found)
        return output, programs
