"""`make release`: every artefact of the tag at HEAD in `dist/`, with parts lists, checksums and a signature.

Who builds the same tag again gets the same bytes: all dates are the commit's, libraries are locked by their
hash. Only what a key adds differs: the MSI's Authenticode signature, and the signature of SHA256SUMS.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import build_collector
import build_packages
import build_sbom
from bootstrap import ROOT
from build_packages import agent_version, commit_time, run_uv
from build_repository import gpg

SUMS = "SHA256SUMS"


def main() -> None:
    """Build, checksum and sign; print each file. Ends the program at a tree that is not a tagged commit."""
    options = _options()
    version = agent_version()
    check_tree(version)
    os.environ["SOURCE_DATE_EPOCH"] = str(commit_time())
    out: Path = options.out.resolve()
    if out.exists() and any(out.iterdir()):
        raise SystemExit(f"{out} is not empty: remove it, so that nothing else is published with the release")
    for file in [*build(out, version, options), sign(checksums(out), options.key)]:
        print(f"{file.stat().st_size / 1e6:7.2f} MB  {file.name}")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=ROOT / "dist" / "release", help="an empty folder")
    parser.add_argument("--key", help="key of your GnuPG key ring that signs SHA256SUMS")
    parser.add_argument("--python", type=Path, help="python-3.X.Y-embed-amd64.zip of python.org for the MSI")
    parser.add_argument("--sign", type=Path, help="certificate and key of the MSI: PEM, or PKCS #12")
    parser.add_argument("--password-file", type=Path, help="file with the password of the MSI's key")
    parser.add_argument("--timestamp", help="address of a time-stamping service for the MSI")
    parser.add_argument("--without-msi", action="store_true", help="where Wine cannot be had")
    return parser.parse_args()


def check_tree(version: str) -> None:
    """End the program unless the tree is clean and its commit has the version's tag."""
    if _git("status", "--porcelain"):
        raise SystemExit("the checkout has changes that are in no commit: commit or remove them first")
    tag = f"v{version}"
    if tag not in _git("tag", "--points-at", "HEAD").split():
        raise SystemExit(
            f"this commit does not have the tag {tag}, the version in agent/pyproject.toml: "
            f"check out a tag, or tag it (git tag --sign {tag})"
        )


def _git(*arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(
            f"git {arguments[0]} failed: {done.stderr.strip()}; a release is built from a checkout"
        )
    return done.stdout.strip()


def build(out: Path, version: str, options: argparse.Namespace) -> list[Path]:
    """Build wheels and sources, packages, the MSI, and a parts list of each; return the files."""
    out.mkdir(parents=True, exist_ok=True)
    run_uv("build", "--all-packages", "--out-dir", str(out))
    (out / ".gitignore").unlink(missing_ok=True)
    build_packages.build(out, version)
    for python in build_collector.PYTHONS:
        build_collector.build(out, version, python)
    build_sbom.build(out, version, None if options.without_msi else _build_msi(out, version, options))
    return sorted(file for file in out.iterdir() if file.is_file())


def _build_msi(out: Path, version: str, options: argparse.Namespace) -> dict[str, object]:
    """Build the MSI; return the table of the Python in it."""
    sys.path.insert(0, str(ROOT / "deploy" / "msi"))
    import build as msi
    import embeddable
    import signing

    msi.install_programs()
    python = msi.chosen_python(options.python)
    file = out / f"parcimetre-agent-{version}-x64.msi"
    msi.build(file, version, python)
    if options.sign:
        signing.sign(file, options.sign, options.password_file, options.timestamp)
    print(embeddable.age(python, datetime.now(UTC).date()))
    return python.as_table()


def checksums(folder: Path) -> Path:
    """Write SHA256SUMS of all files of a folder, as `sha256sum --check` reads it; return it."""
    lines = [
        f"{hashlib.sha256(file.read_bytes()).hexdigest()}  {file.name}\n"
        for file in sorted(folder.iterdir())
        if file.is_file() and not file.name.startswith(SUMS)
    ]
    sums = folder / SUMS
    sums.write_text("".join(lines), encoding="ascii")
    return sums


def sign(sums: Path, key: str | None) -> Path:
    """Write the signature of the checksums by a key beside them; return the last file written."""
    if key is None:
        print(
            f"{SUMS} is not signed: give SIGN_KEY=key, a key of your key ring, for a release that you publish"
        )
        return sums
    signature = sums.with_name(f"{SUMS}.asc")
    gpg("--local-user", key, "--output", str(signature), "--armor", "--detach-sign", str(sums))
    return signature


if __name__ == "__main__":
    main()
