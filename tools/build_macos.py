"""Build the agent's pkg for macOS into `dist/`. Its files are laid out anywhere; packing them needs a Mac.

macOS has no Python of its own to count on, so the package brings the one that uv fetches, for one kind of
processor. `SIGN_APPLICATION` and `SIGN_INSTALLER` name certificates of the key chain to sign with.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from bootstrap import ROOT
from build_packages import REQUIREMENTS, agent_version, install, licences, run_uv

MACOS = ROOT / "deploy" / "macos"
IDENTIFIER = "org.parcimetre.agent"
PYTHON = "3.13"
PLATFORMS = {"arm64": "aarch64-apple-darwin", "x86_64": "x86_64-apple-darwin"}
INTERPRETERS = {"arm64": "aarch64", "x86_64": "x86_64"}
HOME = Path("Library/Parcimetre")
FILES = {
    "org.parcimetre.agent.plist": Path("Library/LaunchDaemons/org.parcimetre.agent.plist"),
    "parcimetre-agent.sh": HOME / "parcimetre-agent",
    "uninstall.sh": HOME / "uninstall.sh",
    "newsyslog.conf": Path("etc/newsyslog.d/org.parcimetre.agent.conf"),
}
EXECUTABLE = ("parcimetre-agent", "uninstall.sh")


def main() -> None:
    """Lay the files out, and pack them where that is possible."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--version", default=agent_version(), help="version to write on it")
    parser.add_argument("--arch", choices=PLATFORMS, default="arm64")
    parser.add_argument("--out", type=Path, default=ROOT / "dist")
    options = parser.parse_args()
    if sys.platform != "darwin":
        raise SystemExit("a pkg is made on macOS only: pkgbuild and codesign are parts of it")
    options.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "root"
        lay_out(root, options.arch)
        add_python(root / HOME, options.arch)
        print(
            pack(
                root, options.out / f"parcimetre-agent-{options.version}-{options.arch}.pkg", options.version
            )
        )


def lay_out(root: Path, arch: str) -> None:
    """All files of the package but Python, at their places under `root`."""
    library = root / HOME / "lib"
    install(library, REQUIREMENTS, PYTHON, PLATFORMS[arch])
    shutil.copytree(
        ROOT / "agent" / "parcimetre_agent",
        library / "parcimetre_agent",
        ignore=shutil.ignore_patterns("__pycache__"),
    )
    shutil.copy(ROOT / "deploy" / "linux" / "main.py", library / "__main__.py")
    (root / HOME / "copyright").write_text(licences(library), encoding="utf-8")
    for name, place in FILES.items():
        (root / place).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(MACOS / name, root / place)
        (root / place).chmod(0o755 if place.name in EXECUTABLE else 0o644)


def add_python(home: Path, arch: str) -> None:
    """The interpreter, byte code for it, and a signature for both where a certificate is named."""
    with tempfile.TemporaryDirectory() as folder:
        wanted = f"cpython-{PYTHON}-macos-{INTERPRETERS[arch]}-none"
        os.environ["UV_PYTHON_DOWNLOADS"] = "manual"
        run_uv("python", "install", "--install-dir", folder, wanted)
        (installed,) = (path for path in Path(folder).iterdir() if path.is_dir() and not path.is_symlink())
        shutil.move(installed, home / "python")
    run(home / "python" / "bin" / "python3", "-m", "compileall", "-q", home / "lib")
    identity = os.environ.get("SIGN_APPLICATION")
    if identity:
        libraries = [path for kind in ("*.so", "*.dylib") for path in home.rglob(kind)]
        sign = ("codesign", "--force", "--timestamp", "--options", "runtime", "--sign", identity)
        run(*sign, *libraries, (home / "python" / "bin" / "python3").resolve())


def pack(root: Path, file: Path, version: str) -> Path:
    """The pkg, signed where a certificate is named."""
    identity = os.environ.get("SIGN_INSTALLER")
    signed = ("--sign", identity) if identity else ()
    about = ("--identifier", IDENTIFIER, "--version", version, "--ownership", "recommended")
    run("pkgbuild", "--root", root, "--scripts", MACOS / "scripts", *about, *signed, file)
    return file


def run(*command: str | Path) -> None:
    """Run a tool of macOS; it must succeed."""
    subprocess.run(command, check=True)


if __name__ == "__main__":
    main()
