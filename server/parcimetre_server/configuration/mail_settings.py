"""The table [mail] of the settings file: the server that takes the reports' mail."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Literal, cast, get_args

from ..base.errors import BadSetting

Security = Literal["starttls", "tls", "none"]
PORTS: Mapping[Security, int] = {"starttls": 587, "tls": 465, "none": 25}
LONGEST_S = 600
MOST_PORT = 65_535


@dataclass(frozen=True)
class MailSettings:
    """A server that takes mail (RFC 6409). `sender` is both From and the address that bounces go to.

    `starttls` and `tls` check the server's certificate, against `ca_file` where it is given. A password never
    travels without TLS.
    """

    host: str
    sender: str
    port: int
    security: Security = "starttls"
    user: str = ""
    password_file: Path | None = None
    ca_file: Path | None = None
    timeout_s: float = 30.0

    def password(self) -> str:
        """The content of the file, read when it is needed. Raises BadSetting."""
        if self.password_file is None:
            return ""
        try:
            return self.password_file.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise BadSetting(
                f"[mail] password_file: cannot read {self.password_file}: {error}; name a file that the "
                "collector's user may read"
            ) from error


def mail_settings(table: Mapping[str, Any] | None) -> MailSettings | None:
    """What the table says, None where there is none. Raises BadSetting with the mend."""
    if table is None:
        return None
    known = {field.name for field in fields(MailSettings)}
    unknown = sorted(set(table) - known)
    if unknown:
        raise BadSetting(
            f"[mail]: unknown setting {unknown[0]!r}. Known settings: {', '.join(sorted(known))}"
        )
    for name in ("host", "sender"):
        if not isinstance(table.get(name), str) or not table[name].strip():
            raise BadSetting(f"[mail] {name} is missing; docs/en/reports.md shows the whole table")
    for name in ("user", "password_file", "ca_file"):
        if not isinstance(table.get(name, ""), str):
            raise BadSetting(f"[mail] {name} = {table[name]!r} must be a text in quotes")
    security = _security(table)
    return MailSettings(
        table["host"].strip(),
        table["sender"].strip(),
        int(_number(table, "port", PORTS[security], MOST_PORT)),
        security,
        table.get("user", ""),
        _file(table, "password_file"),
        _file(table, "ca_file"),
        _number(table, "timeout_s", 30.0, LONGEST_S),
    )


def _security(table: Mapping[str, Any]) -> Security:
    security = table.get("security", "starttls")
    if security not in get_args(Security):
        raise BadSetting(f"[mail] security = {security!r} is not known: give starttls, tls or none")
    if security == "none" and (table.get("user") or table.get("password_file")):
        raise BadSetting('[mail] a password needs TLS: set security = "starttls" or "tls"')
    return cast(Security, security)


def _number(table: Mapping[str, Any], name: str, default: float, most: float) -> float:
    value = table.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= most:
        raise BadSetting(f"[mail] {name} = {value!r}: give a number above 0, {most} at most")
    return float(value)


def _file(table: Mapping[str, Any], name: str) -> Path | None:
    return Path(table[name]) if table.get(name) else None
