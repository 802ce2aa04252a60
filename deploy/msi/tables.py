"""What wixl lacks, written into the finished MSI as SQL, a statement a row (Windows Installer's tables)."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path

import product
from wxs import SERVICE_FILE

_KEEP, _SECRET, _PURGE = 410, 440, 450
"""Before costing (800): conditions of components are judged there."""
_REMOVE_OLD = 1501
"""After InstallInitialize (1500): when the new version cannot be installed, the old one is put back."""
_SET_PROPERTY = 51
_PROGRAM = 34 + 64 + 1024 + 2048
"""A program in a folder, deferred, as Windows itself; its failure does not stop the installation."""
_ACTION = "Action Type Source Target"
_ON_REMOVAL, _ON_INSTALL = 2, 1
_DELAYED_START = 3
_INI_LINE = 0
_RESTARTS_MS = (60_000, 300_000, 900_000)
_PURGE_CONDITION = 'REMOVE="ALL" AND NOT UPGRADINGPRODUCTCODE AND KEEPDATA<>"1"'


def statements(files: Path, secure: str) -> Iterator[str]:
    """All of it, for the files of a folder; `secure` is what SecureCustomProperties holds already."""
    yield _update("InstallExecuteSequence", "Sequence", _REMOVE_OLD, "Action", "RemoveExistingProducts")
    yield from _settings(secure)
    yield from _secret()
    yield from _removal()
    yield from _access()
    yield from _service()
    yield from _files(files)
    yield from _folders()


def _settings(secure: str) -> Iterator[str]:
    """A setting not given keeps its old value; one that has none is not written.

    REINSTALLMODE has every file written always: which ones are there already is judged before the old version
    takes its own away.
    """
    for number, name in enumerate(product.SETTINGS):
        yield _update("Component", "Condition", name, "Component", f"Value{name}")
        yield _set(f"Keep{name}", name, f"[OLD{name}]", f"OLD{name} AND NOT {name}", _KEEP + number)
    names = (*filter(None, secure.split(";")), *product.PUBLIC, *(f"OLD{name}" for name in product.SETTINGS))
    yield _delete("Property", "Property", "SecureCustomProperties")
    yield _property("SecureCustomProperties", ";".join(names))
    yield _property("MsiHiddenProperties", product.SECRET)
    yield _property("REINSTALLMODE", "amus")


def _secret() -> Iterator[str]:
    """The enrolment secret goes into a file of the data folder, which the agent removes once enrolled.

    RemoveIniValues is left out: an upgrade before the enrolment must not take the secret away.
    """
    path = f"[CommonAppDataFolder]{product.DATA_FOLDER}\\{product.SECRET_FILE}"
    yield _set("SecretFile", "SECRET_FILE", path, product.SECRET, _SECRET)
    yield _update("Component", "Condition", product.SECRET, "Component", "Secret")
    yield (
        "CREATE TABLE `IniFile` (`IniFile` CHAR(72) NOT NULL, `FileName` CHAR(255) NOT NULL LOCALIZABLE, "
        "`DirProperty` CHAR(72), `Section` CHAR(255) NOT NULL LOCALIZABLE, "
        "`Key` CHAR(128) NOT NULL LOCALIZABLE, `Value` CHAR(255) NOT NULL LOCALIZABLE, "
        "`Action` SHORT NOT NULL, `Component_` CHAR(72) NOT NULL PRIMARY KEY `IniFile`)"
    )
    row = ("Secret", _short(product.SECRET_FILE, 0), "DATADIR", "enrolment", "secret", f"[{product.SECRET}]")
    yield _insert(
        "IniFile",
        "IniFile FileName DirProperty Section Key Value Action Component_",
        *row,
        _INI_LINE,
        "Secret",
    )
    yield _action("WriteIniValues", 5100)


def _removal() -> Iterator[str]:
    """Data goes when the product goes for good: a wildcard, and the names for an installer without.

    A folder that was created is removed when it is empty; that of the maker is above the installed one.
    """
    path = f"[CommonAppDataFolder]{product.DATA_FOLDER}\\"
    yield _set("PurgeData", "PURGEDIR", path, _PURGE_CONDITION, _PURGE)
    columns = "FileKey Component_ FileName DirProperty InstallMode"
    for number, name in enumerate(("*", *product.DATA_FILES)):
        file = name if name == "*" else _short(name, number)
        yield _insert("RemoveFile", columns, f"Data{number}", "ValueDATA_DIR", file, "PURGEDIR", _ON_REMOVAL)
    columns = "FileKey Component_ DirProperty InstallMode"
    yield _insert("RemoveFile", columns, "DataFolder", "ValueDATA_DIR", "PURGEDIR", _ON_REMOVAL)
    yield _insert("CreateFolder", "Directory_ Component_", "MAKERDIR", product.key("c", SERVICE_FILE))


def _access() -> Iterator[str]:
    """The folders of the data and of the programs are for Windows, administrators and the service alone.

    The Python in the latter would run anything for any user, past rules (AppLocker, WDAC) that allow what is
    under Program Files.
    """
    yield (
        "CREATE TABLE `MsiLockPermissionsEx` (`MsiLockPermissionsEx` CHAR(72) NOT NULL, "
        "`LockObject` CHAR(72) NOT NULL, `Table` CHAR(32) NOT NULL, `SDDLText` LONGCHAR NOT NULL, "
        "`Condition` CHAR(255) PRIMARY KEY `MsiLockPermissionsEx`)"
    )
    columns = "MsiLockPermissionsEx LockObject Table SDDLText"
    yield _insert(
        "MsiLockPermissionsEx", columns, "DataAccess", "DATADIR", "CreateFolder", product.data_access()
    )
    yield _insert(
        "MsiLockPermissionsEx",
        columns,
        "ProgramAccess",
        "INSTALLDIR",
        "CreateFolder",
        product.program_access(),
    )
    yield _insert("CreateFolder", "Directory_ Component_", "INSTALLDIR", product.key("c", SERVICE_FILE))


def _service() -> Iterator[str]:
    """Delayed start by Windows Installer; the rest by sc.exe, whose own table is known not to be obeyed."""
    yield (
        "CREATE TABLE `MsiServiceConfig` (`MsiServiceConfig` CHAR(72) NOT NULL, "
        "`Name` CHAR(255) NOT NULL LOCALIZABLE, `Event` SHORT NOT NULL, `ConfigType` LONG NOT NULL, "
        "`Argument` CHAR(255), `Component_` CHAR(72) NOT NULL PRIMARY KEY `MsiServiceConfig`)"
    )
    component = product.key("c", SERVICE_FILE)
    row = ("DelayedStart", product.SERVICE, _ON_INSTALL, _DELAYED_START, "1", component)
    yield _insert("MsiServiceConfig", "MsiServiceConfig Name Event ConfigType Argument Component_", *row)
    yield _action("MsiConfigureServices", 5850, 'VersionMsi >= "5.00"')
    restarts = "/".join(f"restart/{delay_ms}" for delay_ms in _RESTARTS_MS)
    orders = {
        "OwnSid": f"sidtype {product.SERVICE} unrestricted",
        "FewRights": f"privs {product.SERVICE} SeChangeNotifyPrivilege",
        "Recovery": f"failure {product.SERVICE} reset= 86400 actions= {restarts}",
        "RecoveryOnExitCode": f"failureflag {product.SERVICE} 1",
    }
    for number, (name, order) in enumerate(orders.items()):
        command = f"[System64Folder]sc.exe {order}"
        yield _insert("CustomAction", _ACTION, name, _PROGRAM, "System64Folder", command)
        yield _action(name, 5851 + number, 'NOT REMOVE="ALL"')


def _files(files: Path) -> Iterator[str]:
    """Names of 8.3 beside the long ones; versions, without which upgrades keep older libraries."""
    for number, path in enumerate(sorted(path for path in files.rglob("*") if path.is_file()), 1):
        row = product.key("f", path.relative_to(files).as_posix())
        yield _update("File", "FileName", _short(path.name, number), "File", row)
        version = file_version(path.read_bytes()) if path.suffix in (".exe", ".dll", ".pyd") else None
        if version:
            yield _update("File", "Version", version, "File", row)
            yield _update("File", "Language", "0", "File", row)
            yield _delete("MsiFileHash", "File_", row)


def _folders() -> Iterator[str]:
    for number, (folder, name) in enumerate(
        (("MAKERDIR", product.MAKER), ("DATADIR", product.DATA_FOLDER)), 1
    ):
        yield _update("Directory", "DefaultDir", _short(name, number), "Directory", folder)


def file_version(content: bytes) -> str | None:
    """The version in a program's fixed version resource (VS_FIXEDFILEINFO); None when it has none."""
    at = content.find(b"\xbd\x04\xef\xfe")
    if at < 0:
        return None
    high, low = struct.unpack_from("<II", content, at + 8)
    return f"{high >> 16}.{high & 0xFFFF}.{low >> 16}.{low & 0xFFFF}"


def _short(name: str, number: int) -> str:
    """`SHORT|long` where the name does not fit 8.3."""
    stem, _, suffix = name.rpartition(".") if "." in name else (name, "", "")
    fits = len(stem) <= 8 and len(suffix) <= 3 and "." not in stem and name.replace(".", "").isalnum()
    if fits:
        return name
    short = f"PARC{number:04d}" + (f".{suffix[:3].strip('_').upper()}" if suffix else "")
    return f"{short}|{name}"


def _set(action: str, name: str, value: str, condition: str, at: int) -> str:
    """A property set, before costing."""
    rows = _insert("CustomAction", _ACTION, action, _SET_PROPERTY, name, value)
    return rows + "\n" + _action(action, at, condition)


def _action(name: str, at: int, condition: str = "") -> str:
    if not condition:
        return _insert("InstallExecuteSequence", "Action Sequence", name, at)
    return _insert("InstallExecuteSequence", "Action Condition Sequence", name, condition, at)


def _property(name: str, value: str) -> str:
    return _insert("Property", "Property Value", name, value)


def _insert(table: str, columns: str, *values: str | int) -> str:
    names = ",".join(f"`{column}`" for column in columns.split())
    texts = ",".join(str(value) if isinstance(value, int) else f"'{value}'" for value in values)
    return f"INSERT INTO `{table}` ({names}) VALUES ({texts})"


def _update(table: str, column: str, value: str | int, where: str, row: str) -> str:
    text = value if isinstance(value, int) else f"'{value}'"
    return f"UPDATE `{table}` SET `{column}`={text} WHERE `{where}`='{row}'"


def _delete(table: str, where: str, row: str) -> str:
    return f"DELETE FROM `{table}` WHERE `{where}`='{row}'"
