"""Shell scripts of the packages: of POSIX, and without what shellcheck knows as a mistake."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))

from set_up_packages import LINTERS

SCRIPTS = sorted([*(ROOT / "deploy").rglob("*.sh"), *(ROOT / "deploy" / "macos" / "scripts").iterdir()])


def test_scripts_are_plain_shell() -> None:
    assert len(SCRIPTS) >= 10
    for script in SCRIPTS:
        assert script.read_text().startswith("#!/bin/sh\n"), script
    checker = LINTERS / "bin" / "shellcheck"
    if not checker.exists():
        pytest.skip("shellcheck is not installed: python3 tools/set_up_packages.py installs it")
    done = subprocess.run([checker, *SCRIPTS], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
