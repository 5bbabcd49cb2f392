# SPDX-License-Identifier: GPL-2.0
"""Boot a User-mode Linux guest.

The host's file system is the guest's root, read-only. The swap disk is a file
without a name; the guest's memory is one as well. A guest ends by itself, at
its time limit, or with the process that started it, and nothing of it stays.
"""

import ctypes
import dataclasses
import os
import re
import select
import shutil
import signal
import subprocess
import sys
import termios
import time
from pathlib import Path

from . import paths
from .ui import Fail

_INIT = paths.REPO / "scripts" / "guest" / "init"
_LIBC = ctypes.CDLL(None, use_errno=True)
_PR_SET_PDEATHSIG = 1


@dataclasses.dataclass
class Guest:
    """What to boot."""
    kernel: Path
    run: str                    # program below scripts/guest
    memory: str = "256M"
    swap: str = "disk"          # disk, zram or none
    swap_mib: int = 1024
    timeout: float = 300
    variables: dict = dataclasses.field(default_factory=dict)
    append: list = dataclasses.field(default_factory=list)
    log: Path | None = None     # the kernel's console


@dataclasses.dataclass
class Outcome:
    """How it went."""
    status: int | None          # exit status; None: ended at its time limit
    seconds: float
    output: str                 # what was printed in the guest
    kernel_log: str

    @property
    def ended(self):
        """Whether the guest powered off by itself."""
        return self.status == 0


def _mebibytes(text):
    match = re.fullmatch(r"(\d+)([MG])", text)
    if not match:
        raise Fail(f"memory is given as 256M or 1G, not as '{text}'")
    return int(match.group(1)) << (10 if match.group(2) == "G" else 0)


def _swap_file(mebibytes):
    """A sparse file without a name on the build directory's file system."""
    paths.BUILD.mkdir(exist_ok=True)
    try:
        fd = os.open(paths.BUILD, os.O_TMPFILE | os.O_RDWR, 0o600)
    except OSError:
        name = paths.BUILD / f".swap-{os.getpid()}"
        fd = os.open(name, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600)
        os.unlink(name)
    os.truncate(fd, mebibytes << 20)
    return fd


def _environment(guest):
    """Memory that does not fit /dev/shm goes to a file in build/."""
    env = {k: v for k, v in os.environ.items() if k in ("PATH", "HOME", "TERM")}
    try:
        shm = os.statvfs("/dev/shm")
        fits = shm.f_bavail * shm.f_frsize >> 20 > _mebibytes(guest.memory)
        usable = fits and not shm.f_flag & os.ST_NOEXEC
    except OSError:
        usable = False
    if not usable:
        env["TMPDIR"] = str(paths.BUILD)
    return env


def tool(name):
    """Build a program of scripts/guest, if it is older than its source."""
    source = _INIT.parent / f"{name}.c"
    program = paths.BUILD / "guest" / name
    if program.exists() and program.stat().st_mtime >= source.stat().st_mtime:
        return program
    program.parent.mkdir(parents=True, exist_ok=True)
    made = program.with_suffix(f".{os.getpid()}")
    try:
        done = subprocess.run(["gcc", "-O2", "-Wall", "-Wextra", "-o",
                               str(made), str(source)], capture_output=True,
                              text=True, check=False)
        if done.returncode:
            raise Fail(f"{source} cannot be compiled: {done.stderr.strip()}")
        return made.replace(program)
    finally:
        made.unlink(missing_ok=True)


def _argv(guest, scratch, swap_fd, output_fd):
    argv = [str(guest.kernel), f"mem={guest.memory}",
            "root=none", "rootfstype=hostfs", "rootflags=/", "ro",
            f"init={_INIT}", "seccomp=auto", f"uml_dir={scratch}/uml/",
            "con=null", "con0=fd:0,fd:1", "printk.time=1",
            f"LAB_RUN={_INIT.parent / guest.run}", f"LAB_SWAP={guest.swap}",
            f"LAB_DIR={scratch}", f"LAB_REPO={paths.REPO}",
            f"LAB_POWER_OFF={tool('power_off')}"]
    if output_fd is not None:
        argv += [f"con1=null,fd:{output_fd}", "LAB_TTY=/dev/tty1"]
    if swap_fd is not None:
        argv.append(f"ubd0=/proc/self/fd/{swap_fd}")
    if not any(a.startswith("kunit.") for a in guest.append):
        argv.append("kunit.enable=0")
    argv += [f"{k}={v}" for k, v in guest.variables.items()]
    return argv + guest.append


def die_with_parent():
    """In a child, before it executes: end when the parent does."""
    _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def end(process):
    """End a guest and the host processes that it made, by their group."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    process.wait()


def follow(process, fd, timeout, each):
    """Read a guest's output to its end: (exit status, lines).

    The status is None when time runs out first.
    """
    deadline, rest = time.monotonic() + timeout, b""
    output: list[str] = []
    while True:
        left = deadline - time.monotonic()
        if left <= 0:
            return None, output
        ready, _, _ = select.select([fd], [], [], min(left, 0.5))
        each(None)
        if not ready:
            if process.poll() is not None:
                return process.returncode, output
            continue
        block = os.read(fd, 65536)
        rows = (rest + block).split(b"\n")
        rest = rows.pop()
        if not block and rest:
            rows.append(rest)
        for row in rows:
            line = row.decode(errors="replace").rstrip("\r")
            output.append(line)
            each(line)
        if not block:
            try:
                return process.wait(max(1, min(left, 20))), output
            except subprocess.TimeoutExpired:
                return None, output


def boot(guest, files=None, each=lambda line: None):
    """Boot a guest and wait for its end.

    files: {name: text} that the guest finds in $LAB_DIR.
    each: called with every line of output, and with None at least twice a
    second.
    """
    if not guest.kernel.exists():
        raise Fail(f"there is no kernel {guest.kernel}")
    swap_fd = _swap_file(guest.swap_mib) if guest.swap == "disk" else None
    start = time.monotonic()
    try:
        with paths.scratch(paths.BUILD, ".guest-") as scratch:
            for name, text in (files or {}).items():
                (scratch / name).write_text(text, encoding="utf-8")
            log_path = guest.log or scratch / "console"
            log_path.parent.mkdir(parents=True, exist_ok=True)
            reader, writer = os.pipe()
            keep = [fd for fd in (swap_fd, writer) if fd is not None]
            with open(log_path, "wb") as log:
                # pylint: disable=subprocess-popen-preexec-fn
                process = subprocess.Popen(
                    _argv(guest, scratch, swap_fd, writer),
                    stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                    pass_fds=keep, start_new_session=True,
                    preexec_fn=die_with_parent, env=_environment(guest))
            os.close(writer)
            try:
                status, output = follow(process, reader, guest.timeout, each)
            finally:
                os.close(reader)
                end(process)
            text = log_path.read_text(encoding="utf-8", errors="replace")
    finally:
        if swap_fd is not None:
            os.close(swap_fd)
    return Outcome(status, time.monotonic() - start,
                   "".join(f"{line}\n" for line in output),
                   text.replace("\r", ""))


def interact(guest):
    """Boot a guest on the user's terminal; return its exit status."""
    if not sys.stdin.isatty():
        raise Fail("a shell needs a terminal")
    swap_fd = _swap_file(guest.swap_mib) if guest.swap == "disk" else None
    saved = termios.tcgetattr(sys.stdin)
    size = shutil.get_terminal_size()
    guest.variables.update(LAB_ROWS=size.lines, LAB_COLUMNS=size.columns,
                           TERM=os.environ.get("TERM", "linux"))
    try:
        with paths.scratch(paths.BUILD, ".guest-") as scratch:
            # pylint: disable=subprocess-popen-preexec-fn
            with subprocess.Popen(
                    _argv(guest, scratch, swap_fd, None) +
                    ["LAB_TTY=/dev/tty0", "loglevel=4"],
                    pass_fds=[swap_fd] if swap_fd is not None else [],
                    preexec_fn=die_with_parent,
                    env=_environment(guest)) as process:
                try:
                    return process.wait()
                finally:
                    process.kill()
    finally:
        termios.tcsetattr(sys.stdin, termios.TCSANOW, saved)
        if swap_fd is not None:
            os.close(swap_fd)
