"""Set up `.packages`: what the tests of the packages need, and a small Debian for each release asked for.

`set_up_packages.py [RELEASE ...]`, Debian 12 without a name. Where that cannot be done (it needs Debian and
root) the reason is written down, and the tests skip with it.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

import build_packages
from bootstrap import ROOT

FOLDER = ROOT / ".packages"
ABSENT = FOLDER / "absent"
LINTERS = FOLDER / "linters"
MIRROR = os.environ.get("DEBIAN_MIRROR", "http://deb.debian.org/debian")
RELEASES = ("bookworm",)
TOOLS = {
    "debootstrap": "debootstrap",
    "rpm": "rpm",
    "systemd-nspawn": "systemd-container",
    "apt-ftparchive": "apt-utils",
    "createrepo_c": "createrepo-c",
    "gpg": "gpg",
}


def main() -> None:
    """Install what is missing; each Debian is kept."""
    FOLDER.mkdir(exist_ok=True)
    build_packages.nfpm()
    build_packages.install_tools("deploy-lint", LINTERS)
    reason = install_commands(TOOLS)
    for release in sys.argv[1:] or RELEASES:
        reason = reason or make_debian(release)
    if reason:
        ABSENT.write_text(reason)
        print(f"tests of installed packages will be skipped: {reason}")
        return
    ABSENT.unlink(missing_ok=True)


def install_commands(packages: Mapping[str, str]) -> str | None:
    """Install Debian's package of each command that is missing; None when all are there, else why not."""
    missing = [package for command, package in packages.items() if shutil.which(command) is None]
    if not missing:
        return None
    if shutil.which("apt-get") is None or os.geteuid() != 0:
        return f"only root on Debian can install them: apt-get install {' '.join(missing)}"
    print(f"setting up: {', '.join(missing)}", flush=True)
    for command in (["update"], ["install", "--yes", "--no-install-recommends", *missing]):
        reason = run("apt-get", "-qq", *command)
        if reason:
            return reason
    return None


def system(release: str) -> Path:
    """Where a release's Debian is kept; tests lay a folder of their own over it and write there."""
    return FOLDER / release


def make_debian(release: str) -> str | None:
    """Debian's smallest with Python and systemd, in a folder; None when it is there, else why not."""
    if system(release).exists():
        return None
    print(f"setting up: Debian {release}", flush=True)
    with tempfile.TemporaryDirectory(dir=FOLDER) as folder:
        root = Path(folder) / "root"
        reason = run(
            "debootstrap", "--variant=minbase", "--include=python3,systemd,systemd-sysv",
            release, str(root), MIRROR,
        )  # fmt: skip
        if reason is None:
            root.rename(system(release))
    return reason


def run(*command: str) -> str | None:
    """None when it succeeded, else its last words."""
    env = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    if done.returncode == 0:
        return None
    return f"{command[0]} failed: {(done.stderr or done.stdout).strip()[-300:]}"


if __name__ == "__main__":
    main()
