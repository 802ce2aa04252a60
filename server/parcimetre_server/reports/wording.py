"""Wording of the weekly report: the texts and numbers of the mail, the PDF and the XLSX."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Literal, cast

from ..access.context import Context
from ..analysis.bars import bars, stage_shares
from ..analysis.recommendations import Action
from ..base.i18n import N_, Language, Translator
from ..base.names import shown
from ..base.org_path import SMALL
from ..fleet.printing import consumables
from ..footprint.query import FootprintRow
from ..presentation.formats import Formats
from ..presentation.labels import CHANGE_REASONS, CHANGES, LEFT_OUT, LEFT_OUT_MANY, MOST_NAMED, label
from ..presentation.palette import direction
from .content import Correction, MovedFigure, WeeklyReport

Colour = Literal["plain", "use", "manufacturing", "distribution", "end_of_life", "less", "more"]
STATES = {
    "running": N_("provisional: the week is not over"),
    "provisional": N_("provisional: late records may follow"),
    "final": "",
}
ACTIONS = {
    "left_on": N_("left on at night or at weekends"),
    "idle_server": N_("idle all week"),
    "above_usual": N_("draws {ratio} times the median of its category"),
}
MOST_UNITS = 30
MOST_MOVED = 5


@dataclass(frozen=True)
class Line:
    """A row of a table: words, small text below them, numbers, and a bar from -1 to 1 if any."""

    words: str
    numbers: tuple[str, ...]
    small: str = ""
    bar: float | None = None
    colour: Colour = "plain"


@dataclass(frozen=True)
class Table:
    """A section with a table; `columns` are the headings of words and numbers.

    Where bars are `signed`, they begin in the middle.
    """

    key: str
    title: str
    note: str
    columns: tuple[str, ...]
    lines: tuple[Line, ...]
    signed: bool = False


@dataclass(frozen=True)
class ReportText:
    """The text of a report from top to bottom; `warnings` come first."""

    language: Language
    week: str
    whose: str
    title: str
    subtitle: str
    badge: str
    warnings: tuple[str, ...]
    value: str
    unit: str
    interval: str
    facts: tuple[tuple[str, str], ...]
    lead: tuple[str, ...]
    tables: tuple[Table, ...]
    closing: tuple[tuple[str, str], ...]


def report_text(report: WeeklyReport, context: Context, language: Language) -> ReportText:
    """Return the text of a report in a language, with the invisible characters of names escaped."""
    translator = Translator(language)
    text = _Writer(report, translator, Formats(translator, context.zone), context).text()
    return cast(ReportText, _visible(text))


def _visible(value: Any) -> Any:
    """Return a text, or what holds texts, with invisible characters escaped."""
    if isinstance(value, str):
        return shown(value)
    if isinstance(value, tuple):
        return tuple(map(_visible, value))
    if isinstance(value, ReportText | Table | Line):
        return replace(value, **{one.name: _visible(getattr(value, one.name)) for one in fields(value)})
    return value


class _Writer:
    """Writes one report in one language."""

    def __init__(self, report: WeeklyReport, translator: Translator, f: Formats, context: Context) -> None:
        self._report, self._translator, self._f = report, translator, f
        self._organisation = context.settings.organisation
        self._version = context.factors.version if context.factors.id == report.factor_set else ""

    def text(self) -> ReportText:
        """Return the whole text; only the reason where there is nothing to show."""
        report, translator, f = self._report, self._translator, self._f
        nothing = report.withheld or not report.devices
        row = report.total
        value, _, unit = f.quantity(row.value, row.unit).partition("\u00a0")
        limits = f.interval(row.value or 0, row.low, row.high, row.unit)
        span = translator("{from_} to {to}", from_=f.day(report.span.first, "long"),
                   to=f.day(report.span.last - 1, "long"))  # fmt: skip
        return ReportText(
            language=translator.language,
            week=report.week,
            whose=report.org_unit or self._organisation or translator("All org units"),
            title=translator("Weekly report {week}", week=report.week),
            subtitle=f"{span} · {translator.plural('{n} device', '{n} devices', report.devices)}",
            badge=translator(STATES[report.state]),
            warnings=tuple(self._warnings()),
            value="" if nothing else value,
            unit=unit,
            interval="" if nothing or row.low is None else translator("95 % interval: {range}", range=limits),
            facts=() if nothing else self._facts(),
            lead=(self._nothing(),) if nothing else tuple(self._lead()),
            tables=() if nothing else tuple(filter(None, self._tables())),
            closing=() if nothing else tuple(self._closing()),
        )  # fmt: skip

    def _nothing(self) -> str:
        if self._report.withheld:
            return self._translator(
                N_("Groups of fewer than 5 devices are shown to analysts and admins only.")
            )
        return self._translator(N_("No device was in service in this week."))

    def _warnings(self) -> Iterator[str]:
        if self._report.total.simulated == "partly":
            yield self._translator(N_("Some of the devices are simulated."))
        elif self._report.total.simulated and self._report.devices:
            yield self._translator(N_("Everything here is simulated: these devices do not exist."))
        if self._report.left_out:
            yield self._left_out()
        if self._report.restated is not None:
            yield self._restated(self._report.restated)

    def _left_out(self) -> str:
        """Say which devices are left out."""
        devices = self._report.left_out
        words = self._translator.plural(LEFT_OUT, LEFT_OUT_MANY, len(devices))
        some = "; ".join(f"{one.device} ({one.reason})" for one in devices[:MOST_NAMED])
        return f"{words} {some}" + ("; …" if len(devices) > MOST_NAMED else "")

    def _restated(self, before: Correction) -> str:
        translator, f = self._translator, self._f
        first = translator(
            "This revision replaces that of {day}: late records or corrections changed figures by "
            "more than 1 %.", day=f.day(before.published_at, "long"),
        )  # fmt: skip
        return f"{first} {'; '.join(map(self._moved, before.moved[:MOST_MOVED]))}."

    def _moved(self, moved: MovedFigure) -> str:
        f, change = self._f, self._f.change(moved.after / moved.before - 1 if moved.before else None)
        name = self._group(moved.what, moved.group) if moved.group else self._translator(N_("Total"))
        before, after = f.quantity(moved.before, moved.unit), f.quantity(moved.after, moved.unit)
        told = N_("{name}: {before}, now {after} ({change})")
        return self._translator(told, name=name, before=before, after=after, change=change)

    def _facts(self) -> tuple[tuple[str, str], ...]:
        report, translator, f = self._report, self._translator, self._f
        return (
            (translator("Electricity"), f.quantity(report.total.energy_kwh, "kWh")),
            (translator("Its cost"), f.euros(report.cost_eur)),
            (translator("Coverage"), f.percent(report.total.coverage)),
            (translator("Measured share"), f.percent(report.total.measured_share)),
        )

    def _lead(self) -> Iterator[str]:
        report, translator, f = self._report, self._translator, self._f
        if report.change is None:
            yield translator("There is no footprint of the week before to compare with.")
        else:
            told = (
                N_("Against the same part of the week before: {change} ({energy} electricity).")
                if report.provisional
                else N_("Against the week before: {change} ({energy} electricity).")
            )
            against = translator(told, change=f.change(report.change), energy=f.change(report.energy_change))
            before, now = (f.percent(row.coverage) for row in (report.previous, report.total))
            coverage = translator("Coverage was {before} then and is {now} now.", before=before, now=now)
            yield f"{against} {coverage}"
        row = report.total
        if row.incomplete and row.extrapolated is not None:
            whole = row.extrapolated
            about = f.about(whole.value, whole.low, whole.high, row.unit)
            yield translator("Including the time without a record: about {whole}", whole=about) + "."

    def _tables(self) -> Iterator[Table | None]:
        report, translator = self._report, self._translator
        yield self._changes()
        yield self._actions()
        yield self._by(
            "org_unit", translator("By org unit"), translator("Org unit"), report.by_unit[:MOST_UNITS]
        )
        yield self._by("category", translator("By category"), translator("Category"), report.by_category)
        yield self._stages()
        yield self._by("period", translator("By day"), translator("Day"), report.by_day)
        yield self._greatest()
        yield self._printing()

    def _changes(self) -> Table | None:
        changes, translator, f = self._report.changes, self._translator, self._f
        if changes is None or not changes.parts:
            return None
        most = max(abs(part.value) for part in changes.parts)
        lines = [
            Line(
                translator(CHANGES[part.reason]),
                (f.signed(part.value, changes.unit),),
                translator(CHANGE_REASONS[part.reason]),
                part.value / most if most else 0.0,
                direction(part.value),
            )
            for part in sorted(changes.parts, key=lambda part: -abs(part.value))
        ]
        lines.append(Line(translator("Change of the total"), (f.signed(changes.difference, changes.unit),)))
        return Table(
            "changes",
            translator("What changed, and why"),
            translator("Reasons add up to the change of the total."),
            (translator("Reason"), translator("Change")),
            tuple(lines),
            signed=True,
        )

    def _actions(self) -> Table | None:
        translator, f, found = self._translator, self._f, self._report.actions
        if not found:
            return None
        most = found[0].energy_kwh
        lines = tuple(
            Line(
                self._subject(one),
                (
                    f.quantity(one.energy_kwh, "kWh"),
                    f.quantity(one.gwp_kgco2e, "kg CO2 eq"),
                    f.euros(one.eur),
                ),
                self._why(one),
                one.energy_kwh / most,
            )
            for one in found
        )
        note = translator(
            "Possible savings of this week, at {price} a kWh; climate counts use only. Making a new "
            "device has an impact too: when devices are due for renewal, replace those that use "
            "most electricity first.",
            price=f.euros(self._report.eur_per_kwh),
        )
        headings = (
            translator("Devices"),
            translator("Electricity"),
            translator("Climate"),
            translator("Euros"),
        )
        return Table("actions", translator("Where action saves most"), note, headings, lines)

    def _subject(self, action: Action) -> str:
        category = self._translator(label("category", action.category))
        match action.kind:
            case "left_on" if action.subject:
                return f"{category} · {action.subject.rsplit('/', maxsplit=1)[-1]}"
            case "above_usual" if action.subject:
                return action.subject
            case _:
                return action.name or category

    def _why(self, action: Action) -> str:
        translator = self._translator
        ratio = "" if action.ratio is None else self._f.number(action.ratio, 2)
        why = translator(ACTIONS[action.kind], ratio=ratio)
        return f"{translator.plural('{n} device', '{n} devices', action.devices)}, {why}"

    def _by(self, group_by: str, heading: str, words: str, rows: Sequence[FootprintRow]) -> Table | None:
        if not rows:
            return None
        translator, f = self._translator, self._f
        lines = tuple(
            Line(
                self._group(group_by, bar.row.period if group_by == "period" else bar.key),
                (f.quantity(bar.row.energy_kwh, "kWh"), f.quantity(bar.row.value, bar.row.unit)),
                bar=bar.length,
            )
            for bar in bars(rows, by_value=False)
        )
        return Table(
            group_by, heading, "", (words, translator("Electricity"), translator("Footprint")), lines
        )

    def _group(self, group_by: str, group: str) -> str:
        if group_by == "period":
            return self._f.named_day(group)
        if group_by == "org_unit" and not group.endswith(SMALL):
            return group.rsplit("/", maxsplit=1)[-1]
        return self._translator(label(group_by, group))

    def _stages(self) -> Table:
        translator, f, unit = self._translator, self._f, self._report.total.unit
        lines = tuple(
            Line(
                translator(label("stage", view.key)),
                (
                    translator("no factor") if view.row.value is None else f.quantity(view.row.value, unit),
                    f.percent(view.share),
                ),
                f.interval(view.row.value or 0, view.row.low, view.row.high, unit),
                view.share,
                view.key,  # type: ignore[arg-type]  # stages are the colours' names
            )
            for view in stage_shares(self._report.by_stage)
        )
        return Table(
            "stage",
            translator("By stage of life"),
            translator("Embodied impact accrues day by day over the service life."),
            (translator("Stage of life"), translator("Value, 95 % interval"), translator("Share")),
            lines,
        )

    def _greatest(self) -> Table | None:
        translator, f, found = self._translator, self._f, self._report.greatest
        if not found:
            return None
        most = max(row.value or 0.0 for _, row in found)
        lines = tuple(
            Line(
                named.name,
                (f.quantity(row.energy_kwh, "kWh"), f.quantity(row.value, row.unit)),
                " · ".join((translator(label("category", named.category)), named.org_unit.split("/")[-1])),
                (row.value or 0.0) / most if most else 0.0,
            )
            for named, row in found
        )
        headings = (translator("Device"), translator("Electricity"), translator("Footprint"))
        return Table("device", translator("The ten devices with the greatest footprint"), "", headings, lines)

    def _printing(self) -> Table | None:
        """Paper and toner of the org units that consumed most; other figures exclude them."""
        translator, f, found = self._translator, self._f, self._report.printing
        if not found:
            return None
        lines = tuple(
            Line(
                row.group,
                (
                    f.number(round(row.counted.get("impressions", 0.0)), 6),
                    f.quantity(row.paper.value, row.unit),
                    f.quantity(row.marking.value, row.unit),
                ),
                " · ".join(self._shares(row)),
            )
            for row in sorted(found, key=lambda row: -row.total.value)[:MOST_UNITS]
        )
        headings = (
            translator("Org unit"),
            translator("Impressions"),
            translator("Paper"),
            translator("Toner or ink"),
        )
        note = translator("Paper and toner, not included above")
        return Table("printing", translator("Printing"), note, headings, lines)

    def _shares(self, row: consumables.ConsumablesRow) -> Iterator[str]:
        """Duplex and colour shares, where printers count them."""
        for counter, words in (("duplex", N_("On both sides")), ("colour", N_("In colour"))):
            share = row.share(counter)
            if share is not None:
                yield f"{self._translator(words)} {self._f.percent(share)}".replace(" ", "\u00a0")

    def _closing(self) -> Iterator[tuple[str, str]]:
        report, translator, f = self._report, self._translator, self._f
        known = [translator(
            "There are records for {coverage} of the time that devices were in service; {measured} of the "
            "electricity was measured, the rest modelled.",
            coverage=f.percent(report.total.coverage), measured=f.percent(report.total.measured_share),
        )]  # fmt: skip
        if report.total.grid_tiers:
            tiers = f.tiers(report.total.grid_tiers)
            known.append(translator("Intensity of the electricity: {tiers}", tiers=tiers) + ".")
        if report.market is not None:
            row = report.market
            told = N_("By the suppliers' contracts (market-based): {value} (95 % interval: {range}).")
            limits = f.interval(row.value or 0, row.low, row.high, row.unit)
            known.append(translator(told, value=f.quantity(row.value, row.unit), range=limits))
        if report.virtual:
            known.append(translator.plural(
                "{n} virtual machine counts with the estimated share of a typical host.",
                "{n} virtual machines count with the estimated share of a typical host.", report.virtual,
            ))  # fmt: skip
        yield translator("Quality of these figures"), " ".join(known)
        yield translator("Method"), " ".join((
            translator("Use is the electricity of each quarter hour times the life-cycle intensity of the grid in that quarter hour. Embodied impact is that of the manufacturer's product footprint, else of the components, else of the category, spread over the service life, which begins with the purchase."),  # noqa: E501
            translator("Intervals cover 95 % of the possible values, given the errors of the factors; "
                       "errors shared by many devices do not average out. A figure counts recorded time "
                       "only; an estimate for the time without a record is given beside it."),
        ))  # fmt: skip
        yield translator("Factor set"), f"{self._version} {report.factor_set}".strip()
