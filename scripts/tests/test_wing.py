# SPDX-License-Identifier: GPL-2.0
"""What holds of drivers/gpu/drm/panthor/reclaim/ as a whole."""

import re
import unittest

from labkit import paths

WING = paths.REPO / "drivers" / "gpu" / "drm" / "panthor" / "reclaim"
LOCK = ("panthor_reclaim.c", "panthor_reclaim_isolate.c",
        "panthor_reclaim_stats.c")


def texts():
    """{name: text} of the files of the wing."""
    return {p.name: p.read_text(encoding="utf-8")
            for p in sorted(WING.glob("*.[ch]"))}


class Wing(unittest.TestCase):
    """Walls between the files of the wing."""

    def test_facade_is_short(self):
        """What the driver includes fits on two pages."""
        lines = texts()["panthor_reclaim.h"].count("\n")
        self.assertLessEqual(lines, 150)

    def test_files_are_short(self):
        """No file has more than 700 lines."""
        long = {n: t.count("\n") for n, t in texts().items()
                if t.count("\n") > 700}
        self.assertEqual(long, {})

    def test_who_takes_the_lock(self):
        """The lock is taken, and flags are set, where the lists are."""
        taken = {n for n, t in texts().items()
                 if re.search(r"spin[\w()]*\(&[\w>.-]*reclaim->lock", t)}
        self.assertEqual(taken, set(LOCK))
        setting = {n for n, t in texts().items()
                   if re.search(r"isolated = (true|false)", t)}
        self.assertEqual(setting, {"panthor_reclaim_isolate.c"})


if __name__ == "__main__":
    unittest.main()
