"""Published form of the weekly report, as part of the stored body of a `report` fact.

It is apart from the classes that compute the report: those may change without a published report changing.
Version 1 has every field that follows; version 0, up to commit bb8efdf, could leave some out.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, NotRequired, TypedDict


class PublishedSpan(TypedDict):
    """From `first` up to but not including `last`, seconds UTC."""

    first: int
    last: int


class PublishedExtrapolation(TypedDict):
    """Footprint had the time without a record been like the time with one, with its 95 % interval."""

    energy_kwh: float
    value: float
    low: float
    high: float


class PublishedRow(TypedDict):
    """Footprint of a group in a period, with its 95 % interval; `value` is None where no factor is known.

    `grid_tiers` are, by grid zone, the shares of the electricity by what its intensity rests on.
    """

    group: str
    period: str
    energy_kwh: float
    value: float | None
    low: float | None
    high: float | None
    unit: str
    coverage: float | None
    measured_share: float | None
    factor_set: str
    absent: list[str]
    simulated: bool | Literal["partly"]
    extrapolated: PublishedExtrapolation | None
    electricity: str
    grid_tiers: Mapping[str, Mapping[str, float]]


class PublishedChangePart(TypedDict):
    """Part of a change that has one reason, and the number of devices behind it."""

    reason: str
    value: float
    devices: int


class PublishedChanges(TypedDict):
    """Totals of two weeks and the parts of their difference, in `unit`."""

    before: float
    after: float
    unit: str
    parts: list[PublishedChangePart]


class PublishedAction(TypedDict):
    """A recommendation: kWh, kg CO2 eq and euros that it spares in a week."""

    kind: str
    subject: str
    category: str
    devices: int
    energy_kwh: float
    gwp_kgco2e: float
    eur: float
    ratio: float | None
    name: str


class PublishedDevice(TypedDict):
    """A device that a report names."""

    id: str
    name: str
    category: str
    org_unit: str
    simulated: bool
    virtual: str


class PublishedBounds(TypedDict):
    """A sum in kg CO2 eq with its 95 % interval."""

    value: float
    low: float
    high: float


class PublishedConsumables(TypedDict):
    """Paper and toner of printers in a period; `counted` and `among` are impressions by counter."""

    group: str
    period: str
    printers: int
    counted: Mapping[str, float]
    sheets: float
    paper: PublishedBounds
    marking: PublishedBounds
    total: PublishedBounds
    spared_by_duplex: PublishedBounds | None
    spent_on_colour: PublishedBounds | None
    unit: str
    coverage: float
    factor_set: str
    among: Mapping[str, float]


class PublishedMove(TypedDict):
    """A figure that differs from the one of an earlier edition."""

    what: str
    group: str
    before: float
    after: float
    unit: str


class PublishedRestatement(TypedDict):
    """The edition that a report replaces, and the figures that moved."""

    edition: int
    published_at: int
    moved: list[PublishedMove]


class PublishedLeftOut(TypedDict):
    """A device whose data could not be used, and why."""

    device: str
    reason: str


class PublishedReport(TypedDict):
    """An ISO week of an org unit; see `reports.content.WeeklyReport` for what each field says."""

    week: str
    span: PublishedSpan
    org_unit: str | None
    state: str
    devices: int
    virtual: int
    total: PublishedRow
    market: PublishedRow | None
    previous: PublishedRow
    changes: PublishedChanges | None
    by_unit: list[PublishedRow]
    by_category: list[PublishedRow]
    by_stage: list[PublishedRow]
    by_power_source: list[PublishedRow]
    by_day: list[PublishedRow]
    actions: list[PublishedAction]
    eur_per_kwh: float
    greatest: list[tuple[PublishedDevice, PublishedRow]]
    factor_set: str
    withheld: bool
    printing: list[PublishedConsumables]
    restated: PublishedRestatement | None
    left_out: NotRequired[list[PublishedLeftOut]]


def upgrade_report_0(body: dict[str, Any]) -> dict[str, Any]:
    """Return a `report` body of version 0 as version 1, with the fields that version 0 could leave out."""
    report = {"withheld": False, "printing": [], "restated": None, **body["report"]}
    report["actions"] = [{"ratio": None, "name": "", **action} for action in report["actions"]]
    report["printing"] = [{"among": {}, **row} for row in report["printing"]]
    return {"stated": 0, **body, "report": report}
