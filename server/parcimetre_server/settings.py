"""What an operator may set on a collector."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from parcimetre_factors.amortisation import Policy

from .errors import ParcimetreError


class BadSetting(ParcimetreError):
    """A setting that cannot be obeyed."""


@dataclass(frozen=True)
class Settings:
    """In force for one collector. Weeks and days are those of `time_zone`; slots stay UTC.

    `read_from_network` lets other machines read pages and figures: there are no user accounts yet, so
    without it only this machine may. A device may send `report_burst` reports at once, and
    `reports_per_hour` in the long run.
    """

    data_dir: Path
    host: str = "127.0.0.1"
    port: int = 8787
    time_zone: str = "Europe/Paris"
    organisation: str = ""
    upload_period_s: int = 3600
    read_from_network: bool = False
    amortisation: Policy = Policy.SERVICE_LIFE
    access_log: bool = False
    reports_per_hour: int = 60
    report_burst: int = 30

    def __post_init__(self) -> None:
        """Raise BadSetting for a time zone that does not exist."""
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
