"""Install all that a test may skip for: Wine, Chromium, a Debian, servers, the store's engine chdb, npm's.

Ends with exit code 1 and the reasons where something could not be installed (it needs root on Debian).
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

import set_up_browser
import set_up_oidc
import set_up_packages
import set_up_wine
from bootstrap import VENV, find_uv

COMMANDS = {
    "clickhouse-server": "clickhouse-server",
    "snmpd": "snmpd",
    "strace": "strace",
    "osslsigncode": "osslsigncode",
    "systemd-analyze": "systemd",
    "openssl": "openssl",
    "cc": "gcc",
    "npm": "npm",
    "nginx": "nginx-light",
}
CHDB = "chdb-core>=26.9,<27"


def main() -> None:
    """Install what is missing; nothing when all is there."""
    reasons = [set_up_packages.install_commands(COMMANDS), chdb(), old_python()]
    for part in (set_up_wine, set_up_browser, set_up_oidc, set_up_packages):
        part.main()
        reasons.append(part.ABSENT.read_text() if part.ABSENT.exists() else None)
    missing = [reason for reason in reasons if reason]
    for reason in missing:
        print(f"missing: {reason}", file=sys.stderr)
    sys.exit(bool(missing))


def chdb() -> str | None:
    """None when chdb is in the environment, else why not; the next `uv sync` removes it (173 MB)."""
    python = VENV / "bin" / "python"
    if subprocess.run([python, "-c", "import chdb"], capture_output=True, check=False).returncode == 0:
        return None
    print("setting up: chdb", flush=True)
    return set_up_packages.run(str(find_uv()), "pip", "install", "--quiet", "--python", str(python), CHDB)


def old_python() -> str | None:
    """None when there is a Python 3.9, the oldest that the agent runs on; Debian has none beside its own."""
    python, env = shutil.which("python3.9"), os.environ | {"PYENV_VERSION": "3.9"}
    if (
        python
        and subprocess.run([python, "-c", ""], env=env, capture_output=True, check=False).returncode == 0
    ):
        return None
    return "python3.9: install it with pyenv or `uv python install 3.9`"


if __name__ == "__main__":
    main()
