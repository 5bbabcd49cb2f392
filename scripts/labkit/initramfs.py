# SPDX-License-Identifier: GPL-2.0
"""Make an initramfs with the kernel's own tool for it."""

import subprocess
from pathlib import PurePosixPath

from .ui import Fail


class Initramfs:
    """The contents of an initramfs."""

    def __init__(self):
        self.directories = {"/dev"}
        self.rows = ["nod /dev/console 0600 0 0 c 5 1"]

    def add(self, path, source, mode=0o644):
        """Add a file of the host's, and the directories it needs."""
        for parent in PurePosixPath(path).parents:
            if str(parent) != "/":
                self.directories.add(str(parent))
        self.rows.append(f"file {path} {source} 0{mode:o}")

    def write(self, kernel, target):
        """Write it; kernel is the kbuild.Kernel that it is for."""
        tool = kernel.objects / "usr" / "gen_init_cpio"
        if not tool.exists():
            raise Fail(f"{kernel.label}: the kernel was built without "
                       "CONFIG_BLK_DEV_INITRD")
        listing = target.with_suffix(".list")
        rows = [f"dir {d} 0755 0 0" for d in sorted(self.directories)]
        rows += [r + " 0 0" if r.startswith("file ") else r for r in self.rows]
        listing.write_text("\n".join(rows) + "\n", encoding="utf-8")
        with open(target, "wb") as out:
            done = subprocess.run([str(tool), str(listing)], stdout=out,
                                  stderr=subprocess.PIPE, text=True,
                                  errors="replace", check=False)
        if done.returncode:
            raise Fail(f"{kernel.label}: {tool.name} cannot make the guest's "
                       f"initramfs:\n{done.stderr.rstrip()}")
