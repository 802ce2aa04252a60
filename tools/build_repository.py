"""Lay the packages of `dist/` out as an APT and a DNF repository, signed, ready for any web server.

`build_repository.py [KEY]`: KEY is a key of your own key ring. Without one a test key is made in
`.packages/`: good for a try, never for a fleet.
"""

from __future__ import annotations

import gzip
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bootstrap import ROOT

DIST = ROOT / "dist"
TEST_KEYS = ROOT / ".packages" / "test-keys"
TEST_KEY = "Parcimetre TEST packages <test@parcimetre.example>"
SUITE, COMPONENT, ARCHITECTURE = "stable", "main", "amd64"
ADDRESS = "https://packages.example.org/parcimetre"
COMMANDS = {"apt-ftparchive": "apt-utils", "createrepo_c": "createrepo-c", "rpmsign": "rpm", "gpg": "gpg"}
SOURCES = f"""Types: deb
URIs: {ADDRESS}/deb
Suites: {SUITE}
Components: {COMPONENT}
Signed-By: /etc/apt/keyrings/parcimetre.asc
"""
REPO = f"""[parcimetre]
name=Parcimètre
baseurl={ADDRESS}/rpm
enabled=1
gpgcheck=1
repo_gpgcheck=1
gpgkey={ADDRESS}/parcimetre.asc
"""


def main() -> None:
    """Build it from dist/ into dist/repository."""
    missing = [package for command, package in COMMANDS.items() if shutil.which(command) is None]
    if missing:
        raise SystemExit(f"a repository needs more tools: apt-get install {' '.join(missing)}")
    packages = [*DIST.glob("*.deb"), *DIST.glob("*.rpm")]
    if not packages:
        raise SystemExit(f"there is no package in {DIST}: run make packages first")
    key = sys.argv[1] if len(sys.argv) > 1 else None
    print(build(DIST / "repository", packages, key))


def build(target: Path, packages: list[Path], key: str | None) -> Path:
    """Both repositories and the public key; the folder."""
    if key is None:
        with test_key() as made:
            return build(target, packages, made)
    public = gpg("--armor", "--export", key)
    if not public:
        raise SystemExit(f"there is no key {key!r} in the key ring; list yours: gpg --list-secret-keys")
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    (target / "parcimetre.asc").write_bytes(public)
    (target / "parcimetre.sources").write_text(SOURCES)
    (target / "parcimetre.repo").write_text(REPO)
    build_apt(target / "deb", [one for one in packages if one.suffix == ".deb"], key)
    build_dnf(target / "rpm", [one for one in packages if one.suffix == ".rpm"], key)
    return target


@contextmanager
def test_key() -> Iterator[str]:
    """A key without a passphrase in a key ring of its own, in use until it is left."""
    TEST_KEYS.mkdir(parents=True, exist_ok=True, mode=0o700)
    os.environ["GNUPGHOME"] = str(TEST_KEYS)
    if not gpg("--list-secret-keys", "--with-colons"):
        gpg("--passphrase", "", "--quick-generate-key", TEST_KEY, "rsa3072", "sign", "2y")
    print(f"signed with a key for tests: {TEST_KEY}")
    yield TEST_KEY
    run("gpgconf", "--kill", "gpg-agent")
    del os.environ["GNUPGHOME"]


def build_apt(target: Path, debs: list[Path], key: str) -> None:
    """pool/ and dists/, with the index signed inside (InRelease) and beside (Release.gpg)."""
    pool = target / "pool" / COMPONENT
    binary = target / "dists" / SUITE / COMPONENT / f"binary-{ARCHITECTURE}"
    pool.mkdir(parents=True)
    binary.mkdir(parents=True)
    for deb in debs:
        shutil.copy(deb, pool)
    packages = run("apt-ftparchive", "packages", f"pool/{COMPONENT}", cwd=target)
    (binary / "Packages").write_bytes(packages)
    (binary / "Packages.gz").write_bytes(gzip.compress(packages, mtime=0))
    about = {"Origin": "Parcimetre", "Suite": SUITE, "Codename": SUITE}
    about |= {"Components": COMPONENT, "Architectures": ARCHITECTURE}
    options = [f"-oAPT::FTPArchive::Release::{name}={value}" for name, value in about.items()]
    suite = target / "dists" / SUITE
    (suite / "Release").write_bytes(run("apt-ftparchive", *options, "release", ".", cwd=suite))
    sign = ("--local-user", key, "--output")
    gpg(*sign, str(suite / "InRelease"), "--clearsign", str(suite / "Release"))
    gpg(*sign, str(suite / "Release.gpg"), "--armor", "--detach-sign", str(suite / "Release"))


def build_dnf(target: Path, rpms: list[Path], key: str) -> None:
    """Each rpm signed, and the index too."""
    target.mkdir()
    for rpm in rpms:
        copy = str(shutil.copy(rpm, target))
        run("rpmsign", "--define", f"_gpg_name {key}", "--define", "__gpg /usr/bin/gpg", "--addsign", copy)
    run("createrepo_c", "--quiet", str(target))
    index = target / "repodata" / "repomd.xml"
    gpg("--local-user", key, "--output", f"{index}.asc", "--armor", "--detach-sign", str(index))


def gpg(*arguments: str) -> bytes:
    """Run GnuPG without questions."""
    return run("gpg", "--batch", "--yes", "--quiet", "--pinentry-mode", "loopback", *arguments)


def run(*command: str, cwd: Path | None = None) -> bytes:
    """What a command printed; it must succeed."""
    done = subprocess.run(command, cwd=cwd, capture_output=True, check=False)
    if done.returncode:
        raise SystemExit(f"{command[0]} failed: {done.stderr.decode(errors='replace').strip()[-500:]}")
    return done.stdout


if __name__ == "__main__":
    main()
