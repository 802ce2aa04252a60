"""Deliveries of published reports: each to every recipient once, with retries of those that failed."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from email.message import Message
from typing import Any, Literal

from ..access.context import Context
from ..access.served_settings import with_served_settings
from ..base.i18n import LANGUAGES, N_
from ..base.periods import DAY_S, HOUR_S
from ..store.interface import Store
from ..store.records import Fact
from .channels import DeliveryFailed, post_to_webhook, send_mail, write_to_folder
from .formats import render_all
from .message import build_message, delivery_name, page_address
from .revision_index import IndexedRevision, latest_revisions
from .schedules import Channel, Schedule, schedules
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
    """The state of a revision's delivery to a recipient after a number of `attempts`.

    `next_at` is the time of the next attempt, `reason` why the last one failed. Times are seconds UTC.
    """

    key: str
    week: str
    org_unit: str | None
    role: str
    edition: int
    schedule: str
    way: Channel
    to: str
    state: State
    attempts: int
    at: int
    next_at: int | None = None
    reason: str = ""


def deliveries(store: Store, since: int = 0) -> list[Delivery]:
    """Return the deliveries attempted since a time (seconds UTC), the latest first."""
    attempted = (Delivery(**fact.body) for fact in store.latest("delivery", since).values())
    return sorted(attempted, key=lambda one: (one.week, one.at, one.key), reverse=True)


def make_due_deliveries(context: Context) -> list[Delivery]:
    """Attempt every due delivery, each on its own; return them. A failure does not delay the others."""
    attempted = []
    publication: Publication | None = None
    for revision, to, before in due_deliveries(context):
        if publication is None or publication.key != revision.key:
            publication = of_key(context.store, revision.key)
        if publication is None or publication.revision != revision.number:
            continue
        after = _attempt(context, publication, to, before)
        _store(context.store, after)
        if after.state != "sent":
            LOG.warning("weekly report %s by %s %s: %s", after.week, after.way, after.schedule, after.reason)
        attempted.append(after)
    return attempted


def due_deliveries(context: Context) -> Iterator[tuple[IndexedRevision, Schedule, Delivery | None]]:
    """Return the latest revisions due for a recipient, each with the attempt before, if any.

    It reads no report, since it runs every minute.
    """
    now = context.now()
    known = {one.key: one for one in deliveries(context.store, now - OPEN_S)}
    wanted: defaultdict[Target, list[Schedule]] = defaultdict(list)
    for schedule in (*built_in_schedules(context), *schedules(context.store)):
        wanted[schedule.org_unit, schedule.role].append(schedule)
    for revision in latest_revisions(context.store, now - OPEN_S):
        for to in wanted[revision.target]:
            before = known.get(key_of(revision.key, revision.number, to))
            waits = before is None or (before.next_at is not None and before.next_at <= now)
            if to.created_at <= revision.published_at and waits:
                yield revision, to, before


def built_in_schedules(context: Context) -> Iterator[Schedule]:
    """Return the schedules that store the whole organisation's reports in the data folder, one a language."""
    folder = str(context.settings.data_dir / "reports")
    unit, role = WHOLE_TARGET
    for language in LANGUAGES:
        yield Schedule(f"kept-{language}", unit, role, "folder", folder, language, ("html",), 0)


def key_of(report: str, revision: int, to: Schedule) -> str:
    """Return the key of a delivery: the report's key (week, role, unit), revision and recipient."""
    return f"{report}|{revision}|{to.id}"


def _attempt(context: Context, publication: Publication, to: Schedule, before: Delivery | None) -> Delivery:
    """Attempt a delivery once; return its new state."""
    attempts, now = (before.attempts if before else 0) + 1, context.now()
    unit, role = publication.target
    key = key_of(publication.key, publication.revision, to)
    sent = Delivery(key, publication.report.week, unit, role, publication.revision, to.id, to.way, to.to,
                    "sent", attempts, now)  # fmt: skip
    try:
        _send(context, publication, to, sent.key)
    except DeliveryFailed as error:
        return _failed(sent, str(error), error.final)
    except Exception as error:  # a fault of one delivery must not stop the others
        LOG.exception(
            "delivery of report %s by %s %s failed unexpectedly", sent.week, sent.way, sent.schedule
        )
        return _failed(sent, f"internal error ({type(error).__name__}): see the collector's log", False)
    return sent


def _failed(sent: Delivery, reason: str, final: bool) -> Delivery:
    """Return the state after a failed attempt."""
    if final:
        return replace(sent, state="refused", reason=reason)
    if sent.attempts > len(BACK_OFF_S):
        return replace(sent, state="given_up", reason=reason)
    return replace(sent, state="waiting", reason=reason, next_at=sent.at + BACK_OFF_S[sent.attempts - 1])


def _send(context: Context, publication: Publication, to: Schedule, key: str) -> None:
    """Render a published report and send it. Raises DeliveryFailed."""
    then = replace(context, settings=with_served_settings(context.settings, publication.served))
    files = render_all(publication.report, then, to.language, to.formats)
    match to.way:
        case "mail":
            mail = context.settings.mail
            text = report_text(publication.report, then, to.language)
            sender = mail.sender if mail else ""
            restated = publication.report.restated is not None
            page = page_address(context.settings.public_url, publication.report.week, publication.target[0])
            at = publication.published_at
            send_mail(build_message(text, files, sender, to.to, key, at, restated, page), mail)
        case "folder":
            write_to_folder(files, to.to)
        case "webhook":
            post_to_webhook(files, to.to, key)


def record_bounces(context: Context, notice: Message) -> list[Delivery]:
    """Store and return the deliveries that a delivery status notification (RFC 3464) reports as failed."""
    names, reasons = _message_names(notice), _failures(notice)
    if not names or not reasons:
        return []
    failed = []
    for one in deliveries(context.store):
        if one.way == "mail" and one.state == "sent" and delivery_name(one.key) in names:
            after = replace(one, state="bounced", at=context.now(), reason="; ".join(reasons)[:300])
            _store(context.store, after)
            failed.append(after)
    return failed


def _message_names(notice: Message) -> set[str]:
    """Names of the messages in a notification, from their Message-ID headers."""
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
    """Reasons of failed recipients, without those of delayed ones."""
    reasons = []
    for part in notice.walk():
        if part["Action"] and part["Action"].strip().lower() == "failed":
            reasons.append(str(part["Diagnostic-Code"] or part["Status"] or "failed").strip())
    return reasons


def _store(store: Store, delivery: Delivery) -> None:
    store.append([Fact("delivery", delivery.key, delivery.at, asdict(delivery))])


def as_json(publication: Publication, sent: Iterable[Delivery] | None) -> dict[str, Any]:
    """Return a publication as JSON, with its deliveries where the reader may see them."""
    report = publication.report
    document: dict[str, Any] = {
        "week": report.week,
        "org_unit": report.org_unit,
        "role": publication.role,
        "edition": publication.revision,
        "state": report.state,
        "published_at": publication.published_at,
        "devices": report.devices,
        "value": report.total.value,
        "unit": report.total.unit,
        "factor_set": report.factor_set,
        "restated": None if report.restated is None else asdict(report.restated),
    }
    if sent is None:
        return document
    return document | {"deliveries": [_delivery_json(delivery, publication) for delivery in sent]}


def _delivery_json(delivery: Delivery, publication: Publication) -> dict[str, Any]:
    """A delivery as JSON, with its shown state."""
    return asdict(delivery) | {"state": state_of(delivery, publication)}


def state_of(delivery: Delivery, publication: Publication) -> str:
    """Return the shown state of a delivery: one waiting while there is a later revision is superseded."""
    waits = delivery.state == "waiting" and delivery.edition < publication.revision
    return "superseded" if waits else delivery.state


def list_publications(store: Store, with_deliveries: bool, week: str | None = None) -> list[dict[str, Any]]:
    """Return published reports as JSON, the latest first, or those of a week."""
    published = publications(store) if week is None else of_week(store, week)
    by_report: defaultdict[str, list[Delivery]] = defaultdict(list)
    for one in deliveries(store) if with_deliveries else ():
        by_report[one.key.rpartition("|")[0].rpartition("|")[0]].append(one)
    return [as_json(one, by_report[one.key] if with_deliveries else None) for one in published]
