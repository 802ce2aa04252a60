"""Every published report to each of its recipients, once; what was refused is seen, and tried again."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from email.message import Message
from typing import Any, Literal

from ..access.context import Context
from ..access.served_settings import like
from ..base.i18n import LANGUAGES, N_
from ..base.periods import DAY_S, HOUR_S
from ..store.interface import Store
from ..store.records import Fact
from .channels import NotTaken, by_mail, into_folder, to_webhook
from .editions import Edition, editions
from .formats import all_rendered
from .message import message, name_of
from .schedules import Schedule, Way, schedules
from .stored import WHOLE_TARGET, Publication, Target, of_key, of_week, publications
from .wording import report_text

State = Literal["sent", "waiting", "refused", "given_up", "bounced"]
STATE_TITLES: dict[str, str] = {
    "sent": N_("sent"),
    "waiting": N_("not accepted yet, will be tried again"),
    "refused": N_("refused"),
    "given_up": N_("given up"),
    "bounced": N_("bounced"),
    "superseded": N_("not sent: replaced by a later revision"),
}
BACK_OFF_S = (300, 900, HOUR_S, 4 * HOUR_S, 12 * HOUR_S, DAY_S, DAY_S)
OPEN_S = 35 * DAY_S
LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class Delivery:
    """What became of an edition on its way to a recipient, after so many `attempts`.

    `next_at` is when it is tried again, `reason` why it was not taken. Times are seconds UTC.
    """

    key: str
    week: str
    org_unit: str | None
    role: str
    edition: int
    schedule: str
    way: Way
    to: str
    state: State
    attempts: int
    at: int
    next_at: int | None = None
    reason: str = ""


def deliveries(store: Store, since: int = 0) -> list[Delivery]:
    """What became of every delivery that was tried since, the latest first."""
    found = (Delivery(**fact.body) for fact in store.latest("delivery", since).values())
    return sorted(found, key=lambda one: (one.week, one.at, one.key), reverse=True)


def deliver(context: Context) -> list[Delivery]:
    """Make every delivery that is due, each on its own: one that fails holds up no other."""
    made = []
    found: Publication | None = None
    for edition, to, before in due(context):
        if found is None or found.key != edition.key:
            found = of_key(context.store, edition.key)
        if found is None or found.edition != edition.number:
            continue
        after = _attempt(context, found, to, before)
        _keep(context.store, after)
        if after.state != "sent":
            LOG.warning("weekly report %s by %s %s: %s", after.week, after.way, after.schedule, after.reason)
        made.append(after)
    return made


def due(context: Context) -> Iterator[tuple[Edition, Schedule, Delivery | None]]:
    """The latest editions that a recipient has not got and that are due, with the attempt before if any.

    No report is read for it: this is asked each minute.
    """
    now = context.now()
    known = {one.key: one for one in deliveries(context.store, now - OPEN_S)}
    wanted: defaultdict[Target, list[Schedule]] = defaultdict(list)
    for one in (*built_in(context), *schedules(context.store)):
        wanted[one.org_unit, one.role].append(one)
    for found in editions(context.store, now - OPEN_S):
        for to in wanted[found.target]:
            before = known.get(key_of(found.key, found.number, to))
            waits = before is None or (before.next_at is not None and before.next_at <= now)
            if to.created_at <= found.published_at and waits:
                yield found, to, before


def built_in(context: Context) -> Iterator[Schedule]:
    """The reports of everything, which are kept in the data folder in each language."""
    folder = str(context.settings.data_dir / "reports")
    unit, role = WHOLE_TARGET
    for language in LANGUAGES:
        yield Schedule(f"kept-{language}", unit, role, "folder", folder, language, ("html",), 0)


def key_of(report: str, edition: int, to: Schedule) -> str:
    """What names a delivery: the report's key (week, role, unit), edition and recipient."""
    return f"{report}|{edition}|{to.id}"


def _attempt(context: Context, found: Publication, to: Schedule, before: Delivery | None) -> Delivery:
    """Try a delivery once."""
    attempts, now = (before.attempts if before else 0) + 1, context.now()
    unit, role = found.target
    key = key_of(found.key, found.edition, to)
    made = Delivery(key, found.report.week, unit, role, found.edition, to.id, to.way, to.to, "sent", attempts,
                    now)  # fmt: skip
    try:
        _send(context, found, to, made.key)
    except NotTaken as error:
        if error.final:
            return replace(made, state="refused", reason=str(error))
        if attempts > len(BACK_OFF_S):
            return replace(made, state="given_up", reason=str(error))
        return replace(made, state="waiting", reason=str(error), next_at=now + BACK_OFF_S[attempts - 1])
    return made


def _send(context: Context, found: Publication, to: Schedule, key: str) -> None:
    """Render what was published and hand it over. Raises NotTaken."""
    then = replace(context, settings=like(context.settings, found.served))
    files = all_rendered(found.report, then, to.language, to.formats)
    match to.way:
        case "mail":
            mail = context.settings.mail
            told = report_text(found.report, then, to.language)
            sender = mail.sender if mail else ""
            restated = found.report.restated is not None
            by_mail(message(told, files, sender, to.to, key, found.published_at, restated), mail)
        case "folder":
            into_folder(files, to.to)
        case "webhook":
            to_webhook(files, to.to, key)


def bounced(context: Context, notice: Message) -> list[Delivery]:
    """Note what a delivery status notification (RFC 3464) says was not delivered after all."""
    names, reasons = _named(notice), _failures(notice)
    if not names or not reasons:
        return []
    made = []
    for one in deliveries(context.store):
        if one.way == "mail" and one.state == "sent" and name_of(one.key) in names:
            after = replace(one, state="bounced", at=context.now(), reason="; ".join(reasons)[:300])
            _keep(context.store, after)
            made.append(after)
    return made


def _named(notice: Message) -> set[str]:
    """Names of the messages that a notification returns, whole or their heads."""
    ids = []
    for part in notice.walk():
        if part.get_content_type() == "text/rfc822-headers":
            for line in str(part.get_payload(decode=False)).splitlines():
                if line.lower().startswith("message-id:"):
                    ids.append(line.partition(":")[2])
        elif part is not notice and part["Message-ID"]:
            ids.append(str(part["Message-ID"]))
    return {one.strip().strip("<>").partition("@")[0] for one in ids}


def _failures(notice: Message) -> list[str]:
    """Why recipients did not get it; nothing of those who will, later."""
    found = []
    for part in notice.walk():
        if part["Action"] and part["Action"].strip().lower() == "failed":
            found.append(str(part["Diagnostic-Code"] or part["Status"] or "failed").strip())
    return found


def _keep(store: Store, made: Delivery) -> None:
    store.append([Fact("delivery", made.key, made.at, asdict(made))])


def as_json(found: Publication, sent: Iterable[Delivery] | None) -> dict[str, Any]:
    """A publication for machines, with its deliveries where the reader may see them."""
    report = found.report
    told: dict[str, Any] = {
        "week": report.week,
        "org_unit": report.org_unit,
        "role": found.role,
        "edition": found.edition,
        "state": report.state,
        "published_at": found.published_at,
        "devices": report.devices,
        "value": report.total.value,
        "unit": report.total.unit,
        "factor_set": report.factor_set,
        "restated": None if report.restated is None else asdict(report.restated),
    }
    return told if sent is None else told | {"deliveries": [_told(one, found) for one in sent]}


def _told(one: Delivery, found: Publication) -> dict[str, Any]:
    """A delivery with its state; one that waits while there is a later edition is not made any more."""
    return asdict(one) | {"state": state_of(one, found)}


def state_of(one: Delivery, found: Publication) -> str:
    """What became of a delivery, as it is shown."""
    return "superseded" if one.state == "waiting" and one.edition < found.edition else one.state


def listed(store: Store, with_deliveries: bool, week: str | None = None) -> list[dict[str, Any]]:
    """Published reports for machines, the latest first, or those of a week."""
    found = publications(store) if week is None else of_week(store, week)
    by_report: defaultdict[str, list[Delivery]] = defaultdict(list)
    for one in deliveries(store) if with_deliveries else ():
        by_report[one.key.rpartition("|")[0].rpartition("|")[0]].append(one)
    return [as_json(one, by_report[one.key] if with_deliveries else None) for one in found]
