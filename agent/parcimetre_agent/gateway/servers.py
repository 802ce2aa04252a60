"""[[servers]] of gateway.toml: the BMCs to ask over Redfish, and how each is known and asked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..base.errors import BadSettings
from ..metering.redfish import FINGERPRINT, BmcAccess
from . import targets
from .credentials import Login

HTTPS_PORT = 443
PREFIX = "BMC "
_OF_A_GROUP = frozenset({"name", "hosts", "port", "credentials", "secret_file", "ca_file", "fingerprint"})


@dataclass(frozen=True)
class BmcTarget:
    """One BMC that was named, and with which enrolment secret its servers are devices."""

    access: BmcAccess
    secret_file: str | None

    @property
    def place(self) -> str:
        """What it is called among the gateway's addresses, and to people."""
        port = self.access.port
        return f"{PREFIX}{self.access.host}" + ("" if port == HTTPS_PORT else f" port {port}")


def bmc_targets(
    groups: Any, logins: Mapping[str, Login], secret_file: str | None, path: Path
) -> tuple[BmcTarget, ...]:  # fmt: skip
    """The BMCs of all groups, each once. Raises BadSettings naming the file and the entry."""
    if not isinstance(groups, list):
        raise BadSettings(f"{path}: write servers as tables [[servers]], with two brackets")
    found: dict[str, BmcTarget] = {}
    for group in groups:
        for bmc in _of_group(group, logins, secret_file, path):
            found.setdefault(bmc.place, bmc)
    return tuple(found.values())


def _of_group(
    group: Any, logins: Mapping[str, Login], secret_file: str | None, path: Path
) -> list[BmcTarget]:
    if not isinstance(group, dict) or set(group) - _OF_A_GROUP or not isinstance(group.get("hosts"), list):
        raise BadSettings(
            f"{path}: a group of servers must have {', '.join(sorted(_OF_A_GROUP))}, and hosts must be a list"
        )
    login = logins.get(str(group.get("credentials")))
    if login is None:
        raise BadSettings(
            f"{path}: a group of servers has unknown credentials; name a table of credentials_file "
            "with user and password"
        )
    port = group.get("port", HTTPS_PORT)
    if not isinstance(port, int) or isinstance(port, bool) or not 0 < port < 65_536:
        raise BadSettings(f"{path}: port = {port!r} is not valid: give a number from 1 to 65535")
    texts = {name: group.get(name) for name in ("secret_file", "ca_file", "fingerprint")}
    for name, value in texts.items():
        if value is not None and (not isinstance(value, str) or not value):
            raise BadSettings(f"{path}: {name} must be a text, not {value!r}")
    pinned, ca_file = texts["fingerprint"], texts["ca_file"]
    if pinned and not FINGERPRINT.fullmatch(pinned):
        raise BadSettings(
            f"{path}: fingerprint = {pinned!r} is not valid: give sha256: and 64 hexadecimal digits"
        )
    if ca_file and not Path(ca_file).is_file():
        raise BadSettings(f"{path}: ca_file {ca_file} does not exist: give a PEM file")
    hosts = [host for entry in group["hosts"] for host in targets.hosts(str(entry))]
    if pinned and len(hosts) != 1:
        raise BadSettings(f"{path}: a fingerprint is valid for one BMC only: give each BMC its own group")
    access = (BmcAccess(host, port, login.user, login.password, ca_file, pinned) for host in hosts)
    return [BmcTarget(one, texts["secret_file"] or secret_file) for one in access]
