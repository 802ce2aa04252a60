"""Set up `.browser`: Debian's Chromium, and axe-core from npm, so that tests look at the pages as people do.

Where one of them cannot be had (Chromium needs Debian and root, axe-core needs npm) the reason is written
down, and the tests skip with it.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess

from bootstrap import ROOT

FOLDER = ROOT / ".browser"
ABSENT = FOLDER / "absent"
AXE, AXE_VERSION = FOLDER / "node_modules" / "axe-core" / "axe.min.js", "4.14.1"
AXE_SHA256 = "29348999450cdf2849a8e70b7912fc2da85a849da39c0d0d5394f51d4a9ed95c"


def main() -> None:
    """Everything that is missing; nothing when all is there."""
    FOLDER.mkdir(exist_ok=True)
    reason = install_chromium() or install_axe()
    if reason:
        ABSENT.write_text(reason)
        print(f"browser tests will be skipped: {reason}")
    else:
        ABSENT.unlink(missing_ok=True)


def install_chromium() -> str | None:
    """Install Debian's Chromium; None when it is there, else why it is not."""
    if shutil.which("chromium"):
        return None
    if shutil.which("apt-get") is None or os.geteuid() != 0:
        return "chromium is absent, and only root on Debian can install it: apt-get install chromium"
    print("setting up: Chromium", flush=True)
    env = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    for command in (["update"], ["install", "--yes", "--no-install-recommends", "chromium"]):
        done = subprocess.run(
            ["apt-get", "-qq", *command], env=env, capture_output=True, text=True, check=False
        )
        if done.returncode:
            return f"apt-get {command[0]} failed: {done.stderr.strip()[-300:]}"
    return None if shutil.which("chromium") else "Debian's package chromium brought no chromium"


def install_axe() -> str | None:
    """Install axe-core, its hash checked against the one named here; None when it is there."""
    if not AXE.is_file() or _sha256() != AXE_SHA256:
        npm = shutil.which("npm")
        if npm is None:
            return "npm is absent: apt-get install npm"
        print("setting up: axe-core", flush=True)
        quiet = ["--no-save", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error"]
        done = subprocess.run(
            [npm, "install", "--prefix", str(FOLDER), *quiet, f"axe-core@{AXE_VERSION}"],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        if done.returncode:
            return f"npm install axe-core failed: {done.stderr.strip()[-300:]}"
    if _sha256() != AXE_SHA256:
        raise SystemExit(f"axe-core {AXE_VERSION} does not have the hash named in tools/set_up_browser.py")
    return None


def _sha256() -> str:
    return hashlib.sha256(AXE.read_bytes()).hexdigest()


if __name__ == "__main__":
    main()
