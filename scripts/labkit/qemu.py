# SPDX-License-Identifier: GPL-2.0
"""Boot a machine that QEMU emulates, with an initramfs.

The kernel's console and what is printed in the guest are kept apart: the
console is the first serial port, the output is a port of virtio-serial. The
guest finds its name in LAB_OUT. A guest ends by itself, at its time limit, or
with the process that started it.
"""

import dataclasses
import os
import shutil
import subprocess
import time
from pathlib import Path

from . import guest, paths
from .ui import Fail

OUTPUT = "/dev/vport0p1"


@dataclasses.dataclass
class Machine:
    """What to boot."""
    program: str                # qemu-system-...
    options: list               # what makes the machine: -M, -cpu, -smp, -m
    kernel: Path
    initrd: Path
    console: str                # the kernel's name of the first serial port
    log: Path                   # what the kernel prints there
    timeout: float = 300
    variables: dict = dataclasses.field(default_factory=dict)
    append: list = dataclasses.field(default_factory=list)

    def argv(self, output_fd):
        """The command line of QEMU."""
        words = [f"console={self.console}", "panic=-1", f"LAB_OUT={OUTPUT}"]
        words += [f"{k}={v}" for k, v in self.variables.items()]
        return [self.program, *self.options, "-nodefaults", "-no-user-config",
                "-display", "none", "-no-reboot",
                "-serial", f"file:{self.log}",
                "-chardev", f"file,id=out,path=/proc/self/fd/{output_fd}",
                "-device", "virtio-serial-device",
                "-device", "virtserialport,chardev=out,name=lab",
                "-kernel", str(self.kernel), "-initrd", str(self.initrd),
                "-append", " ".join(words + self.append)]


def need(program, package):
    """Say what to install when a program of the host is not there."""
    path = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
    if not shutil.which(program, path=path):
        raise Fail(f"{program} is missing: install the package {package}")


def boot(machine, each=lambda line: None):
    """Boot a machine and wait for its end; returns a guest.Outcome.

    each: called with every line of output, and with None at least twice a
    second.
    """
    machine.log.parent.mkdir(parents=True, exist_ok=True)
    start = time.monotonic()
    with paths.scratch(paths.BUILD, ".guest-") as scratch:
        errors = scratch / "qemu"
        reader, writer = os.pipe()
        with open(errors, "wb") as words:
            # pylint: disable=subprocess-popen-preexec-fn
            process = subprocess.Popen(
                machine.argv(writer), stdin=subprocess.DEVNULL, stdout=words,
                stderr=words, pass_fds=[writer], start_new_session=True,
                preexec_fn=guest.die_with_parent, cwd=scratch)
        os.close(writer)
        try:
            status, output = guest.follow(process, reader, machine.timeout,
                                          each)
        finally:
            os.close(reader)
            guest.end(process)
        said = errors.read_text(encoding="utf-8", errors="replace").strip()
    if status:
        raise Fail(f"{machine.program} failed with exit status {status}: "
                   f"{said or 'it said nothing'}")
    text = machine.log.read_text(encoding="utf-8", errors="replace") \
        if machine.log.exists() else ""
    return guest.Outcome(status, time.monotonic() - start,
                         "\n".join(output) + "\n", text.replace("\r", ""))
