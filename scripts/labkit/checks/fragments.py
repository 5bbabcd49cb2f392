# SPDX-License-Identifier: GPL-2.0
"""Every option of every configuration fragment holds after olddefconfig."""

import shutil

from .. import kbuild, kconfig, paths
from ..ui import Fail
from .context import Outcome

CROSS = {"arm64": "aarch64-linux-gnu-"}


def arch_of(lane):
    """The kernel's name of a lane's architecture."""
    first = lane.split("-")[0]
    return "um" if first == "uml" else first


def parts(name):
    """The fragments that NAME.config is merged over, and itself."""
    lane = name.split("-")[0]
    return [lane] if lane == name else [lane, name]


def check(context, log):
    """Configure the series with each fragment."""
    outcome = Outcome("options")
    found = sorted((paths.REPO / "configs").glob("*.config"))
    for fragment in found:
        arch = arch_of(fragment.stem)
        cross = CROSS.get(arch, "")
        if cross and not shutil.which(f"{cross}gcc"):
            outcome.skip(fragment.stem, f"there is no {cross}gcc")
            continue
        files = [paths.REPO / "configs" / f"{n}.config"
                 for n in parts(fragment.stem)]
        kernel = kbuild.Kernel(context.tree, arch, f"config-{arch}", cross)
        wrong = []
        try:
            options = len(kconfig.wanted(files))
            kernel.configure(files)
            outcome.checked += options
            log.write(f"{fragment.stem}: {options} options hold\n")
        except Fail as failure:
            wrong = str(failure).splitlines()
            log.write(f"{fragment.stem}: {failure}\n")
        outcome.add(fragment.stem, wrong, "the fragment does not hold")
    return outcome
