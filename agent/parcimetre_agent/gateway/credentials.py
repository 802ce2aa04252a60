"""Credentials of SNMP and of BMCs: in a file that nobody but its owner may read, and never shown."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..base.errors import BadSettings
from ..configuration.settings import parse

VERSIONS = ("1", "2c", "3")
AUTH = ("md5", "sha")
PRIVACY = ("des", "aes")
_COMMUNITY = frozenset({"version", "community"})
_USER = frozenset({"version", "user", "auth", "auth_key", "privacy", "privacy_key"})


@dataclass(frozen=True)
class Credential:
    """How to ask: a community (v1, v2c), or a user with keys (v3). Its secrets are not in its repr."""

    version: str
    community: str = field(default="", repr=False)
    user: str = field(default="", repr=False)
    auth: str | None = None
    auth_key: str = field(default="", repr=False)
    privacy: str | None = None
    privacy_key: str = field(default="", repr=False)


@dataclass(frozen=True)
class Login:
    """How to ask a BMC: a user with a password, which is not in its repr."""

    user: str
    password: str = field(repr=False)


PUBLIC = Credential("2c", "public")


def read(path: Path) -> dict[str, Credential]:
    """The SNMP credentials of a file by name. Raises BadSettings, also when others may read the file."""
    return {
        name: _credential(name, table, path) for name, table in _tables(path).items() if not _is_login(table)
    }


def logins(path: Path) -> dict[str, Login]:
    """The users of BMCs in a file, by name. Raises BadSettings, also when others may read the file."""
    return {
        name: Login(_needed(table, "user", name, path), _needed(table, "password", name, path))
        for name, table in _tables(path).items()
        if _is_login(table)
    }


def _is_login(table: Any) -> bool:
    """Whether a table is a user with a password, and no community or key of SNMP."""
    is_pair = isinstance(table, dict) and set(table) == {"user", "password"}
    return is_pair and all(isinstance(value, str) for value in table.values())


def _tables(path: Path) -> Mapping[str, Any]:
    try:
        _check_owner(path)
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or error
        raise BadSettings(f"cannot read {path}: {why}; check credentials_file in gateway.toml") from None
    return parse(text, path)


def _check_owner(path: Path) -> None:
    if sys.platform == "win32":
        from ..windows import security

        crowds = security.groups_with_access(security.access_list(str(path)))
        if crowds:
            raise BadSettings(
                f"{path} can be read by {', '.join(crowds)}; restrict it to SYSTEM and administrators"
            )
    elif path.stat().st_mode & 0o077:
        raise BadSettings(f"{path} can be read by other users; run: chmod 600 {path}")


def _credential(name: str, table: Any, path: Path) -> Credential:
    """One table of the file. Raises BadSettings, without the value that is wrong."""
    if not isinstance(table, dict) or not all(isinstance(value, str) for value in table.values()):
        raise BadSettings(f"{path}: [{name}] must be a table of texts")
    version = table.get("version", "2c")
    if version not in VERSIONS:
        raise BadSettings(f'{path}: version in [{name}] must be "1", "2c" or "3"')
    known = _USER if version == "3" else _COMMUNITY
    unknown = sorted(set(table) - known)
    if unknown:
        raise BadSettings(
            f"{path}: [{name}] has the unknown key {unknown[0]!r}; version {version} has {sorted(known)}"
        )
    if version != "3":
        return Credential(version, _needed(table, "community", name, path))
    return _of_user(name, table, path)


def _of_user(name: str, table: Mapping[str, str], path: Path) -> Credential:
    auth, privacy = table.get("auth"), table.get("privacy")
    for what, given, choices in (("auth", auth, AUTH), ("privacy", privacy, PRIVACY)):
        if given is not None and given not in choices:
            raise BadSettings(f"{path}: {what} in [{name}] must be one of {', '.join(choices)}")
    if privacy is not None and auth is None:
        raise BadSettings(f"{path}: [{name}] has privacy without auth; SNMPv3 needs auth for privacy")
    return Credential(
        "3",
        user=_needed(table, "user", name, path),
        auth=auth,
        auth_key="" if auth is None else _needed(table, "auth_key", name, path),
        privacy=privacy,
        privacy_key="" if privacy is None else _needed(table, "privacy_key", name, path),
    )


def _needed(table: Mapping[str, str], what: str, name: str, path: Path) -> str:
    if not table.get(what):
        raise BadSettings(f"{path}: {what} is missing in [{name}]")
    return table[what]
