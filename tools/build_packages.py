"""Build the deb and the rpm of the agent into `dist/`, the same bytes from the same commit.

The package is a folder of Python files for the system's own Python, 3.9 or later: security updates of Python
and OpenSSL stay the distribution's. psutil's one compiled file is of the stable interface and serves all.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import subprocess
import tempfile
import tomllib
from pathlib import Path

from bootstrap import ROOT, SETTINGS, find_uv

LINUX = ROOT / "deploy" / "linux"
REQUIREMENTS = ROOT / "deploy" / "requirements.txt"
TOOLS = ROOT / ".packages" / "tools"
OLDEST_PYTHON, PLATFORM = "3.9", "x86_64-manylinux_2_17"
FORMATS = ("deb", "rpm")
EXECUTABLE = ("python", "parcimetre-agent.sh")
_OF_THE_INSTALLER = ("RECORD", "INSTALLER", "REQUESTED", "WHEEL", "direct_url.json", "uv_cache.json")


def main() -> None:
    """Build what the command line asks for, and print each file with its size."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--version", default=agent_version(), help="version to write on it")
    parser.add_argument("--out", type=Path, default=ROOT / "dist")
    options = parser.parse_args()
    for file in build(options.out, options.version):
        print(f"{file.stat().st_size / 1e6:7.2f} MB  {file}")


def agent_version() -> str:
    """As the agent's own pyproject.toml states it."""
    with (ROOT / "agent" / "pyproject.toml").open("rb") as file:
        return str(tomllib.load(file)["project"]["version"])


def build(out: Path, version: str) -> list[Path]:
    """Lay the agent out and pack it; the files made."""
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        stage = Path(folder)
        lay_out(stage)
        settle(stage)
        return [pack(LINUX / "nfpm.yaml", stage, out, version, form) for form in FORMATS]


def lay_out(stage: Path) -> None:
    """All files of the agent's packages, where nfpm.yaml looks for them."""
    shutil.copytree(LINUX, stage, dirs_exist_ok=True, ignore=shutil.ignore_patterns("*.example"))
    library = stage / "lib"
    install(library, REQUIREMENTS, OLDEST_PYTHON)
    shutil.copytree(
        ROOT / "agent" / "parcimetre_agent",
        library / "parcimetre_agent",
        ignore=shutil.ignore_patterns("__pycache__"),
    )
    (stage / "main.py").rename(library / "__main__.py")
    (stage / "python.sh").rename(library / "python")
    (stage / "copyright").write_text(licences(library), encoding="utf-8")


def install(target: Path, requirements: Path, python: str, platform: str = PLATFORM) -> None:
    """Libraries with their pinned hashes, and none of what an installer keeps beside them."""
    of_target = ["--target", str(target), "--python-platform", platform, "--python-version", python]
    checked = ["--only-binary", ":all:", "--no-deps", "--require-hashes", "-r", str(requirements)]
    run_uv("pip", "install", *of_target, *checked)
    for name in _OF_THE_INSTALLER:
        for file in target.glob(f"*.dist-info/{name}"):
            file.unlink()
    shutil.rmtree(target / "bin", ignore_errors=True)
    (target / ".lock").unlink(missing_ok=True)


def run_uv(*arguments: str) -> str:
    """Run uv in the checkout; what it printed."""
    done = subprocess.run(
        [find_uv(), *arguments, "--quiet"],
        cwd=ROOT,
        env=SETTINGS | os.environ,
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    return done.stdout


def licences(library: Path) -> str:
    """Our licence, and where those of the libraries stand."""
    theirs = sorted(path.name.removesuffix(".dist-info") for path in library.glob("*.dist-info"))
    listed = "\n".join(f"  {name}: {name}.dist-info" for name in theirs)
    head = "Parcimètre, EUPL-1.2, 2026 Parcimètre contributors; the text of the licence is below.\n\n"
    return (
        f"{head}Libraries beside it, under the licences in their folders:\n{listed}\n\n"
        f"{(ROOT / 'LICENSE').read_text(encoding='utf-8')}"
    )


def settle(stage: Path) -> None:
    """One time and plain permissions for every file: neither the builder's umask nor the hour shows."""
    epoch = commit_time()
    for path in sorted(stage.rglob("*"), reverse=True):
        path.chmod(0o755 if path.is_dir() or path.name in EXECUTABLE else 0o644)
        os.utime(path, (epoch, epoch))


def commit_time() -> int:
    """SOURCE_DATE_EPOCH, else the time of the commit, in seconds since 1970."""
    given = os.environ.get("SOURCE_DATE_EPOCH")
    if given:
        return int(given)
    done = subprocess.run(
        ["git", "log", "-1", "--format=%ct"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SystemExit("this is no git checkout: set SOURCE_DATE_EPOCH to the time of the release")
    return int(done.stdout)


def pack(config: Path, stage: Path, out: Path, version: str, form: str) -> Path:
    """One package by nfpm."""
    given = {"VERSION": version, "SOURCE_DATE_EPOCH": str(commit_time())}
    with tempfile.TemporaryDirectory(dir=out) as target:
        subprocess.run(
            [nfpm(), "package", "--config", config, "--packager", form, "--target", target],
            cwd=stage,
            env=os.environ | given,
            check=True,
            stdout=subprocess.DEVNULL,
        )
        (file,) = Path(target).iterdir()
        return file.replace(out / file.name)


def nfpm() -> Path:
    """The packer, installed with the hash of uv.lock when it is not there yet."""
    install_tools("packages", TOOLS)
    return TOOLS / "bin" / "nfpm"


def install_tools(group: str, target: Path) -> None:
    """A dependency group of pyproject.toml in a folder of its own, once for each uv.lock."""
    lock = hashlib.sha256((ROOT / "uv.lock").read_bytes()).hexdigest()
    stamp = target / "stamp"
    if stamp.exists() and stamp.read_text() == lock:
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent) as folder:
        fresh = Path(folder, target.name)
        requirements = Path(folder, "requirements.txt")
        requirements.write_text(run_uv("export", "--only-group", group, "--frozen", "--no-emit-workspace"))
        run_uv("pip", "install", "--target", str(fresh), "--require-hashes", "-r", str(requirements))
        (fresh / "stamp").write_text(lock)
        if not stamp.exists() or stamp.read_text() != lock:  # another process may have been first
            shutil.rmtree(target, ignore_errors=True)
            fresh.rename(target)


if __name__ == "__main__":
    main()
