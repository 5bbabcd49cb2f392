# SPDX-License-Identifier: GPL-2.0
"""Every option of every configuration fragment holds after olddefconfig.

What held is remembered as long as nothing changes that it depends on.
"""

import hashlib
import shutil

from .. import kbuild, kconfig, paths
from ..ui import Fail
from .context import LOGS, Outcome

CROSS = {"arm64": "aarch64-linux-gnu-"}


def arch_of(lane):
    """The kernel's name of a lane's architecture."""
    first = lane.split("-")[0]
    return "um" if first == "uml" else first


def parts(name):
    """The fragments that NAME.config is merged over, and itself."""
    lane = name.split("-")[0]
    return [lane] if lane == name else [lane, name]


def _key(context, files):
    """What decides whether fragments hold."""
    digest = hashlib.sha256(kconfig.facts(
        context.tree, ["gcc", *[f"{p}gcc" for p in CROSS.values()]]).encode())
    for file in files:
        digest.update(file.read_bytes())
    return digest.hexdigest()[:24]


def check(context, compiler, log):
    """Configure the series with each fragment.

    Where the compiler is going to compile with one, it finds it configured.
    """
    outcome = Outcome("options")
    kernels = {lane.fragments: lane.kernel for lane in compiler.lanes}
    found = sorted((paths.REPO / "configs").glob("*.config"))
    for fragment in found:
        if context.stopped.is_set():
            raise Fail("interrupted")
        arch = arch_of(fragment.stem)
        cross = CROSS.get(arch, "")
        if cross and not shutil.which(f"{cross}gcc"):
            outcome.skip(fragment.stem, f"there is no {cross}gcc")
            continue
        files = [paths.REPO / "configs" / f"{n}.config"
                 for n in parts(fragment.stem)]
        kernel = kernels.get(tuple(parts(fragment.stem))) or \
            kbuild.Kernel(context.tree, arch, f"config-{arch}", cross)
        wrong = []
        held = LOGS / "fragments" / _key(context, files)
        try:
            options = len(kconfig.wanted(files))
            if not held.exists():
                kernel.configure(files)
                held.parent.mkdir(parents=True, exist_ok=True)
                held.write_text(f"{fragment.stem}\n", encoding="ascii")
            outcome.checked += options
            log.write(f"{fragment.stem}: {options} options hold\n")
        except Fail as failure:
            wrong = str(failure).splitlines()
            log.write(f"{fragment.stem}: {failure}\n")
        outcome.add(fragment.stem, wrong, "the fragment does not hold")
    return outcome
