"""Table [login] of the settings file: the OpenID provider, and the scopes of its groups."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit

from ..base.errors import BadSetting
from ..base.org_path import clean_path
from ..base.scope import ROLES, Role, Scope
from .public_address import public_address

LOCAL = ("localhost", "127.0.0.1", "::1")
BASIC, POST = "client_secret_basic", "client_secret_post"


@dataclass(frozen=True)
class LoginSettings:
    """Settings of the login with an OpenID provider.

    `claim` names the claim that lists groups or roles, of the ID token or else of userinfo, with dots where
    it is inside another; the first of `groups` that a person is in gives their scope. `public_url` is the
    address that browsers use, to which the provider sends them back. `client_auth` is how the client's
    secret is sent; empty: as the provider accepts it.
    """

    issuer: str
    client_id: str
    public_url: str
    groups: Mapping[str, Scope]
    client_secret_file: Path | None = None
    claim: str = "groups"
    scopes: str = "openid profile email"
    client_auth: str = ""

    @property
    def callback(self) -> str:
        """The redirect URI to register with the provider."""
        return f"{self.public_url}/login/callback"

    @property
    def after_logout(self) -> str:
        """Where the provider sends people after they ended their session there; to be registered too."""
        return f"{self.public_url}/login"

    def secret(self) -> str | None:
        """Read the client's secret from its file, None without one. Raises BadSetting."""
        if self.client_secret_file is None:
            return None
        try:
            return self.client_secret_file.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise BadSetting(
                f"[login] client_secret_file: cannot read {self.client_secret_file}: {error}; "
                "name a file that the collector's user may read"
            ) from error

    def scope_of(self, groups: Collection[str]) -> tuple[str, Scope] | None:
        """Return the first mapped group among a person's groups, with its scope; None if none is mapped."""
        return next(((group, scope) for group, scope in self.groups.items() if group in groups), None)


def login_settings(table: Mapping[str, Any] | None, public_url: str = "") -> LoginSettings | None:
    """Return the settings of the table, None without one. Raises BadSetting.

    `public_url` is the address stated outside the table, which then need not state it.
    """
    if table is None:
        return None
    known = [field.name for field in fields(LoginSettings)]
    for name in table:
        if name not in known:
            raise BadSetting(f"[login]: unknown setting {name!r}. Known settings: {', '.join(known)}")
    for name in ("issuer", "client_id") if public_url else ("issuer", "client_id", "public_url"):
        if not isinstance(table.get(name), str) or not table[name]:
            raise BadSetting(f"[login] {name} is missing; docs/en/access.md shows the whole table")
    for name in ("claim", "scopes", "client_secret_file", "public_url", "client_auth"):
        if not isinstance(table.get(name, ""), str):
            raise BadSetting(f"[login] {name} = {table[name]!r} must be a text in quotes")
    method = table.get("client_auth", "")
    if method not in ("", BASIC, POST):
        raise BadSetting(f"[login] client_auth = {method!r} is not known: give {BASIC} or {POST}")
    file = table.get("client_secret_file")
    return LoginSettings(
        issuer=_address(table["issuer"], "issuer"),
        client_id=table["client_id"],
        public_url=_public_url(table.get("public_url", ""), public_url),
        groups=_groups(table.get("groups")),
        client_secret_file=Path(file) if file else None,
        claim=table.get("claim") or "groups",
        scopes=table.get("scopes") or "openid profile email",
        client_auth=method,
    )


def _address(text: str, name: str) -> str:
    """Return an address if it has TLS, or is on this machine: secrets are sent to it. Raises BadSetting."""
    parts = urlsplit(text)
    plain = parts.scheme == "http" and parts.hostname in LOCAL
    if not (parts.scheme == "https" or plain) or not parts.hostname or parts.query or parts.fragment:
        raise BadSetting(
            f"[login] {name} = {text!r} is not a valid address: give one that begins with https://"
        )
    return text


def _public_url(in_table: str, of_collector: str) -> str:
    """Return the collector's public address, stated in the table or outside it. Raises BadSetting."""
    stated = public_address(in_table, "[login] public_url")
    if stated and of_collector and stated != of_collector:
        raise BadSetting(
            f"public_url = {of_collector!r} and [login] public_url = {stated!r} differ: remove the line of "
            "[login]"
        )
    return _address(stated or of_collector, "public_url")


def _groups(table: object) -> dict[str, Scope]:
    if not isinstance(table, Mapping) or not table:
        raise BadSetting(
            '[login.groups] is missing; give a line like "it-clairval" = { role = "admin", '
            'org_unit = "Métropole/Clairval" }'
        )
    return {str(group): _scope(f"[login.groups] {group!r}", about) for group, about in table.items()}


def _scope(where: str, about: object) -> Scope:
    """Return the scope of a role and an org unit, or of everything = true. Raises BadSetting."""
    if not isinstance(about, Mapping) or about.get("role") not in ROLES:
        raise BadSetting(f"{where}: role is missing; give one of {', '.join(ROLES)}")
    extra = sorted(set(about) - {"role", "org_unit", "everything"})
    if extra:
        raise BadSetting(f"{where}: unknown key {extra[0]!r}. Known keys: role, org_unit, everything")
    unit, everything = about.get("org_unit"), about.get("everything", False)
    if (unit is None) != (everything is True) or not isinstance(unit, str | None):
        raise BadSetting(f"{where}: give either org_unit or everything = true")
    return Scope(None if unit is None else clean_path(unit), cast(Role, about["role"]))
