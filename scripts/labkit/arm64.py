# SPDX-License-Identifier: GPL-2.0
"""An arm64 board under QEMU: panthor and the GPU model as modules."""

import os
import re
import shutil
import subprocess
import time
from pathlib import Path

from . import base, kbuild, klog, paths, qemu, tree
from .initramfs import Initramfs
from .lane import broken
from .steadiness import Watch
from .ui import Fail, Progress, say
from .uml import SELFTESTS, Tests as UmlTests

_CROSS = "aarch64-linux-gnu-"
_QEMU = "qemu-system-aarch64"
# The device tree relies on the counter's frequency
_BOARD = ["-M", "virt,gic-version=3", "-cpu", "cortex-a76,cntfrq=62500000",
          "-smp", "2"]
# Tests fill it: the less there is, the sooner they have. The registers of
# panthor-model.dtsi are in it, below the initramfs, which QEMU puts at 128 MiB.
_MEMORY = "256M"
_GUEST = paths.REPO / "scripts" / "guest"
_FIRMWARE = "/lib/firmware/arm/mali/arch10.8/mali_csffw.bin"
_MODEL_FIRMWARE = "/sys/kernel/debug/panthor-model/firmware"
_RENDER_NODE = "/dev/dri/renderD128"
_ZRAM = "384M"
# One for the guest's swap, one for tests that want their own; nobody attacks
# this kernel, and each exception would pay for it; grace periods are long where
# time goes by slowly.
_APPEND = ["zram.num_devices=2", "mitigations=off",
           "rcupdate.rcu_expedited=1"]
# In the order in which they are loaded. The governor is asked for by name, the
# firmware comes out of the model.
_MODULES = ("governor_simpleondemand", "panthor_model", "panthor")
# How readelf names a library and the dynamic linker
_LIBRARY = re.compile(r"(?:Shared library|program interpreter): \[?([^\]\s]+)\]")
# Programs that may fail once
_UNSTEADY_MAX = 2
# How the driver says that its hardware was late
_HARDWARE_LATE = re.compile(
    r"panthor.*(?:tim(?:e|ed) ?out|AS_ACTIVE bit stuck)", re.I)
# ENOMEM and EILSEQ (a wrong word), as words and as harness and kernel print them
_NO_MATTER_OF_TIME = re.compile(
    r"ENOMEM|EILSEQ|Cannot allocate memory|[1-9]\d* wrong words"
    r"|\((?:-12|-84|18446744073709551604|18446744073709551532)\)")


def install_modules(kernel):
    """Install the kernel's modules below its objects."""
    root = kernel.objects / "lab-modules"
    shutil.rmtree(root, ignore_errors=True)
    kernel.make("modules_install", f"INSTALL_MOD_PATH={root}",
                "INSTALL_MOD_STRIP=1", what="modules")
    return Modules(root)


class Modules:
    """The modules that are installed in a directory, and what each needs."""

    def __init__(self, root):
        self.root = root
        found = list(root.glob("lib/modules/*/modules.dep"))
        if len(found) != 1:
            raise Fail(f"there are {len(found)} files modules.dep in {root}, "
                       "not one: is depmod missing?")
        self.directory = found[0].parent
        self.release = self.directory.name
        self.files, self.needs = {}, {}
        for line in found[0].read_text(encoding="utf-8").splitlines():
            file, _, rest = line.partition(":")
            name = self._name(file)
            self.files[name] = self.directory / file
            self.needs[name] = [self._name(f) for f in rest.split()]

    @staticmethod
    def _name(file):
        return file.rpartition("/")[2].removesuffix(".ko").replace("-", "_")

    def order(self, names):
        """Modules and what they need, in an order they can be loaded in."""
        loaded = []
        for name in names:
            if name not in self.files:
                raise Fail(f"the kernel was built without the module {name}")
            # modules.dep lists what must be loaded first last
            for need in reversed(self.needs[name]):
                if need not in loaded:
                    loaded.append(need)
            if name not in loaded:
                loaded.append(name)
        return loaded

    def guest_path(self, name):
        """Where a module is in the guest."""
        return "/" + str(self.files[name].relative_to(self.root))

    def info(self, name):
        """{field: [values]} as modinfo tells."""
        text = subprocess.run(["/sbin/modinfo", str(self.files[name])],
                              capture_output=True, text=True,
                              check=True).stdout
        fields: dict[str, list[str]] = {}
        for line in text.splitlines():
            field, _, value = line.partition(":")
            fields.setdefault(field, []).append(value.strip())
        return fields

    def complaints(self, name, needs=(), not_needs=()):
        """What is not as it should be with a module's information."""
        info, wrong = self.info(name), []
        for field in ("license", "description"):
            if not info.get(field, [""])[0]:
                wrong.append(f"no {field}")
        if info.get("intree") != ["Y"]:
            wrong.append("not built in the tree")
        if not info.get("vermagic", [""])[0].startswith(f"{self.release} "):
            wrong.append(f"vermagic {info.get('vermagic')}, the kernel is "
                         f"{self.release}")
        wrong += [f"does not need {n}" for n in needs
                  if n not in self.needs[name]]
        wrong += [f"needs {n}" for n in not_needs if n in self.needs[name]]
        return wrong


class Board:
    """The kernel, its modules, and the board that they run on.

    name: of the objects; more: fragments merged over the one of the lane arm64.
    """

    def __init__(self, name="arm64", *more):
        self.name = name
        self.fragments = ["arm64", *more]
        # Known once it has been built
        self.kernel: kbuild.Kernel
        self.modules: Modules
        self.init: Path
        self.dtb = None
        self.helpers = []

    @staticmethod
    def missing():
        """What this machine lacks to build and run it, or None."""
        for program, package in ((_QEMU, "qemu-system-arm"),
                                 (f"{_CROSS}gcc", "gcc-aarch64-linux-gnu"),
                                 ("dtc", "device-tree-compiler")):
            try:
                qemu.need(program, package)
            except Fail as failure:
                return str(failure)
        return None

    def build(self):
        """Build kernel, modules, board and selftests; return the programs."""
        missing = self.missing()
        if missing:
            raise Fail(missing)
        paths.check_repo_path()
        target = tree.named()
        with paths.lock(paths.BUILD / ".lock", "assembling"):
            target.assemble(base.obtain(), tree.select(paths.REPO))
        self.kernel = kbuild.Kernel(target, "arm64", self.name, _CROSS)
        self.kernel.configure([paths.REPO / "configs" / f"{f}.config"
                               for f in self.fragments])
        self.kernel.build("Image", "modules")
        self.modules = install_modules(self.kernel)
        self._build_init()
        self._build_board()
        output, programs = self.kernel.selftests(SELFTESTS)
        self.helpers = [p for p in output.iterdir() if p.is_file() and
                        os.access(p, os.X_OK) and p not in programs]
        return programs

    def _run(self, *argv, **more):
        done = subprocess.run(argv, capture_output=True, text=True,
                              check=False, **more)
        if done.returncode:
            raise Fail(f"'{' '.join(map(str, argv))}' failed:\n{done.stderr}")
        return done.stdout

    def _build_init(self):
        self.init = self.kernel.objects / "lab-init"
        self._run(f"{_CROSS}gcc", "-static", "-O2", "-Wall", "-Wextra",
                  "-Werror", "-o", str(self.init), str(_GUEST / "init.c"))

    def _build_board(self):
        """QEMU's own device tree, and the GPU's nodes after it."""
        plain = self.kernel.objects / "board.dtb"
        source = self.kernel.objects / "board.dts"
        self.dtb = self.kernel.objects / "board-gpu.dtb"
        machine = _BOARD[1] + f",dumpdtb={plain}"
        # A network card that nobody asked for would want its ROM
        self._run(_QEMU, "-M", machine, *_BOARD[2:], "-m", _MEMORY,
                  "-nodefaults", "-display", "none")
        text = self._run("dtc", "-q", "-I", "dtb", "-O", "dts", str(plain))
        nodes = (_GUEST / "panthor-model.dtsi").read_text(encoding="utf-8")
        source.write_text(text + nodes, encoding="utf-8")
        self._run("dtc", "-q", "-I", "dts", "-O", "dtb", "-o", str(self.dtb),
                  str(source))

    def plan(self, rows):
        """What the guest does: load the modules, the rows, unload them."""
        before = []
        for name in self.modules.order(_MODULES):
            before.append(f"insmod {self.modules.guest_path(name)}")
            if name == "panthor_model":
                before.append(f"copy {_MODEL_FIRMWARE} {_FIRMWARE}")
        # Without a GPU the tests would all be skipped
        before.append(f"await {_RENDER_NODE}")
        after = ["rmmod panthor", "rmmod panthor_model"]
        return "\n".join([*before, *rows, *after]) + "\n"

    def _add_libraries(self, contents, programs):
        """Add what the programs are linked with.

        A copy of the C library in each of them would stay in the guest's
        memory, out of reach of its reclaim: a fifth of it.
        """
        names = set()
        for program in programs:
            text = self._run(f"{_CROSS}readelf", "--wide", "--program-headers",
                             "--dynamic", str(program))
            names.update(_LIBRARY.findall(text))
        if "libc.so.6" in names:
            # It loads this one itself, in pthread_exit()
            names.add("libgcc_s.so.1")
        for name in sorted(names):
            found = self._run(f"{_CROSS}gcc",
                              f"-print-file-name={Path(name).name}").strip()
            if not Path(found).is_absolute():
                raise Fail(f"{self.name}: the selftests need {name}, which "
                           f"{_CROSS}gcc does not find: install the package "
                           "libc6-dev-arm64-cross")
            contents.add(str(Path("/lib") / Path(name).name),
                         Path(found).resolve(), 0o755)

    def _initramfs(self, rows, programs, scratch):
        contents = Initramfs()
        contents.add("/init", self.init, 0o755)
        for name in self.modules.order(_MODULES):
            contents.add(self.modules.guest_path(name),
                         self.modules.files[name])
        plan = scratch / "plan"
        plan.write_text(self.plan(rows), encoding="utf-8")
        contents.add("/lab/plan", plan)
        for program in (*programs, *self.helpers):
            small = scratch / program.name
            self._run(f"{_CROSS}strip", "-o", str(small), str(program))
            contents.add(f"/lab/tests/{program.name}", small, 0o755)
        self._add_libraries(contents, (*programs, *self.helpers))
        target = scratch / "initramfs.cpio"
        contents.write(self.kernel, target)
        return target

    # pylint: disable-next=too-many-arguments
    def boot(self, rows, programs, log, timeout, *, each=lambda line: None,
             memory=_MEMORY, **variables):
        """Boot once, with a plan and programs; returns a guest.Outcome."""
        with paths.scratch(self.kernel.objects, ".initramfs-") as scratch:
            return qemu.boot(qemu.Machine(
                _QEMU, [*_BOARD, "-m", memory, "-accel", "tcg,thread=multi",
                        "-dtb", str(self.dtb)],
                self.kernel.objects / "arch/arm64/boot/Image",
                self._initramfs(rows, programs, scratch), "ttyAMA0", log,
                timeout, dict(variables, LAB_ZRAM=_ZRAM), _APPEND), each)


class Tests(UmlTests):
    """The selftests on the board, then the modules' own checks.

    In one guest: two of two CPUs each on two processors spin for each other. They
    need twice as much processor time, and more time altogether.

    The driver gives its hardware a tenth of a second to answer, and the board has
    no hardware but this machine's processors. So programs that fail while the
    driver says that its hardware was late are run once more in a guest of their
    own, and what fails only at first is shown, but is no failure. What the kernel
    reports is one, always; so are a failure without such a message, ENOMEM and a
    wrong word, for which no time limit is to blame.
    """

    def __init__(self, name="arm64", *more):
        # A memory access of the guest's costs ten times what it does in UML
        super().__init__(name, ["arm64", *more], _MEMORY, 3600, effort=20)
        self.board = Board(name, *more)
        self.stood_still = {}
        self.late = set()

    def build(self):
        """Build all there is to build; return the programs."""
        programs = self.board.build()
        self.kernel = self.board.kernel
        return programs

    def kunit(self):
        """Check the modules; the KUnit suites are in them and run later."""
        for name, needs, not_needs in (
                ("panthor_model", (), ("panthor",)),
                ("panthor", ("drm_gpuvm", "gpu_sched", "drm_exec"),
                 ("panthor_model",))):
            wrong = self.board.modules.complaints(name, needs, not_needs)
            self.lane.check("modules", f"modinfo {name}", not wrong,
                            "; ".join(wrong))

    def _rows(self, what, programs, limit):
        rows = [f"run {limit} {p.name} /lab/tests/{p.name}" for p in programs]
        if what == "selftests" and \
           self._configured(r"DRM_PANTHOR\w*KUNIT\w*"):
            rows.append("kunit panthor*")
        return rows

    def selftests(self, programs, limit, what="selftests"):
        """Run the programs, and once more those whose hardware was late."""
        super().selftests(programs, limit, what)
        failed = [p for p in programs if self.lane.failures(p.name)]
        if not 0 < len(failed) <= _UNSTEADY_MAX:
            return
        failed = [p for p in failed if self._was_late(p.name)]
        if not failed:
            return
        before = {p.name: self.lane.again(p.name) for p in failed}
        super().selftests(failed, limit, "again")
        for name, failures in before.items():
            if not self.lane.failures(name):
                self.lane.unsteady[name] = failures

    def _was_late(self, name):
        """Whether the time limits of emulated hardware explain all failures."""
        return name in self.late and not any(
            _NO_MATTER_OF_TIME.search("\n".join([r.name, r.reason, *r.output]))
            for r in self.lane.failures(name))

    def _programs(self, what, programs, limit):
        progress = Progress(f"{self.lane.name}: selftests")
        state, begun = ["booting"], []

        def each(line):
            match = re.match(r"@lab begin (\S+)", line or "")
            if match:
                state[0] = match.group(1)
                begun.append((state[0], time.monotonic()))
            progress.update(state[0])

        variables = {"PAN_EFFORT": self.effort}
        if broken():
            variables["LAB_BREAK"] = broken()
        log = paths.LOG / f"{self.lane.name}-{what}.log"
        with Watch() as watch:
            outcome = self.board.boot(self._rows(what, programs, limit),
                                      programs, log, self.timeout, each=each,
                                      **variables)
        self._watched(watch, begun + [("", time.monotonic())])
        log.with_suffix(".out").write_text(outcome.output, encoding="utf-8")
        progress.end()
        say(f"{self.lane.name}: {what}: guest ran {outcome.seconds:.0f} s")
        return outcome

    def _watched(self, watch, begun):
        """Remember for each program whether the processors were there."""
        for (name, since), (_, until) in zip(begun, begun[1:]):
            self.stood_still[name] = watch.worst(since, until)

    def _collect(self, outcome, programs):
        done = super()._collect(outcome, programs)
        for program in programs[:done]:
            if any(map(_HARDWARE_LATE.search,
                       klog.during(outcome.kernel_log, program.name))):
                self.late.add(program.name)
            seconds = self.stood_still.get(program.name, 0)
            if seconds:
                self.lane.explain(program.name, [
                    f"this machine stood still for {seconds * 1000:.0f} ms, "
                    "or more often, meanwhile"])
        return done
