"""The MSI as wixl is told it: files, registry values, folders, service. What wixl lacks is in `tables`."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

import product

_XMLNS = "http://schemas.microsoft.com/wix/2006/wi"
_OLDEST = "Installed OR (VersionNT64 >= 603)"
_OLDEST_SAID = "Parcimetre Agent needs Windows 10, Windows Server 2016 or later, 64 bits."
_NEWER_SAID = (
    "A newer version of Parcimetre Agent is installed. To go back, uninstall it first with KEEPDATA=1."
)
SERVICE_FILE, CABINET = "python.exe", "agent.cab"


def document(files: Path, version: str) -> bytes:
    """The source of an MSI of this version with the files of a folder, which wixl must run in."""
    root = Element("Wix", xmlns=_XMLNS)
    product_code = product.guid(f"product {version}")
    msi = SubElement(
        root, "Product",
        Id=product_code, Name=product.NAME, Version=version, Manufacturer=product.MAKER,
        UpgradeCode=product.guid("upgrade"), Language="1033", Codepage="1252",
    )  # fmt: skip
    SubElement(
        msi, "Package",
        InstallerVersion="500", Compressed="yes", InstallScope="perMachine",
        Description=f"{product.NAME} {version}", Manufacturer=product.MAKER,
    )  # fmt: skip
    SubElement(msi, "Media", Id="1", Cabinet=CABINET, EmbedCab="yes")
    SubElement(msi, "MajorUpgrade", DowngradeErrorMessage=_NEWER_SAID)
    SubElement(msi, "Condition", Message=_OLDEST_SAID).text = _OLDEST
    SubElement(msi, "Property", Id="ARPNOMODIFY", Value="1")
    for setting in product.SETTINGS:
        _remembered(msi, setting)
    _feature(msi, list(_folders(msi, files)))
    ElementTree.indent(root)
    written: bytes = ElementTree.tostring(root, "utf-8", xml_declaration=True)
    return written


def _remembered(msi: Element, setting: str) -> None:
    """What the installed version has, for the next one to keep."""
    old = SubElement(msi, "Property", Id=f"OLD{setting}")
    SubElement(
        old, "RegistrySearch",
        Id=f"Find{setting}", Root="HKLM", Key=product.SETTINGS_KEY, Name=setting, Type="raw", Win64="yes",
    )  # fmt: skip


def _folders(msi: Element, files: Path) -> Iterable[str]:
    """Folders with what is in them; the names of the components."""
    target = SubElement(msi, "Directory", Id="TARGETDIR", Name="SourceDir")
    SubElement(target, "Directory", Id="System64Folder")
    programs = SubElement(target, "Directory", Id="ProgramFiles64Folder")
    maker = SubElement(programs, "Directory", Id="MAKERDIR", Name=product.MAKER)
    install = SubElement(maker, "Directory", Id="INSTALLDIR", Name="Agent")
    yield from _installed(install, files, files)
    for setting in product.SETTINGS:
        yield _value(install, setting, f"[{setting}]")
    common = SubElement(target, "Directory", Id="CommonAppDataFolder")
    data = SubElement(common, "Directory", Id="DATADIR", Name=product.DATA_FOLDER)
    yield _value(data, "DATA_DIR", "[DATADIR]", folder=True)
    secret = _component(data, "Secret")
    SubElement(secret, "CreateFolder")
    yield "Secret"


def _installed(parent: Element, folder: Path, root: Path) -> Iterable[str]:
    """Every file is a component of its own, as Windows Installer wants it; folders recursively."""
    for path in sorted(folder.iterdir()):
        relative = path.relative_to(root).as_posix()
        if path.is_dir():
            below = SubElement(parent, "Directory", Id=product.key("d", relative), Name=path.name)
            yield from _installed(below, path, root)
            continue
        component = _component(parent, product.key("c", relative), f"file {relative}")
        SubElement(
            component, "File",
            Id=product.key("f", relative), Name=path.name, Source=f"{root.name}/{relative}", KeyPath="yes",
        )  # fmt: skip
        if relative == SERVICE_FILE:
            _service(component)
        yield component.attrib["Id"]


def _service(component: Element) -> None:
    SubElement(
        component, "ServiceInstall",
        Id="Service", Name=product.SERVICE, DisplayName=product.SERVICE_TITLE,
        Description=product.SERVICE_TEXT, Type="ownProcess", Start="auto", ErrorControl="normal", Vital="yes",
        Account=product.SERVICE_ACCOUNT, Arguments=product.ARGUMENTS,
    )  # fmt: skip
    SubElement(
        component, "ServiceControl",
        Id="Control", Name=product.SERVICE, Start="install", Stop="both", Remove="uninstall", Wait="yes",
    )  # fmt: skip


def _value(parent: Element, name: str, value: str, folder: bool = False) -> str:
    """A component with one value of the settings' key, and its folder where that is the data's."""
    component = _component(parent, f"Value{name}", f"value {name}")
    if folder:
        SubElement(component, "CreateFolder")
    SubElement(
        component, "RegistryValue",
        Root="HKLM", Key=product.SETTINGS_KEY, Name=name, Type="string", Value=value, KeyPath="yes",
    )  # fmt: skip
    return component.attrib["Id"]


def _component(parent: Element, name: str, of: str | None = None) -> Element:
    return SubElement(parent, "Component", Id=name, Guid=product.guid(of or name), Win64="yes")


def _feature(msi: Element, components: list[str]) -> None:
    feature = SubElement(msi, "Feature", Id="Agent", Title=product.NAME, Level="1")
    for name in components:
        SubElement(feature, "ComponentRef", Id=name)
