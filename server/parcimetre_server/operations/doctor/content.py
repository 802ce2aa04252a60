"""Check the store's content: secrets, grid feeds, reports, dead letters, factors."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime

from parcimetre_factors.tables.factor_set import FactorSet

from ...access.context import Context
from ...analysis.left_out import all_left_out, with_items_left_out
from ...base.periods import DAY_S, week_span
from ...fleet.enrolment import all_secrets
from ...fleet.joins import waiting
from ...fleet.secret_devices import devices_by_secret, is_beyond_plan
from ...ingest.device_limits import PLAUSIBLE
from ...organisation.org import sites
from ...reports.deliveries import deliveries
from ...reports.publishing import due_week
from ...reports.stored import WHOLE_TARGET, key_of
from ...store.interface import Store
from . import Finding, ok, warning

SOON_S = 30 * DAY_S
RECENT_S = 7 * DAY_S
OLD_DAYS = 550
MOST_NAMED = 20
LEFT_OUT_FIX = "see docs/en/operate.md#left-out-devices"


def findings(context: Context) -> Iterator[Finding]:
    """Yield findings about an open store."""
    store, now = context.store, context.now()
    yield _factors(context.factors, now)
    yield from _secrets(store, now)
    yield _joins(store)
    yield from _feeds(store, now)
    yield _weekly(context, now)
    yield from _dead_letters(store, now)
    yield from _left_out(context)


def _left_out(context: Context) -> Iterator[Finding]:
    """Yield devices that figures leave out, and those of whose inventory items are not used."""
    left_out = all_left_out(context)
    for one in left_out[:MOST_NAMED]:
        yield warning("left-out device", f"{one.device}: {one.reason}", LEFT_OUT_FIX)
    if len(left_out) > MOST_NAMED:
        yield warning("left-out device", f"and {len(left_out) - MOST_NAMED} more", LEFT_OUT_FIX)
    items = list(with_items_left_out(context))
    if items:
        device, reasons = items[0]
        told = f"items of {len(items)} inventories are not used, first: {device}, {reasons[0]}"
        yield warning("inventories", told, "update the agent; its next inventory replaces the stored one")
    if not left_out and not items:
        yield ok("left-out devices", "none")


def _factors(factors: FactorSet, now: int) -> Finding:
    told = factors.name if factors.version else f"{factors.id}, with tables of your own"
    year, _, month = factors.version.partition(".")
    if year.isdigit() and month.isdigit():
        age = (datetime.fromtimestamp(now, UTC).date() - date(int(year), int(month), 1)).days
        if age > OLD_DAYS:
            mend = "upgrade Parcimètre: factors of electricity change each year"
            return warning("factor set", f"{told}, {age} days old", mend)
    return ok("factor set", told)


def _secrets(store: Store, now: int) -> Iterator[Finding]:
    valid = [secret for secret in all_secrets(store) if secret.state(now) == "valid"]
    mend = "parcimetre enrolment-secret create"
    if not valid:
        yield warning("enrolment secrets", "no valid secret: no machine can enrol", mend)
        return
    ending = [one for one in valid if one.expires_at is not None and one.expires_at < now + SOON_S]
    for one in ending:
        day = datetime.fromtimestamp(one.expires_at or 0, UTC).date()
        yield warning("enrolment secrets", f"{one.id} of {one.org_unit} expires on {day}", mend)
    count = devices_by_secret(store)
    for one in valid:
        if is_beyond_plan(one, count.get(one.id, 0)):
            told = (
                f"{one.id} of {one.org_unit} has enrolled {count[one.id]} devices, {one.planned} were planned"
            )
            yield warning("enrolment secrets", told, f"parcimetre enrolment-secret devices {one.id}")
    yield ok("enrolment secrets", f"{len(valid)} valid")


def _joins(store: Store) -> Finding:
    count = len(waiting(store))
    if count:
        told = f"{count} devices wait to be joined with one known before, or not"
        return warning("joins", told, "parcimetre devices joins, or the page Administration")
    return ok("joins", "no device waits")


def _feeds(store: Store, now: int) -> Iterator[Finding]:
    imported: dict[str, int] = {}
    for key, fact in store.latest("grid").items():
        zone = key.rpartition("/")[0]
        imported[zone] = max(imported.get(zone, 0), fact.recorded_at)
    for zone, at in sorted(imported.items()):
        told = f"zone {zone}: last import {datetime.fromtimestamp(at, UTC).date()}"
        if at < now - RECENT_S:
            yield warning(
                "grid feed", told, f"parcimetre grid import {zone} FILE; profiles are used until then"
            )
        else:
            yield ok("grid feed", told)
    without = sorted({site.zone for site in sites(store).values()} - set(imported))
    if without:
        yield ok("grid feed", f"none for {', '.join(without)}: profiles are used")


def _weekly(context: Context, now: int) -> Finding:
    zone = context.zone
    week = due_week(now, zone)
    served = any(first < week_span(week, zone).last for first, _ in context.store.spans().values())
    if not served:
        return ok("weekly report", f"{week}: no device was in service yet")
    if context.store.latest_of("report", key_of(week, WHOLE_TARGET)) is None:
        mend = "reports are published when the collector starts and each Monday at 7: see its log"
        return warning("weekly report", f"the report of {week} is not published", mend)
    held_up = [one for one in deliveries(context.store) if one.week == week and one.state != "sent"]
    if held_up:
        told = f"{week}: {len(held_up)} not delivered, first: {held_up[0].reason}"
        return warning("weekly report", told, "parcimetre report list")
    return ok("weekly report", f"{week}: published")


def _dead_letters(store: Store, now: int) -> Iterator[Finding]:
    recent = [fact for fact in store.history("dead_letter") if fact.recorded_at > now - DAY_S]
    implausible = [fact for fact in recent if PLAUSIBLE in str(fact.body.get("reason"))]
    if implausible:
        devices = sorted({str(fact.body.get("device")) for fact in implausible})
        told = f"{len(implausible)} in the last 24 hours, of {len(devices)} devices, first: {devices[0]}"
        mend = "see docs/en/method.md#plausible-energy; parcimetre dead-letters list"
        yield warning("implausible energy", told, mend)
    if recent:
        mend = 'parcimetre sql "select * from dead_letters order by recorded_at desc limit 20"'
        yield warning("refused records", f"{len(recent)} in the last 24 hours", mend)
    else:
        yield ok("refused records", "none in the last 24 hours")
