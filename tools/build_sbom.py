"""Write the parts list (SBOM, CycloneDX 1.6) of each artefact into `dist/`, from the lock files of its build.

The same bytes from the same commit: the date is the commit's, the serial number follows from the content.
Licences are those that the locked version of a library states, where this environment has it installed.
"""

from __future__ import annotations

import argparse
import re
import tomllib
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

from build_collector import PYTHONS
from build_packages import OLDEST_PYTHON, REQUIREMENTS, agent_version, commit_time, run_uv
from cyclonedx.contrib.license.factories import LicenseFactory
from cyclonedx.model import ExternalReference, ExternalReferenceType, HashAlgorithm, HashType, XsUri
from cyclonedx.model.bom import Bom, BomMetaData
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.model.contact import OrganizationalEntity
from cyclonedx.model.license import DisjunctiveLicense, LicenseExpression
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[1]
LICENCE = "EUPL-1.2"
DISTRIBUTIONS = ("parcimetre-factors", "parcimetre-agent", "parcimetre")
LINUX = {
    "sys_platform": "linux",
    "platform_system": "Linux",
    "os_name": "posix",
    "platform_machine": "x86_64",
}
WINDOWS = {
    "sys_platform": "win32",
    "platform_system": "Windows",
    "os_name": "nt",
    "platform_machine": "AMD64",
}
_SERIALS = uuid.UUID("1f0b8c1c-7a64-4f57-9e1c-5a1b0f7f3c52")
_HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})")
_IMAGE = re.compile(r"^(?:FROM|COPY --from=)\s*(\S+/\S+):(\S+)", re.MULTILINE)


@dataclass(frozen=True)
class Locked:
    """A library as a lock file states it, with the SHA-256 of each file that may be taken for it."""

    name: str
    version: str
    sha256: tuple[str, ...]


def main() -> None:
    """Write all of them, and print each file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--version", default=agent_version(), help="version to write on them")
    parser.add_argument("--out", type=Path, default=ROOT / "dist")
    options = parser.parse_args()
    for file in build(options.out, options.version):
        print(file)


def build(out: Path, version: str, windows_python: Mapping[str, Any] | None = None) -> list[Path]:
    """Write the parts list of every artefact; return the files.

    The MSI's is for the pinned Python unless another is given, as a table like python.toml's."""
    out.mkdir(parents=True, exist_ok=True)
    written = []
    for artefact, components in parts(version, windows_python or pinned_python()).items():
        file = out / f"{artefact}-{version}.cdx.json"
        file.write_text(document(artefact, version, components, commit_time()), encoding="utf-8")
        written.append(file)
    return written


def parts(version: str, windows_python: Mapping[str, Any]) -> dict[str, list[Component]]:
    """Return what each artefact contains, by the artefact's name."""
    agent = REQUIREMENTS.read_text(encoding="utf-8")
    agent_on_windows = environment(windows_python["version"].rpartition(".")[0], WINDOWS)
    collector = exported("parcimetre", "--no-emit-package", "pip")
    ours = [own(name, version) for name in ("parcimetre-agent", "parcimetre-factors")]
    containerfile = (ROOT / "deploy" / "server" / "Containerfile").read_text(encoding="utf-8")
    return {
        **{f"{name}-wheel": libraries(exported(name), environment("3.11")) for name in DISTRIBUTIONS},
        "parcimetre-agent-linux": libraries(agent, environment(OLDEST_PYTHON)),
        "parcimetre-agent-windows": [
            *libraries(exported("parcimetre-agent"), agent_on_windows), python_of_the_msi(windows_python),
        ],
        **{
            f"parcimetre-collector-py{python}": [*libraries(collector, environment(python)), *ours]
            for python in PYTHONS
        },
        "parcimetre-container": [
            *libraries(collector, environment("3.13")), *ours, *images(containerfile),
        ],
    }  # fmt: skip


def exported(package: str, *more: str) -> str:
    """Return the libraries of one of our distributions as uv.lock has them, as requirements with hashes."""
    return run_uv("export", "--package", package, "--no-dev", "--no-emit-workspace", "--frozen", *more)


def environment(python: str, system: Mapping[str, str] = LINUX) -> dict[str, str]:
    """Return the environment markers of CPython of a minor version on a system."""
    same = {"implementation_name": "cpython", "platform_python_implementation": "CPython", "extra": ""}
    return {**system, **same, "python_version": python, "python_full_version": f"{python}.0"}


def libraries(requirements: str, markers: Mapping[str, str]) -> list[Component]:
    """Return the libraries of a requirements file that are installed where these markers hold."""
    return [_library(one) for one in locked(requirements, markers)]


def locked(requirements: str, markers: Mapping[str, str]) -> Iterable[Locked]:
    """Yield the libraries of a requirements file with hashes. Ends the program at one without a version."""
    for line in requirements.replace("\\\n", " ").splitlines():
        text = line.split(" #")[0].strip()
        if not text or text.startswith(("#", "-")):
            continue
        stated = Requirement(text.split("--hash")[0].strip())
        versions = [one.version for one in stated.specifier if one.operator == "=="]
        if len(versions) != 1:
            raise SystemExit(f"{text!r} is not locked to one version: write the lock file again")
        if stated.marker is None or stated.marker.evaluate(dict(markers)):
            yield Locked(stated.name, versions[0], tuple(sorted(_HASH.findall(text))))


def _library(one: Locked) -> Component:
    url = XsUri(f"https://pypi.org/project/{one.name}/{one.version}/")
    hashes = [HashType(alg=HashAlgorithm.SHA_256, content=digest) for digest in one.sha256]
    reference = ExternalReference(type=ExternalReferenceType.DISTRIBUTION, url=url, hashes=hashes)
    purl = PackageURL("pypi", None, one.name, one.version)
    return Component(
        type=ComponentType.LIBRARY, name=one.name, version=one.version, purl=purl, bom_ref=str(purl),
        licenses=_licences(one.name, one.version), external_references=[reference],
    )  # fmt: skip


def _licences(name: str, version: str) -> list[DisjunctiveLicense | LicenseExpression]:
    """Return the licence that this version of a library states; none where it is not installed here."""
    try:
        stated = metadata.metadata(name)
    except metadata.PackageNotFoundError:
        return []
    if stated["Version"] != version:
        return []
    text = stated.get("License-Expression") or stated.get("License") or ""
    named = [
        one.rsplit(" :: ", 1)[-1] for one in stated.get_all("Classifier", []) if one.startswith("License")
    ]
    if not text or "\n" in text:
        text = named[0] if named else ""
    return [LicenseFactory().make_from_string(text)] if text else []


def own(name: str, version: str) -> Component:
    """Return one of our distributions as a part of an artefact."""
    purl = PackageURL("pypi", None, name, version)
    return Component(
        type=ComponentType.LIBRARY, name=name, version=version, purl=purl, bom_ref=str(purl),
        licenses=[LicenseFactory().make_from_string(LICENCE)],
    )  # fmt: skip


def python_of_the_msi(table: Mapping[str, Any]) -> Component:
    """Return the Python that the MSI brings, with each of its files and their hashes."""
    files = [
        Component(
            type=ComponentType.FILE, name=name, bom_ref=f"python/{name}",
            hashes=[HashType(alg=HashAlgorithm.SHA_256, content=digest)],
        )
        for name, digest in sorted(table["sha256"].items())
    ]  # fmt: skip
    version = table["version"]
    return Component(
        type=ComponentType.PLATFORM, name="python", version=version, bom_ref=f"python-{version}",
        purl=PackageURL("generic", None, "python", version, {"os": "windows"}),
        supplier=OrganizationalEntity(name=table["signer"]), components=files,
        licenses=[LicenseFactory().make_from_string("PSF-2.0")],
    )  # fmt: skip


def pinned_python() -> dict[str, Any]:
    """Return the table of the Python that the MSI brings where the builder supplies no other."""
    return tomllib.loads((ROOT / "deploy" / "msi" / "python.toml").read_text(encoding="utf-8"))


def images(containerfile: str) -> list[Component]:
    """Return the images that a Containerfile is built from."""
    return [
        Component(type=ComponentType.CONTAINER, name=name, version=tag, bom_ref=f"{name}:{tag}")
        for name, tag in sorted(set(_IMAGE.findall(containerfile)))
    ]


def document(artefact: str, version: str, components: Sequence[Component], at: int) -> str:
    """Return the parts list of an artefact as CycloneDX 1.6 in JSON, dated `at` (seconds UTC)."""
    root = Component(
        type=ComponentType.APPLICATION, name=artefact, version=version, bom_ref=artefact,
        licenses=[LicenseFactory().make_from_string(LICENCE)],
    )  # fmt: skip
    moment = datetime.fromtimestamp(at, UTC)
    content = "\n".join(sorted(f"{one.bom_ref.value}" for one in components))
    serial = uuid.uuid5(_SERIALS, f"{artefact} {version} {at} {content}")
    bom = Bom(
        components=components, serial_number=serial, metadata=BomMetaData(component=root, timestamp=moment)
    )
    bom.register_dependency(root, list(components))
    return JsonV1Dot6(bom).output_as_string(indent=1) + "\n"


if __name__ == "__main__":
    main()
