# SPDX-License-Identifier: GPL-2.0
"""Build a kernel, and the user-space tests that go with it."""

import functools
import hashlib
import os
import re
import shutil
import subprocess
import time

from . import kconfig, paths
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
    # What is not in the cache need not be preprocessed first only to look for it
    env.setdefault("CCACHE_DEPEND", "1")
    env.update(extra or {})
    return env


def _one_at_a_time(method):
    """A build takes all processors: the next one waits until it is done."""
    @functools.wraps(method)
    def locked(*args, **options):
        with paths.lock(paths.BUILD / ".build-lock", "building"):
            return method(*args, **options)
    return locked


class Kernel:
    """One object directory of an assembled tree."""

    def __init__(self, tree, arch, name, cross=""):
        self.tree = tree.directory
        self.assembled = tree
        self.content = None
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

    # Nothing is done again for a tree, a configuration and a compiler that it
    # has been done for: even a build that finds nothing to do takes a while.

    def _key(self, *more):
        """What a result depends on, as a hash."""
        if self.content is None:
            self.content = self.assembled.snapshot()
            done = subprocess.run([f"{self.cross}gcc", "--version"],
                                  capture_output=True, check=False)
            self.content += hashlib.sha256(done.stdout).hexdigest()
        digest = hashlib.sha256(self.content.encode())
        config = self.objects / ".config"
        digest.update(config.read_bytes() if config.exists() else b"")
        for item in more:
            digest.update(b"\0" + str(item).encode())
        return digest.hexdigest()

    def _stamp(self, step):
        return self.objects / f".lab-{step}"

    def _is_done(self, step, product, *more):
        """Whether a step's result is that of the present tree."""
        try:
            stamp = self._stamp(step).read_text(encoding="ascii")
        except OSError:
            return False
        return product.exists() and stamp == self._key(*more)

    def _set_done(self, step, *more):
        self._stamp(step).write_text(self._key(*more), encoding="ascii")

    @_one_at_a_time
    def configure(self, fragments):
        """Configure from fragments; every option of theirs must hold."""
        text = [f.read_bytes() for f in fragments if f.is_file()]
        if len(text) == len(fragments) and self._is_done(
                "configured", self.objects / ".config", *text):
            return
        paths.need_space(self.tree, 1200, f"build a kernel for {self.label}")
        self.log.parent.mkdir(parents=True, exist_ok=True)
        self.log.write_text("", encoding="utf-8")
        self._stamp("configured").unlink(missing_ok=True)
        facts = kconfig.facts(self.assembled, ["gcc", f"{self.cross}gcc"])
        kconfig.Configurer(
            self.objects, self.make,
            paths.BUILD / "tinyconfig" / f"{self.arch}-{facts}"
        ).configure(fragments)
        self._set_done("configured", *text)

    @_one_at_a_time
    def build(self, *targets):
        """Build targets; say how long it took when it took long."""
        whole = set(targets) <= {"linux", "Image", "bzImage", "modules"}
        if whole and self._is_done("built", self.objects / "vmlinux", *targets):
            return
        self._stamp("built").unlink(missing_ok=True)
        start = time.monotonic()
        self.make(*targets, what="kernel")
        if whole:
            self._set_done("built", *targets)
        if time.monotonic() - start > 20:
            say(f"{self.label}: kernel built in "
                f"{time.monotonic() - start:.0f} s")

    @_one_at_a_time
    def selftests(self, directory, flags=""):
        """Build the selftests of a directory below tools/testing/selftests.

        They are compiled against the tree's own uapi headers. Returns the
        directory of the programs, and their names as kselftest lists them.
        """
        source = self.tree / "tools/testing/selftests" / directory
        if not (source / "Makefile").is_file():
            return None, []
        if not self._is_done("headers", self.objects / "usr/include/linux"):
            self._stamp("headers").unlink(missing_ok=True)
            self.make("headers", what="uapi headers")
            self._set_done("headers")
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
            made = subprocess.run(common + [f"-j{os.cpu_count()}", "all"],
                                  stdin=subprocess.DEVNULL, stdout=log,
                                  stderr=log, env=_environment(), check=False)
        if made.returncode:
            raise Fail(f"the selftests of {directory} do not build; the log is "
                       f"{self.log}\n" + self._reason(start))
        done = subprocess.run(common + ["COLLECTION=x", "emit_tests"],
                              capture_output=True, text=True,
                              env=_environment(), check=False)
        names = [row.partition(":")[2] for row in done.stdout.splitlines()
                 if row.startswith("x:")]
        programs = []
        for name in names:
            found = next((p for p in (output / name, source / name)
                          if p.is_file()), None)
            if found is None:
                raise Fail(f"the selftests of {directory} list '{name}', "
                           "which was not built")
            programs.append(found)
        return output, programs
