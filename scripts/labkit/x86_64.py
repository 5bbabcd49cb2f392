# SPDX-License-Identifier: GPL-2.0
"""x86_64 under QEMU: TTM and shmem, with huge pages, two CPUs and zram.

KUnit suites are built in and started through debugfs, because what they test
needs swap, which user space sets up: they do not run by themselves at boot.

Kernels without huge pages, and (lane uml-ttm-noswap) without swap, are User-mode
Linux, which is built and boots much faster.
"""

import dataclasses
import fnmatch
import os
import re
import subprocess

from . import base, guest, kbuild, klog, ktap, paths, qemu, tree
from .initramfs import Initramfs
from .lane import Lane
from .ui import Fail, Progress, say
from .uml import guest_failure, marks

_QEMU = "qemu-system-x86_64"
_BOARD = ["-M", "pc", "-cpu", "max", "-smp", "2", "-m", "1024",
          "-accel", "tcg,thread=multi"]
_GUEST = paths.REPO / "scripts" / "guest"
_SELFTESTS = "drivers/gpu/ttm"
_ZRAM = "512M"
# What our suites expect. The fault injection is for the tasks
# alone that ask for it.
_MEMCG = "/sys/fs/cgroup/shmem-insert/memory.max"
_MEMCG_MAX = "524288"
_FAILSLAB = "/sys/kernel/debug/failslab"
_INJECTION = [f"write {_FAILSLAB}/{name} {value}" for name, value in
              (("task-filter", "Y"), ("times", "-1"), ("probability", "100"))]
# Allocations that may wait fail as well, in a task that asks for it
_WAITING = [f"write /sys/kernel/debug/{name} {value}" for name, value in
            (("failslab/ignore-gfp-wait", "N"), ("failslab/verbose", "0"),
             ("fail_page_alloc/ignore-gfp-wait", "N"),
             ("fail_page_alloc/ignore-gfp-highmem", "N"),
             ("fail_page_alloc/min-order", "0"),
             ("fail_page_alloc/verbose", "0"))]

OURS = ("shmem_insert", "shmem_insert_errors", "shmem_insert_memcg",
        "shmem_take", "ttm_backup", "ttm_backup_noswap", "ttm_swapout",
        "ttm_state", "ttm_faults")
OURS_WITHOUT_SWAP = tuple(s for s in OURS if s != "ttm_backup")
# Mainline's own, but for ttm_bo
MAINLINE = ("ttm_device", "ttm_pool", "ttm_resource", "ttm_tt",
            "ttm_bo_validate")
MAINLINE_TESTS = 102
# Reports that tests of mainline's provoke: suite, and what the report has in it
PROVOKED = {"ttm_device": r"ttm_device_init",
            "ttm_bo": r"ttm_bo_reserve|ww_mutex"}


class Machine(qemu.Machine):
    """A PC: virtio-serial is behind PCI."""

    def argv(self, output_fd):
        return ["virtio-serial-pci" if w == "virtio-serial-device" else w
                for w in super().argv(output_fd)]


@dataclasses.dataclass
class Boot:
    """One boot: what runs in it, and on what."""
    name: str
    suites: tuple = ()
    programs: tuple = ()
    zram: bool = False
    devices: tuple = ()
    append: tuple = ()
    # Whether mainline turns lockdep off here, by design of a test of its own
    lockdep_ends: bool = False

    def only(self, pattern):
        """The same with those suites and programs that match, or None."""
        suites = tuple(fnmatch.filter(self.suites, pattern))
        programs = tuple(p for p in self.programs
                         if fnmatch.fnmatch(p.name, pattern))
        if not suites and not programs:
            return None
        return dataclasses.replace(self, suites=suites, programs=programs)


@dataclasses.dataclass
class Variant:
    """A kernel, and the boots it gets."""
    name: str
    fragments: tuple
    boots: tuple
    arch: str = "x86_64"


BOOTS = (
    Boot("zram", OURS, zram=True),
    Boot("no-swap", OURS_WITHOUT_SWAP),
    Boot("mainline", MAINLINE, zram=True),
    # ttm_bo_reserve_deadlock provokes a lockdep report, after which there is
    # no lockdep any more: by itself, and nothing else with it.
    Boot("mainline-bo", ("ttm_bo",), zram=True, lockdep_ends=True),
)

VARIANTS = (
    Variant("x86_64", ("x86_64",), BOOTS),
    Variant("uml-ttm", ("uml", "uml-ttm"),
            (Boot("nothp", OURS, zram=True),
             Boot("nothp-mainline", MAINLINE, zram=True)), "um"),
)
# A lane of its own: its kernel has hardly an object in common with others
WITHOUT_SWAP = (
    Variant("uml-ttm-noswap", ("uml", "uml-ttm-noswap"),
            (Boot("noswap", OURS_WITHOUT_SWAP),
             Boot("noswap-mainline", MAINLINE)), "um"),
)


def named(names):
    """The kernels of these names, and their boots."""
    found = {variant.name: variant for variant in VARIANTS + WITHOUT_SWAP}
    unknown = [name for name in names if name not in found]
    if unknown or not names:
        raise Fail(f"base/lanes.toml: kernels are some of {', '.join(found)}")
    return tuple(found[name] for name in names)


def _run(*argv):
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Fail(f"'{' '.join(map(str, argv))}' failed:\n{done.stderr}")


def build_init(kernel):
    """The guest's first process, linked statically."""
    program = kernel.objects / "lab-init"
    _run("gcc", "-static", "-O2", "-Wall", "-Wextra", "-Werror", "-o",
         str(program), str(_GUEST / "init.c"))
    return program


def kunit_rows(boot):
    """What the guest does to run the suites."""
    rows = []
    for suite in boot.suites:
        rows += _WAITING if suite == "ttm_faults" else []
        rows.append(f"kunit {suite}")
    return rows


def plan(boot, limit):
    """What the guest does."""
    rows = []
    if any(s in OURS for s in boot.suites):
        rows += [f"copy /lab/memory.max {_MEMCG}", *_INJECTION]
    rows += kunit_rows(boot)
    rows += [f"run {limit} {p.name} /lab/tests/{p.name}"
             for p in boot.programs]
    return "\n".join(rows) + "\n"


class Shown:
    """Shows what a guest is at."""

    def __init__(self, kernel, boot):
        self.progress = Progress(f"{kernel.label}: {boot.name}")
        self.state = "booting"

    def __call__(self, line):
        match = re.match(r"@lab begin (\S+)", line or "")
        if match:
            self.state = match.group(1)
        self.progress.update(self.state)


def run_in_uml(kernel, boot, log, timeout=600):
    """Boot a UML kernel once; returns a guest.Outcome."""
    rows = [f"write {_MEMCG} {_MEMCG_MAX}", *_INJECTION, *kunit_rows(boot)]
    shown = Shown(kernel, boot)
    outcome = guest.boot(
        guest.Guest(kernel.objects / "linux", "kunit", memory="512M",
                    swap="zram" if boot.zram else "none", timeout=timeout,
                    variables={"LAB_ZRAM": _ZRAM},
                    append=["kunit.autorun=0", *boot.append], log=log),
        {"list": "\n".join(rows) + "\n"}, shown)
    shown.progress.end()
    return outcome


def run(kernel, boot, log, timeout=1800, limit=1500, extra=()):
    """Boot an x86_64 kernel once; returns a guest.Outcome.

    extra: (path in the guest, file) of more files; a file /lab/plan replaces
    the plan.
    """
    qemu.need(_QEMU, "qemu-system-x86")
    shown = Shown(kernel, boot)

    with paths.scratch(kernel.objects, ".initramfs-") as scratch:
        contents = Initramfs()
        contents.add("/init", build_init(kernel), 0o755)
        (scratch / "memory.max").write_text(_MEMCG_MAX, encoding="ascii")
        contents.add("/lab/memory.max", scratch / "memory.max")
        if "/lab/plan" not in dict(extra):
            (scratch / "plan").write_text(plan(boot, limit), encoding="utf-8")
            contents.add("/lab/plan", scratch / "plan")
        for program in boot.programs:
            contents.add(f"/lab/tests/{program.name}", program, 0o755)
        for path, file in extra:
            contents.add(path, file)
        initrd = scratch / "initramfs.cpio"
        contents.write(kernel, initrd)
        outcome = qemu.boot(Machine(
            _QEMU, [*_BOARD, *boot.devices],
            kernel.objects / "arch/x86/boot/bzImage", initrd, "ttyS0", log,
            timeout, {"LAB_ZRAM": _ZRAM} if boot.zram else {},
            list(boot.append)), shown)
    shown.progress.end()
    return outcome


def with_plans(text):
    """KUnit's results of a suite, with a plan for each parametrised test.

    KUnit prints none for them, but counts them afterwards if there are several:
    '# NAME: pass:P fail:F skip:S total:T'.
    """
    rows: list[str] = []
    start = None
    for row in text.splitlines():
        if match := re.match(r"^ {8}# Subtest: (\S+)$", row):
            start = (len(rows) + 1, match.group(1))
        rows.append(row)
        if start is None:
            continue
        at, name = start
        match = re.match(rf"^ {{4}}# {re.escape(name)}: .*\btotal:(\d+)$", row)
        if match or re.match(rf"^ {{4}}(not )?ok \d+ {re.escape(name)}\b", row):
            inner = rows[at:at + 1]
            if not inner or not re.match(r"^ {8}1\.\.", inner[0]):
                rows.insert(at, f"        1..{match.group(1) if match else 1}")
            start = None
    return "\n".join(rows) + "\n"


def parts(output):
    """What the guest printed for each suite or program: (name, status, text)."""
    name: str | None = None
    text: list[str] = []
    found: list[tuple[str, int | None, str]] = []
    for line in output.splitlines():
        match = re.match(r"^@lab (begin|end) (\S+) ?(\d*)$", line)
        if not match:
            text.append(line)
        elif match.group(1) == "begin":
            name, text = match.group(2), []
        elif name is not None:
            found.append((name, int(match.group(3) or 0), "\n".join(text)))
            name = None
    if name is not None:
        found.append((name, None, "\n".join(text)))
    return found


class Tests:
    """All variants and boots of a lane."""

    def __init__(self, name="x86_64", variants=VARIANTS):
        self.lane = Lane(name)
        self.variants = variants
        self.pattern = os.environ.get("TESTS") or "*"

    def kernel(self, variant):
        """Assemble, configure and build a variant; returns a kbuild.Kernel."""
        paths.check_repo_path()
        target = tree.named()
        with paths.lock(paths.BUILD / ".lock", "assembling"):
            target.assemble(base.obtain(), tree.select(paths.REPO))
        made = kbuild.Kernel(target, variant.arch, variant.name)
        made.configure([paths.REPO / "configs" / f"{f}.config"
                        for f in variant.fragments])
        made.build("linux" if variant.arch == "um" else "bzImage")
        return made

    def run(self):
        """Build and test; return the exit status."""
        return self.lane.judge(self.test_all)

    def test_all(self):
        """All variants, or those that have what TESTS asks for."""
        for variant in self.variants:
            boots = [one for b in variant.boots
                     if (one := b.only(self.pattern))]
            # The programs are known when its kernel has been built
            if boots or variant.arch == "x86_64":
                self.variant(variant, self.kernel(variant), boots)
        if not self.lane.groups:
            raise Fail("no KUnit suite and no program of this lane matches "
                       f"'{self.pattern}'")

    def variant(self, variant, kernel, boots):
        """Run boots of a variant, and what only x86_64 has."""
        passed = 0
        for boot in boots:
            results = self.boot(kernel, boot)
            if boot.name.startswith("mainline"):
                passed += ktap.count(results)[ktap.PASS]
        if variant.arch != "x86_64":
            return
        if self.pattern == "*":
            self.lane.check("mainline",
                            f"{MAINLINE_TESTS} tests of mainline pass",
                            passed == MAINLINE_TESTS, f"{passed} passed")
        programs = kernel.selftests(_SELFTESTS, "-static")[1]
        if not programs:
            raise Fail(f"there are no selftests in {_SELFTESTS}")
        qxl = Boot("qxl", programs=tuple(programs), zram=True,
                   devices=("-device", "qxl-vga")).only(self.pattern)
        if qxl:
            self.boot(kernel, qxl)

    def boot(self, kernel, boot):
        """Boot and judge; returns the results of the tests."""
        log = paths.LOG / f"{self.lane.name}-{boot.name}.log"
        say(f"{self.lane.name}: {boot.name}")
        outcome = run_in_uml(kernel, boot, log) if kernel.arch == "um" else \
            run(kernel, boot, log)
        log.with_suffix(".out").write_text(outcome.output, encoding="utf-8")
        results = []
        for name, status, text in parts(outcome.output):
            group = f"{boot.name} {name}"
            if status is None:
                self.lane.check(group, "ends", False, "the guest ended in the "
                                "middle of it", outcome.kernel_log.
                                splitlines()[-30:])
            elif name in boot.suites:
                self.lane.tap(group, with_plans(text))
            else:
                self.lane.program(group, status, text)
            results += self.lane.groups.get(group, [])
        begun = [name for name, _, _ in parts(outcome.output)]
        for name in (*boot.suites, *(p.name for p in boot.programs)):
            if name not in begun:
                self.lane.check(f"{boot.name} {name}", "ran", False,
                                "the guest did not come to it")
        self._judge(boot, outcome)
        return results

    def _judge(self, boot, outcome):
        group = f"{boot.name} guest"
        failure = guest_failure(outcome)
        self.lane.check(group, "powered off by itself", failure is None,
                        f"the guest {failure}",
                        outcome.kernel_log.splitlines()[-30:])
        self.lane.check(group, "kernel log is there",
                        bool(outcome.kernel_log.strip()),
                        "the kernel printed nothing")
        found = [s for s in klog.splats(outcome.kernel_log)
                 if s.during not in PROVOKED or not
                 re.search(PROVOKED[s.during], "\n".join(s.lines))]
        self.lane.check(group, "no report in the kernel log", not found,
                        f"{len(found)} reports in the kernel log",
                        [f"during {s.during}: {s.title}" for s in found] +
                        [l for s in found[:3] for l in s.lines[:40]])
        if failure is None and not boot.lockdep_ends:
            alive = dict(marks(outcome.output)).get("lockdep")
            self.lane.check(group, "lockdep alive at the end", alive == "1",
                            "lockdep is off: /proc/lockdep_stats says "
                            f"debug_locks: {alive or 'nothing'}")
