"""gateway.toml: which devices to ask, how often, and with the enrolment secret of which org unit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from ..base.errors import BadSettings
from ..configuration.settings import DEFAULT_FILE, parse
from . import targets
from .credentials import PUBLIC, Credential, logins, read

if TYPE_CHECKING:
    from .servers import BmcTarget

Expected = Literal["printer", "network", "power", "any"]
_GROUPS: Mapping[str, Expected] = {"printers": "printer", "network": "network", "power": "power"}
DEFAULT_GATEWAY_FILE = DEFAULT_FILE.with_name("gateway.toml")
SNMP_PORT = 161
_LIMITS: Mapping[str, tuple[int, int]] = {
    "counters_per_day": (1, 4),
    "concurrency": (1, 64),
    "timeout_s": (1, 10),
    "retries": (0, 3),
    "round_limit_s": (10, 600),
}
_OF_A_GROUP = frozenset({"name", "hosts", "port", "credentials", "secret_file"})


@dataclass(frozen=True)
class SnmpTarget:
    """One address that was named, and how to ask and enrol what answers there, if it is what is expected."""

    host: str
    port: int
    credential: Credential
    secret_file: str | None
    expected: Expected = "printer"

    @property
    def place(self) -> str:
        """Host and port, as people read them."""
        return self.host if self.port == SNMP_PORT else f"{self.host} port {self.port}"


@dataclass(frozen=True)
class GatewayConfiguration:
    """What is in force; `round_limit_s` ends a round, what was not asked then is first in the next."""

    targets: tuple[SnmpTarget, ...]
    counters_per_day: int = 4
    concurrency: int = 8
    timeout_s: int = 2
    retries: int = 1
    round_limit_s: int = 60
    servers: tuple[BmcTarget, ...] = ()


def load_configuration(path: Path) -> GatewayConfiguration:
    """The gateway's file, with the credentials that it names. Raises BadSettings."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or error
        raise BadSettings(f"cannot read {path}: {why}; see docs/en/gateway.md") from None
    return configuration(parse(text, path), path)


def configuration(table: Mapping[str, Any], path: Path) -> GatewayConfiguration:
    """A parsed file as a configuration. Raises BadSettings naming the file and the entry."""
    unknown = sorted(set(table) - set(_LIMITS) - {*_GROUPS, "servers", "secret_file", "credentials_file"})
    if unknown:
        raise BadSettings(f"{path}: unknown setting {unknown[0]!r}; see docs/en/gateway.md")
    file = _text(table, "credentials_file", path)
    known = {} if file is None else read(Path(file))
    secret_file = _text(table, "secret_file", path)
    groups = [(group, kind) for name, kind in _GROUPS.items() for group in _groups(table, name, path)]
    if not groups and not table.get("servers"):
        raise BadSettings(
            f"{path} names no printers, network devices, power units or servers; write a table [[printers]], "
            "[[network]], [[power]] or [[servers]] with hosts"
        )
    found: dict[tuple[str, int], SnmpTarget] = {}
    for group, kind in groups:
        for target in _of_group(group, known, secret_file, path):
            found.setdefault((target.host, target.port), replace(target, expected=kind))
    numbers: dict[str, Any] = {name: _whole(table[name], name, path) for name in _LIMITS if name in table}
    servers = _servers(table.get("servers"), file, secret_file, path)
    return replace(GatewayConfiguration(tuple(found.values()), servers=servers), **numbers)


def _servers(groups: Any, file: str | None, secret_file: str | None, path: Path) -> tuple[BmcTarget, ...]:
    """The BMCs that are named; what asks them is loaded when there are some."""
    if not groups:
        return ()
    from .servers import bmc_targets

    return bmc_targets(groups, {} if file is None else logins(Path(file)), secret_file, path)


def _groups(table: Mapping[str, Any], name: str, path: Path) -> list[Any]:
    """The groups of a kind; none where it is absent."""
    groups = table.get(name, [])
    if not isinstance(groups, list):
        raise BadSettings(f"{path}: write {name} as tables [[{name}]], with two brackets")
    return groups


def _of_group(
    group: Any, known: Mapping[str, Credential], secret_file: str | None, path: Path
) -> list[SnmpTarget]:
    if not isinstance(group, dict) or set(group) - _OF_A_GROUP or not isinstance(group.get("hosts"), list):
        raise BadSettings(
            f"{path}: a group of devices must have {', '.join(sorted(_OF_A_GROUP))}, and hosts must be a list"
        )
    named = _text(group, "credentials", path)
    if named is not None and named not in known:
        raise BadSettings(f"{path}: credentials {named!r} are not in credentials_file; add a table [{named}]")
    credential = PUBLIC if named is None else known[named]
    port = group.get("port", SNMP_PORT)
    if not isinstance(port, int) or isinstance(port, bool) or not 0 < port < 65_536:
        raise BadSettings(f"{path}: port = {port!r} is not valid: give a number from 1 to 65535")
    secret = _text(group, "secret_file", path) or secret_file
    listed = [host for entry in group["hosts"] for host in targets.hosts(str(entry))]
    return [SnmpTarget(host, port, credential, secret) for host in listed]


def _text(table: Mapping[str, Any], name: str, path: Path) -> str | None:
    value = table.get(name)
    if value is not None and (not isinstance(value, str) or not value):
        raise BadSettings(f"{path}: {name} must be a text, not {value!r}")
    return value


def _whole(value: Any, name: str, path: Path) -> int:
    low, high = _LIMITS[name]
    if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
        raise BadSettings(f"{path}: {name} is {value!r}; give a whole number from {low} to {high}")
    return value
