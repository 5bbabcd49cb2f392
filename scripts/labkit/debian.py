# SPDX-License-Identifier: GPL-2.0
"""Obtain the pinned kernel source from Debian's archive.

apt runs with a state of its own below the cache, so that nothing of the
system's apt changes. The mirror is the one that the machine's own apt uses.
"""

import hashlib
import os
import re
import shutil
import subprocess
import tarfile
from pathlib import Path

from .ui import Fail, Progress, note, say


def mirrors():
    """The Debian mirrors that the machine's apt is configured for."""
    own = os.environ.get("PANTHOR_RECLAIM_MIRROR")
    if own:
        return [own]
    if not shutil.which("apt-get") or not shutil.which("dpkg-deb"):
        raise Fail("this machine has no apt to obtain the kernel source with: "
                   "give a Linux 7.3 source tree with KERNEL=path")
    done = subprocess.run(
        ["apt-get", "indextargets", "--format",
         "$(REPO_URI)|$(RELEASE)|$(COMPONENT)|$(ORIGIN)",
         "Created-By: Packages"],
        capture_output=True, text=True, check=False)
    found = []
    for line in done.stdout.splitlines():
        uri, release, component, origin = line.split("|")
        plain = component == "main" and "security" not in release
        debian = origin == "Debian" or (not origin and re.search(
            r"debian/?$", uri))
        if plain and debian and uri not in found:
            found.append(uri)
    if not found:
        raise Fail("this machine's apt configuration names no Debian mirror: "
                   "give one with PANTHOR_RECLAIM_MIRROR=url, or a Linux 7.3 "
                   "source tree with KERNEL=path")
    return found


class Apt:
    """apt with private state in a directory."""

    def __init__(self, directory, pin):
        self.directory = directory
        self.pin = pin
        for name in ("lists/partial", "cache/archives/partial"):
            (directory / name).mkdir(parents=True)
        (directory / "status").touch()

    def _argv(self, program, *args):
        d = self.directory
        options = (
            f"Dir::State={d}", f"Dir::State::Lists={d}/lists",
            f"Dir::State::status={d}/status", f"Dir::Cache={d}/cache",
            f"Dir::Etc::SourceList={d}/sources.list",
            "Dir::Etc::SourceParts=/dev/null",
            "Dir::Etc::Preferences=/dev/null",
            "Dir::Etc::PreferencesParts=/dev/null",
            "Acquire::Languages=none", "APT::Sandbox::User=root",
            "APT::Update::Error-Mode=any", "Acquire::Retries=2",
        )
        return [program] + [f"-o{o}" for o in options] + list(args)

    def update(self, mirror):
        """Read a mirror's index; return apt's complaint, or None."""
        (self.directory / "sources.list").write_text(
            f"deb [signed-by={self.pin['keyring']}] {mirror} "
            f"{self.pin['suite']} {self.pin['component']}\n", encoding="ascii")
        done = subprocess.run(self._argv("apt-get", "-q", "update"),
                              capture_output=True, text=True, check=False)
        if done.returncode and re.search(r"expired|not valid anymore",
                                         done.stderr):
            note("the mirror's index is past its date (a frozen mirror?); its "
                 "signature is still checked")
            done = subprocess.run(
                self._argv("apt-get", "-q", "-oAcquire::Check-Valid-Until=no",
                           "update"),
                capture_output=True, text=True, check=False)
        if done.returncode == 0:
            return None
        lines = [row for row in done.stderr.splitlines()
                 if row.startswith("E:")]
        return (lines or done.stderr.splitlines() or ["no reason given"])[0]

    def versions(self):
        """The versions of the package that the index offers, newest first."""
        done = subprocess.run(
            self._argv("apt-cache", "madison", self.pin["package"]),
            capture_output=True, text=True, check=False)
        return [line.split("|")[1].strip() for line in done.stdout.splitlines()
                if line.count("|") >= 2]

    def download(self, version):
        """Fetch one version, checked against the signed index."""
        done = subprocess.run(
            self._argv("apt-get", "download",
                       f"{self.pin['package']}={version}"),
            cwd=self.directory, check=False)
        debs = list(self.directory.glob("*.deb"))
        if done.returncode or len(debs) != 1:
            raise Fail(f"apt-get could not download {self.pin['package']} "
                       f"{version} (its reason is above): check the network "
                       "and run the command again")
        return debs[0]


def _newer_in_series(version, pinned):
    """Whether a Debian version is a later stable release of the pinned one."""
    series, release = pinned.split("-")[0].rsplit(".", 1)
    match = re.match(re.escape(series) + r"\.(\d+)-", version)
    return match is not None and int(match.group(1)) >= int(release)


def choose(versions, pinned):
    """The version to take: the pinned one, or the newest later one."""
    if pinned in versions:
        return pinned
    for version in versions:
        if _newer_in_series(version, pinned):
            return version
    return None


def extract(deb, member, destination):
    """Take one file out of a package; return its SHA-256."""
    digest = hashlib.sha256()
    with subprocess.Popen(["dpkg-deb", "--fsys-tarfile", str(deb)],
                          stdout=subprocess.PIPE) as dpkg:
        with tarfile.open(fileobj=dpkg.stdout, mode="r|") as tar:
            for entry in tar:
                if entry.name.removeprefix("./") != member:
                    continue
                with open(destination, "wb") as out:
                    source = tar.extractfile(entry)
                    while source and (block := source.read(1 << 20)):
                        digest.update(block)
                        out.write(block)
                dpkg.kill()
                return digest.hexdigest()
    raise Fail(f"the package {deb.name} holds no {member}")


def obtain(pin, directory):
    """Download the source; return its tarball, package version and checksum."""
    keyring = Path(pin["keyring"])
    if not keyring.exists():
        raise Fail(f"{keyring} is missing: install debian-archive-keyring")
    apt = Apt(directory, pin)
    progress = Progress("reading the archive's index")
    complaint = None
    for mirror in mirrors():
        progress.update(pin["suite"])
        complaint = apt.update(mirror)
        if complaint is None:
            break
    progress.end()
    if complaint is not None:
        raise Fail("the Debian archive cannot be reached or read, so the "
                   "kernel source cannot be obtained: check the network, or "
                   f"give a Linux 7.3 tree with KERNEL=path ({complaint})")
    offered = apt.versions()
    version = choose(offered, pin["package_version"])
    if version is None:
        raise Fail(f"{pin['suite']} no longer has {pin['package']} "
                   f"{pin['package_version']} or a later release of it "
                   f"(it has: {', '.join(offered) or 'nothing'}): give a "
                   "Linux 7.3 tree with KERNEL=path")
    if version != pin["package_version"]:
        note(f"the archive no longer has {pin['package_version']}; using "
             f"{version}, if every patch of the series applies to it")
    say(f"downloading {pin['package']} {version}")
    deb = apt.download(version)
    tarball = directory / Path(pin["tarball"]).name
    checksum = extract(deb, pin["tarball"], tarball)
    deb.unlink()
    if version == pin["package_version"] and checksum != pin["sha256"]:
        raise Fail(f"wrong checksum: {pin['package']} {version} holds a "
                   f"{tarball.name} with SHA-256 {checksum}, base/pin says "
                   f"{pin['sha256']}; nothing of it is used")
    return tarball, version, checksum
