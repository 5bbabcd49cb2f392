# SPDX-License-Identifier: GPL-2.0
"""Kernel configurations: tinyconfig, fragments over it, and the result."""

import hashlib
import os
import re
import shutil
import subprocess

from .ui import Fail

_SET = re.compile(r"^(CONFIG_\w+)=(.*)$")
# Files that decide which options there are, and what they can be
_DECIDES = re.compile(r"(^|/)(Kconfig[^/]*|Makefile)$|^scripts/|/configs/")
_UNSET = re.compile(r"^# (CONFIG_\w+) is not set$")


def parse(text):
    """{option: value}; an option that is not set has the value 'n'."""
    options = {}
    for line in text.splitlines():
        if match := _SET.match(line):
            options[match.group(1)] = match.group(2)
        elif match := _UNSET.match(line):
            options[match.group(1)] = "n"
    return options


def wanted(fragments):
    """The options that fragments ask for; a later fragment wins."""
    options = {}
    for fragment in fragments:
        if not fragment.is_file():
            raise Fail(f"there is no configuration fragment {fragment}")
        options.update(parse(fragment.read_text(encoding="utf-8")))
    if not options:
        raise Fail("the configuration fragments ask for nothing")
    return options


def differences(options, result):
    """What a configuration does not have of what was asked for."""
    found = []
    for option, value in options.items():
        got = result.get(option, "n")
        if got != value:
            found.append(f"{option}: asked for {value}, got {got}")
    return found


def facts(tree, compilers):
    """What decides which options a tree takes, as a hash."""
    digest = hashlib.sha256()
    for row in tree.git.text("ls-tree", "-r", tree.snapshot()).splitlines():
        if _DECIDES.search(row.partition("\t")[2]):
            digest.update(row.encode())
    for program in compilers:
        if shutil.which(program):
            done = subprocess.run([program, "--version"], capture_output=True,
                                  check=False)
            digest.update(done.stdout)
    return digest.hexdigest()[:24]


class Configurer:
    """Configures one object directory.

    tiny: where tinyconfig's result is kept, which takes longest, for all that
    it is the same for.
    """

    def __init__(self, objects, make, tiny):
        self.objects = objects
        self.make = make
        self.tiny = tiny

    def _tinyconfig(self, env):
        """What `make tinyconfig` gives."""
        if not self.tiny.exists():
            self.make("tinyconfig", env=env)
            self.tiny.parent.mkdir(parents=True, exist_ok=True)
            half = self.tiny.with_suffix(".new")
            shutil.copyfile(env["KCONFIG_CONFIG"], half)
            os.replace(half, self.tiny)
        return self.tiny.read_text(encoding="utf-8")

    def configure(self, fragments):
        """Write .config if it is not what the fragments give."""
        options = wanted(fragments)
        self.objects.mkdir(exist_ok=True)
        scratch = self.objects / ".config.lab"
        env = {"KCONFIG_CONFIG": str(scratch)}
        tiny = self._tinyconfig(env)
        with open(scratch, "w", encoding="utf-8") as config:
            config.write(tiny)
            for fragment in fragments:
                config.write(fragment.read_text(encoding="utf-8") + "\n")
        self.make("olddefconfig", env=env)
        text = scratch.read_text(encoding="utf-8")
        wrong = differences(options, parse(text))
        if wrong:
            raise Fail("the kernel does not take its configuration "
                       f"({', '.join(f.name for f in fragments)}); a "
                       "dependency is missing or an option is gone:\n  " +
                       "\n  ".join(wrong))
        final = self.objects / ".config"
        old = final.read_text(encoding="utf-8") if final.exists() else None
        if old == text:
            scratch.unlink()
        else:
            os.replace(scratch, final)
        for left in self.objects.glob(".config.lab*"):
            left.unlink()
