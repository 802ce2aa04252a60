"""Settings of a collector."""

from __future__ import annotations

import os
import re
from contextvars import ContextVar
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from parcimetre_factors.service_life.amortisation import Policy

from ..base.errors import BadSetting
from ..base.names import text_fault
from .login_settings import LoginSettings
from .mail_settings import MailSettings
from .public_address import path_prefix

Network = IPv4Network | IPv6Network
Displays = Literal["fleet", "all", "none"]
EUR_PER_KWH = 0.19  # Eurostat nrg_pc_205, EU, other than households, first half of 2025: 0.1902
KEEP_RECORD_DAYS = 365  # CNIL, deliberation 2021-122 on logs: six months to a year
HOST_NAME = re.compile(r"[a-z0-9_-]+(\.[a-z0-9_-]+)*")
SHORTEST_DAYS = 7  # the weekly report is computed from the quarter hours of its week
MOST_OF_ORGANISATION = 200


@dataclass(frozen=True)
class StoreAddress:
    """Address of a store outside the data folder, and the file with its password."""

    url: str = ""
    password_file: Path | None = None

    def password(self) -> str:
        """Return the password of the file, or of PARCIMETRE_STORE_PASSWORD. Raises BadSetting."""
        if self.password_file is None:
            return os.environ.get("PARCIMETRE_STORE_PASSWORD", "")
        try:
            return self.password_file.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise BadSetting(
                f"cannot read the store's password from {self.password_file}: {error}. Correct the "
                "file, or give another with --store-password-file."
            ) from error


STORE: ContextVar[StoreAddress] = ContextVar("store", default=StoreAddress())  # noqa: B039  frozen
"""The store that the command line or the environment names, for every part of one command."""


@dataclass(frozen=True)
class Settings:
    """Settings in force for one collector. Weeks and days are those of `time_zone`; slots stay UTC.

    Readers need a token or a login; only with `trust_this_machine` those on this machine need neither, as
    admins of everything. `allowed_hosts` are names by which readers may address the collector, beside its
    own. `login` is the OpenID provider, if any, and `mail` the server that takes the reports' mail.
    `eur_per_kwh` is what electricity costs in reports.
    `public_url` is the address that browsers and agents use, empty if it is not stated; a path in it is the
    prefix under which a reverse proxy publishes the collector.
    `displays` says which monitors count; None leaves it as it was last served with, the fleet's to begin
    with.
    Quarter hours are kept for `keep_slots_days`, then hours up to `keep_hours_days`, then days; 0 is for
    ever.
    A device that was not heard for `silent_after_hours` is silent.
    `trusted_proxies` are reverse proxies whose X-Forwarded-For names the client of a failed attempt.
    Who looked at single devices is recorded for `keep_access_record_days`; names of persons stay in the audit
    log, and in revoked tokens and removed recipients, for `keep_names_days`.
    A device may send `report_burst` reports at once, and `reports_per_hour` in the long run.
    """

    data_dir: Path
    host: str = "127.0.0.1"
    port: int = 8787
    time_zone: str = "Europe/Paris"
    organisation: str = ""
    upload_period_s: int = 3600
    amortisation: Policy = Policy.SERVICE_LIFE
    access_log: bool = False
    displays: Displays | None = None
    store: StoreAddress = field(default_factory=STORE.get)
    trust_this_machine: bool = False
    allowed_hosts: tuple[str, ...] = ()
    login: LoginSettings | None = None
    reports_per_hour: int = 60
    report_burst: int = 30
    eur_per_kwh: float = EUR_PER_KWH
    mail: MailSettings | None = None
    keep_slots_days: int = 400
    keep_hours_days: int = 1100
    silent_after_hours: int = 48
    public_url: str = ""
    trusted_proxies: tuple[Network, ...] = ()
    keep_access_record_days: int = KEEP_RECORD_DAYS
    keep_names_days: int = KEEP_RECORD_DAYS

    def __post_init__(self) -> None:
        """Raise BadSetting for a time zone that does not exist, or a retention that is too short."""
        check_kept(self.keep_slots_days, self.keep_hours_days)
        fault = text_fault(self.organisation, MOST_OF_ORGANISATION)
        if fault:
            raise BadSetting(f"organisation is not a valid name: {fault}. Correct it.")
        try:
            ZoneInfo(self.time_zone)
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:
            raise BadSetting(
                f"time_zone = {self.time_zone!r} is not a time zone: give a name like Europe/Paris"
            ) from error

    @property
    def zone(self) -> ZoneInfo:
        """The organisation's time zone."""
        return ZoneInfo(self.time_zone)

    @property
    def path_prefix(self) -> str:
        """The path under which a reverse proxy publishes the collector, such as /parcimetre; empty: none."""
        return path_prefix(self.public_url)


def check_kept(slots_days: int, hours_days: int) -> None:
    """Raise BadSetting if the retention of quarter hours or hours (days; 0: no limit) is too short."""
    if slots_days and slots_days < SHORTEST_DAYS:
        raise BadSetting(
            f"keep_slots_days = {slots_days} is too short: give {SHORTEST_DAYS} or more, because "
            "the weekly report is computed from the quarter hours of its week; 0 sets no limit"
        )
    if hours_days and hours_days < slots_days:
        raise BadSetting(
            f"keep_hours_days = {hours_days} is less than keep_slots_days = {slots_days}: give at "
            "least as many days; 0 sets no limit"
        )


def networks_of(text: str) -> tuple[Network, ...]:
    """Return addresses and networks (CIDR) that commas separate. Raises BadSetting."""
    try:
        return tuple(ip_network(part.strip(), strict=False) for part in text.split(",") if part.strip())
    except ValueError as error:
        raise BadSetting(
            f"trusted_proxies = {text!r}: {error}. Give the addresses of the reverse proxies, or their "
            "networks (10.0.0.0/24), separated by commas."
        ) from None


def host_names_of(text: str) -> tuple[str, ...]:
    """Return the host names that commas separate, as browsers send them. Raises BadSetting."""
    return tuple(_host_name(part.strip()) for part in text.split(",") if part.strip())


def _host_name(name: str) -> str:
    try:
        plain = name.lower().removesuffix(".").encode("idna").decode()
    except UnicodeError:
        plain = ""
    if not HOST_NAME.fullmatch(plain):
        raise BadSetting(
            f"allowed_hosts: {name!r} is not a host name. Give names like parcimetre.example.org, without "
            "https:// and port, separated by commas."
        )
    return plain
