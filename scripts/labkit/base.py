# SPDX-License-Identifier: GPL-2.0
"""The base kernel as a bare git repository in the cache.

The repository has one commit, whose hash depends on nothing but the source:
assembling a series on it is then a checkout that shares its objects.
"""

import dataclasses
import json
import os
import re
import shutil
import subprocess
import tarfile
from pathlib import Path

from . import debian, git, paths
from .ui import Fail, Progress, note, say

REF = "refs/heads/base"
RECORD = "panthor-reclaim.json"


@dataclasses.dataclass(frozen=True)
class Base:
    """A base kernel that is in the cache."""
    repository: Path
    commit: str
    version: str
    origin: str
    pinned: bool


def read_pin(path=paths.REPO / "base" / "pin"):
    """The pinned kernel: base/pin as a dictionary."""
    pin = {}
    for line in path.read_text(encoding="ascii").splitlines():
        if line and not line.startswith("#"):
            key, _, value = line.partition("=")
            pin[key] = value
    return pin


def kernel_version(makefile):
    """Version and stable release that a kernel's Makefile states."""
    fields = dict(re.findall(
        r"^(VERSION|PATCHLEVEL|SUBLEVEL|EXTRAVERSION)[ \t]*=[ \t]*(\S*)",
        makefile, re.M))
    try:
        return (int(fields["VERSION"]), int(fields["PATCHLEVEL"]),
                int(fields["SUBLEVEL"] or 0), fields.get("EXTRAVERSION", ""))
    except (KeyError, ValueError) as error:
        raise Fail("not a kernel source tree: its Makefile states no "
                   "version") from error


def _quote(name):
    if name[0] == '"' or "\n" in name:
        raise Fail(f"the source has a file with an unusable name: {name!r}")
    return os.fsencode(name)


def _import(stream, repository, message, progress):
    """Make the files of a tar stream the only commit of a new repository."""
    subprocess.run(["git", "init", "-q", "--bare", str(repository)], check=True,
                   env=git.environment())
    repo = git.Git(repository)
    argv = repo.command("-c", "core.compression=1", "fast-import", "--quiet",
                        "--depth=0", "--date-format=raw")
    identity = f"{git.IDENTITY} <{git.EMAIL}> {git.EPOCH} +0000"
    text = message.encode()
    makefile = None
    with subprocess.Popen(argv, stdin=subprocess.PIPE,
                          stderr=subprocess.PIPE,
                          env=git.environment()) as fast:
        assert fast.stdin and fast.stderr
        try:
            put = fast.stdin.write
            put(f"commit {REF}\nauthor {identity}\ncommitter {identity}\n"
                f"data {len(text)}\n".encode() + text + b"\n")
            count = 0
            with tarfile.open(fileobj=stream, mode="r|") as tar:
                for entry in tar:
                    name = entry.name.partition("/")[2]
                    if not name or entry.isdir():
                        continue
                    if entry.issym():
                        mode, data = "120000", os.fsencode(entry.linkname)
                    elif entry.isreg():
                        mode = "100755" if entry.mode & 0o100 else "100644"
                        member = tar.extractfile(entry)
                        data = member.read() if member else b""
                    else:
                        raise Fail(f"the source has a special file: {name}")
                    if name == "Makefile":
                        makefile = data.decode(errors="replace")
                    put(f"M {mode} inline ".encode() + _quote(name) +
                        f"\ndata {len(data)}\n".encode() + data + b"\n")
                    count += 1
                    progress.update(f"{count} files")
            put(b"done\n")
            fast.stdin.close()
        except BrokenPipeError:
            pass
        except BaseException:
            fast.kill()
            raise
        words = fast.stderr.read().decode(errors="replace").strip()
    if fast.returncode:
        raise Fail(f"git could not store the source: {words}")
    return repo.rev(REF), makefile


def _store(directory, repository, facts):
    """Move a finished repository to its place in the cache."""
    (repository / RECORD).write_text(json.dumps(facts, indent=1) + "\n",
                                     encoding="ascii")
    if directory.exists():
        shutil.rmtree(directory)
    os.rename(repository, directory)


def _load(directory):
    """A base that is in the cache, or None when it is not or is broken."""
    try:
        facts = json.loads((directory / RECORD).read_text(encoding="ascii"))
    except (OSError, ValueError):
        return None
    if git.Git(directory).rev(REF) != facts["commit"]:
        return None
    return Base(directory, facts["commit"], facts["version"], facts["origin"],
                facts["pinned"])


def _from_debian(pin, cache):
    paths.need_space(cache, 1200, "obtain the kernel source")
    with paths.scratch(cache, ".obtain-") as scratch:
        tarball, version, checksum = debian.obtain(pin, scratch)
        upstream = version.split("-")[0]
        progress = Progress("storing the kernel source")
        with subprocess.Popen(["xz", "-dc", "-T0", str(tarball)],
                              stdout=subprocess.PIPE) as xz:
            try:
                commit, _ = _import(xz.stdout, scratch / "base.git",
                                    f"Linux {upstream} (Debian {version})\n",
                                    progress)
            except BaseException:
                xz.kill()
                raise
        progress.end()
        if xz.returncode:
            raise Fail(f"{tarball.name} of {version} cannot be unpacked")
        _store(cache / f"linux-{version}.git", scratch / "base.git", {
            "version": upstream, "origin": f"Debian {version}",
            "sha256": checksum, "commit": commit,
            "pinned": version == pin["package_version"]})
    return _load(cache / f"linux-{version}.git")


def _cached(pin, cache):
    """The pinned base, else the newest accepted one, from the cache."""
    names = {p.name[len("linux-"):-len(".git")]: p
             for p in cache.glob("linux-*.git")}

    def release(version):
        return [int(n) for n in re.findall(r"\d+", version)]

    for version in sorted(names, key=release, reverse=True):
        if debian.choose([version], pin["package_version"]) and \
           pin["package_version"] not in names:
            base = _load(names[version])
            if base:
                return base
    return _load(cache / f"linux-{pin['package_version']}.git")


def _tar_of(tree):
    """Export a user's tree: the argv of a tar, and the tree's identity."""
    repo = git.Git(tree)
    top = repo.run("rev-parse", "--show-toplevel", check=False)
    head = repo.rev("HEAD") if top.returncode == 0 else None
    if head and os.path.samefile(os.fsdecode(top.stdout.rstrip(b"\n")), tree):
        if repo.text("status", "--porcelain", "--untracked-files=no"):
            note(f"uncommitted changes in {tree} are not used: its HEAD is")
        return (repo.command("archive", "--format=tar", "--prefix=linux/",
                             "HEAD"),
                repo.text("rev-parse", "HEAD^{tree}"))
    if (tree / ".config").exists() or (tree / "include/generated").exists():
        raise Fail(f"{tree} holds build products: give a clean tree (make "
                   "mrproper) or a git repository")
    return (["tar", "-C", str(tree), "-c", "--exclude-vcs",
             "--transform=s,^\\./,linux/,", "."], None)


def _from_tree(tree, pin, cache):
    """Copy a tree that the user has into the cache; it is only read."""
    if not (tree / "Makefile").is_file():
        raise Fail(f"KERNEL={tree} is not a kernel source tree")
    argv, identity = _tar_of(tree)
    if identity is None:
        text = (tree / "Makefile").read_text(encoding="utf-8")
    else:
        text = git.Git(tree).text("show", "HEAD:Makefile")
    version, patchlevel, sublevel, extra = kernel_version(text)
    wanted = ".".join(pin["version"].split(".")[:2])
    if f"{version}.{patchlevel}" != wanted:
        raise Fail(f"KERNEL={tree} is Linux {version}.{patchlevel}."
                   f"{sublevel}{extra}, the series is for {wanted}")
    name = f"{version}.{patchlevel}.{sublevel}{extra}"
    if identity:
        base = _load(cache / f"kernel-{identity}.git")
        if base:
            return base
    paths.need_space(cache, 800, "copy the kernel source")
    with paths.scratch(cache, ".kernel-") as scratch:
        progress = Progress(f"copying {tree}")
        with subprocess.Popen(argv, stdout=subprocess.PIPE,
                              env=git.environment()) as tar:
            try:
                commit, _ = _import(tar.stdout, scratch / "base.git",
                                    f"Linux {name}\n", progress)
            except BaseException:
                tar.kill()
                raise
        progress.end()
        if tar.returncode:
            raise Fail(f"{tree} cannot be read")
        identity = identity or git.Git(scratch / "base.git").text(
            "rev-parse", f"{commit}^{{tree}}")
        target = cache / f"kernel-{identity}.git"
        _store(target, scratch / "base.git", {
            "version": name, "origin": "KERNEL=", "sha256": None,
            "commit": commit, "pinned": False})
    return _load(target)


def obtain():
    """The base kernel to build on, obtained if it is not in the cache."""
    pin = read_pin()
    cache = paths.cache()
    tree = os.environ.get("KERNEL")
    with paths.lock(cache / ".lock", "obtaining the kernel source"):
        if tree:
            return _from_tree(Path(tree).absolute(), pin, cache)
        base = _cached(pin, cache)
        if base is None:
            base = _from_debian(pin, cache)
            say(f"obtained {base.origin}")
    if not base.pinned:
        note(f"using {base.origin} in place of the pinned "
             f"{pin['package_version']}")
    return base


def remove():
    """Remove every base from the cache; return their paths."""
    cache = paths.cache()
    with paths.lock(cache / ".lock", "obtaining the kernel source"):
        found = sorted([*cache.glob("linux-*.git"), *cache.glob("kernel-*.git"),
                        *cache.glob(".obtain-*"), *cache.glob(".kernel-*")])
        for path in found:
            shutil.rmtree(path)
    return found
