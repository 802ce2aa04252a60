"""`/devices`: the fleet as a table to sort, filter, search and download, with work lists."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Annotated, Any, Literal
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import HTMLResponse, Response
from parcimetre_factors.criteria import UNITS, Criterion

from ...access.context import Context
from ...analysis.device_list import ASCENDING, Filter, ListedDevice, Sorting, list_devices, sort_devices
from ...analysis.left_out import visible_left_out
from ...analysis.period_choice import ROLLING, Period
from ...base.i18n import N_
from ...base.names import shown
from ...base.periods import Span, since_midnight
from ...footprint.compute import shown_days
from ...footprint.query import FootprintQuery as Asked
from ...organisation.left_out import collect_left_out
from ...presentation.labels import CRITERIA, PERIOD_LABELS, label
from ..dependencies import readable
from .overview import crumbs
from .rendering import respond
from .saved_filters import LIST, saved_filters

router = APIRouter(include_in_schema=False)
List = Literal["", "silent", "duplicate", "unmatched", "retired"]
LISTS: dict[List, str] = {
    "": N_("In service"),
    "silent": N_("Silent"),
    "duplicate": N_("Duplicates"),
    "unmatched": N_("Unmatched"),
    "retired": N_("Retired"),
}
WORK: dict[List, str] = {
    "silent": N_("No report for {hours} h: switched off for good, no network, or the agent was removed."),
    "duplicate": N_(
        "Several devices share a fingerprint, serial number or host name: merge those that are the "
        "same machine."
    ),
    "unmatched": N_(
        "Neither the model nor the components are known: the average of the category is used."
    ),
}  # fmt: skip
COLUMNS: tuple[tuple[Sorting, str, str], ...] = (
    ("name", N_("Device"), ""),
    ("org_unit", N_("Org unit"), "wide"),
    ("site", N_("Site"), "wide"),
    ("last_seen", N_("Last heard"), "wide"),
    ("age_years", N_("Age"), "n wide"),
    ("energy_kwh", N_("Electricity"), "n"),
    ("value", N_("Footprint"), "n"),
    ("coverage", N_("Coverage"), "n wide"),
)
ON_A_PAGE = 100
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True)
class Wish:
    """Filter, sort order and page of the list."""

    q: Annotated[str, Query(max_length=200)] = ""
    org_unit: Annotated[str, Query(max_length=400)] = ""
    site: Annotated[str, Query(max_length=300)] = ""
    category: Annotated[str, Query(max_length=60)] = ""
    which: Annotated[List, Query(alias="list")] = ""
    period: Period = "7d"
    criterion: Criterion = Criterion.GWP
    sort: Sorting = "value"
    order: Literal["up", "down", ""] = ""
    page: Annotated[int, Query(ge=1, le=100_000)] = 1

    @property
    def backwards(self) -> bool:
        """Whether the greatest come first, as numbers do unless told otherwise."""
        return self.order == "down" if self.order else self.sort not in ASCENDING

    def filter(self, which: List) -> Filter:
        """Its filter, for one of the lists."""
        fault = None if which == "" or which == "retired" else which  # noqa: PLR1714  narrows the type
        return Filter(self.q, self.site, self.category, fault, which == "retired")


def _all(context: Context, wish: Wish) -> list[ListedDevice]:
    """Every device of the org unit that is meant."""
    span = since_midnight(context.now(), context.zone, ROLLING[wish.period])
    asked = Asked(span, wish.criterion, org_unit=wish.org_unit or context.scope.root)
    return list_devices(context, shown_days(context, asked) or replace(asked, span=_yesterday(context)))


def _yesterday(context: Context) -> Span:
    """The last day that is over, for readers who may not see today's figures of single devices."""
    return Span(*(since_midnight(context.now(), context.zone, days).first for days in (2, 1)))


@router.get(LIST, response_class=HTMLResponse)
def devices(
    request: Request, context: Annotated[Context, Depends(readable)], wish: Annotated[Wish, Depends()]
) -> HTMLResponse:
    """The devices that fit, page by page."""
    with collect_left_out() as left_out:
        everything = _all(context, wish)
    found = sort_devices(filter(wish.filter(wish.which).fits, everything), wish.sort, wish.backwards)
    shown = found[(wish.page - 1) * ON_A_PAGE : wish.page * ON_A_PAGE]
    names = {one.device.id: one.device.name for one in everything}
    values = {
        "wish": wish,
        "found": found,
        "shown": shown,
        "names": names,
        "unusable": visible_left_out(context, left_out),
        "silent_after_hours": context.settings.silent_after_hours,
        "unit": UNITS[wish.criterion],
        "crumbs": crumbs(wish.org_unit, context.scope),
        "lists": [
            (_link(request, list=key, page=""), name, _count(everything, wish, key), key == wish.which)
            for key, name in LISTS.items()
        ],
        "work": WORK.get(wish.which),
        "columns": [_column(request, wish, *column) for column in COLUMNS],
        "choices": _choices(context, everything),
        "periods": {key: PERIOD_LABELS[key] for key in ROLLING},
        "criteria": CRITERIA,
        "title": label,
        "pages": _pages(request, wish.page, len(found)),
        "csv": f"{LIST}.csv?{request.url.query}",
        "query": _query_string(request, lang="", page=""),
        "saved": [(name, f"{LIST}?{query}") for name, query in saved_filters(request).items()],
        "simulated": _simulated(shown),
    }  # fmt: skip
    return respond(request, context, "fleet.html", values)


@router.get(f"{LIST}.csv")
def devices_csv(context: Annotated[Context, Depends(readable)], wish: Annotated[Wish, Depends()]) -> Response:
    """The devices that fit, all of them, as CSV."""
    found = sort_devices(filter(wish.filter(wish.which).fits, _all(context, wish)), wish.sort, wish.backwards)
    text = io.StringIO()
    rows = [_row(one, UNITS[wish.criterion]) for one in found]
    writer = csv.DictWriter(text, list(rows[0] if rows else ("device",)))
    writer.writeheader()
    writer.writerows(rows)
    headers = {"Content-Disposition": 'attachment; filename="devices.csv"', "Cache-Control": "no-store"}
    return Response("\ufeff" + text.getvalue(), media_type="text/csv; charset=utf-8", headers=headers)


def _row(one: ListedDevice, unit: str) -> dict[str, Any]:
    device, used = one.device, one.used
    system = device.inventory.system if device.inventory else None
    words = {
        "device": device.id, "name": device.name, "category": device.category, "org_unit": device.org_unit,
        "site": device.site, "grid_zone": device.zone, "maker": system and system.maker,
        "model": system and system.model,
    }  # fmt: skip
    numbers = {
        "simulated": int(device.simulated),
        "last_seen": one.last_seen,
        "retired_at": device.retired_at,
        "age_years": one.age_years,
        "energy_kwh": used and used.energy_kwh,
        "value": used and used.value,
        "unit": unit,
        "coverage": used and used.coverage,
        "faults": " ".join(one.faults),
    }
    return {name: _no_formula(shown(text or "")) for name, text in words.items()} | numbers


def _no_formula(text: str) -> str:
    """Quote a name reported by an agent, so that it is not a formula in a spreadsheet."""
    return f"'{text}" if text.startswith(FORMULA_STARTS) else text


def _query_string(request: Request, **changed: str) -> str:
    """Return the query string of this page with some parameters changed, without empty ones."""
    return urlencode([(k, v) for k, v in (dict(request.query_params) | {"lang": ""} | changed).items() if v])


def _link(request: Request, **changed: str) -> str:
    query = _query_string(request, **changed)
    return f"{LIST}?{query}" if query else LIST


def _column(request: Request, wish: Wish, key: Sorting, name: str, kind: str) -> Mapping[str, str]:
    """Return a heading that sorts by its column, in reverse if it is already sorted by it."""
    here = key == wish.sort
    backwards = not wish.backwards if here else key not in ASCENDING
    return {
        "name": name,
        "kind": kind,
        "href": _link(request, sort=key, order="down" if backwards else "up", page=""),
        "sorted": "" if not here else "descending" if wish.backwards else "ascending",
    }


def _choices(context: Context, found: Sequence[ListedDevice]) -> Mapping[str, Sequence[str]]:
    """What the list can be narrowed to, the most frequent category first."""
    paths = {one.device.org_unit for one in found} | set(context.store.latest("org_unit"))
    above = {"/".join(path.split("/")[:depth]) for path in paths for depth in range(1, path.count("/") + 2)}
    return {
        "org_unit": sorted(path for path in above if context.scope.covers(path)),
        "site": sorted({one.device.site for one in found}),
        "category": [key for key, _ in Counter(one.device.category for one in found).most_common()],
    }


def _pages(request: Request, page: int, count: int) -> list[tuple[str, int | None, bool]]:
    """Links to the first, the last and the neighbouring pages; None stands for those between."""
    last = -(-count // ON_A_PAGE)
    numbers = sorted({n for n in (1, page - 1, page, page + 1, last) if 1 <= n <= last})
    links: list[tuple[str, int | None, bool]] = []
    for before, number in pairwise([0, *numbers]):
        if number > before + 1:
            links.append(("", None, False))
        links.append((_link(request, page=str(number)), number, number == page))
    return links if last > 1 else []


def _count(found: Sequence[ListedDevice], wish: Wish, which: List) -> int:
    """Count the devices of a work list under the same filter."""
    return sum(map(wish.filter(which).fits, found))


def _simulated(shown: Sequence[ListedDevice]) -> bool | str:
    marks = {one.device.simulated for one in shown}
    return "partly" if len(marks) > 1 else marks == {True}
