"""Set up `.oidc`: the OpenID provider program oidc-provider from npm, so that tests log in with a real one.

The packages are those of tests/server/access/oidc_provider/package-lock.json, with their hashes. Without npm
the reason is written down, and the tests skip with it.
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from bootstrap import ROOT

FOLDER = ROOT / ".oidc"
ABSENT = FOLDER / "absent"
LOCKED = ROOT / "tests" / "server" / "access" / "oidc_provider"
FILES = ("package.json", "package-lock.json")
OLDEST_NODE = 20


def main() -> None:
    """Install it unless it is there in the locked versions."""
    FOLDER.mkdir(exist_ok=True)
    reason = install()
    if reason:
        ABSENT.write_text(reason)
        print(f"tests with a real OpenID provider will be skipped: {reason}")
    else:
        ABSENT.unlink(missing_ok=True)


def install() -> str | None:
    """Install the locked packages; None when they are there, else why they are not."""
    installed = (FOLDER / "node_modules" / "oidc-provider").is_dir()
    if installed and all(_text(FOLDER / name) == _text(LOCKED / name) for name in FILES):
        return None
    npm, node = shutil.which("npm"), shutil.which("node")
    if npm is None or node is None:
        return "npm is absent: apt-get install npm"
    version = subprocess.run([node, "--version"], capture_output=True, text=True, check=True).stdout.strip()
    if int(version.lstrip("v").partition(".")[0]) < OLDEST_NODE:
        return f"node {version} is too old: install Node.js {OLDEST_NODE} or newer"
    print("setting up: oidc-provider", flush=True)
    for name in FILES:
        shutil.copyfile(LOCKED / name, FOLDER / name)
    quiet = ["--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error"]
    done = subprocess.run(
        [npm, "ci", "--prefix", str(FOLDER), *quiet], capture_output=True, text=True, check=False
    )
    return f"npm ci failed: {done.stderr.strip()[-300:]}" if done.returncode else None


def _text(file: Path) -> str | None:
    return file.read_text(encoding="utf-8") if file.is_file() else None


if __name__ == "__main__":
    main()
