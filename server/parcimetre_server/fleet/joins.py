"""Joins that wait for an admin: a device that may be one known before, of another org unit.

Three kinds of them, which nobody but an admin of both org units decides:

- a *machine* enrolled with hardware that is known, without the credential of its device;
- a *server* reports by itself in one org unit, and its BMC is read by a gateway of another;
- a computer shows a *monitor* of another org unit.

Until then the earlier device counts up to its last record, and the later one after it (`counting`); a monitor
stays where it is. Approval merges both from the first slot on: the device is at the later one's unit since
that enrolled. It can be undone, as a refusal can, and every step is in the audit log.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from typing import Literal, get_args

from parcimetre_factors.activity import SLOT_S

from ..base.errors import ParcimetreError
from ..base.i18n import N_
from ..organisation import audit
from ..organisation.merges import MergeHistory
from ..organisation.transfers import Placement, placements, present_place, transfer_facts
from ..store.fact_schema import JoinBody, body_of
from ..store.interface import Store
from ..store.records import DeviceId, Fact
from .merging import merge_facts, unmerge_facts

What = Literal["machine", "server", "monitor"]
State = Literal["waiting", "approved", "refused"]
Step = Literal["approve", "refuse", "undo"]
STEPS: tuple[Step, ...] = get_args(Step)
STATES = {"waiting": N_("waiting"), "approved": N_("approved"), "refused": N_("refused")}


class UnknownJoin(ParcimetreError):
    """An id that no join has, or none that this admin may decide: both are told alike."""

    status = 404
    kind = "unknown-join"


class CannotDecide(ParcimetreError):
    """A step that the join's state does not allow."""

    status = 409
    kind = "cannot-decide"


@dataclass(frozen=True)
class Join:
    """A join of the `later` device with the `earlier` one; times are seconds UTC.

    Of a monitor `earlier` is the monitor and `later` the computer that shows it. `secret` is the id of the
    enrolment secret that the later one came by.
    """

    what: What
    earlier: DeviceId
    later: DeviceId
    secret: str | None
    since: int
    state: State = "waiting"
    decided_at: int | None = None
    transferred_at: int | None = None

    @property
    def id(self) -> str:
        """The id by which it is decided: that of the later device; of a monitor, of both."""
        return f"{self.earlier}.{self.later}" if self.what == "monitor" else self.later


@dataclass(frozen=True)
class ListedJoin:
    """A join with the present org units of both sides."""

    join: Join
    earlier_unit: str
    later_unit: str


def waiting_facts(join: Join, now: int) -> list[Fact]:
    """Return the facts of a new join, and its entry in the audit log."""
    after = {"what": join.what, "earlier": join.earlier, "secret": join.secret}
    return [_fact(join, now), audit.entry("join waits", join.later, now, {}, after)]


def all_joins(store: Store) -> list[Join]:
    """Return every join of devices that still exist, the latest first."""
    found = [_join(fact) for fact in store.latest("join").values()]
    return sorted(found, key=lambda join: (-join.since, join.id))


def waiting(store: Store, lineages: MergeHistory | None = None) -> list[Join]:
    """Return the joins that nobody decided; those merged by hand meanwhile are left out."""
    open_ = [join for join in all_joins(store) if join.state == "waiting"]
    if not open_:
        return []
    merges = lineages or MergeHistory.of(store)
    return [join for join in open_ if join.what == "monitor" or not _is_merged(join, merges)]


def listed(store: Store) -> Iterator[ListedJoin]:
    """Yield every join with the org units of both sides; without those whose devices were deleted."""
    merges = MergeHistory.of(store)
    for join in all_joins(store):
        if join.state == "waiting" and join.what != "monitor" and _is_merged(join, merges):
            continue
        earlier, later = unit_of(store, join.earlier, merges), _own_unit(store, join, merges)
        if earlier is not None and later is not None:
            yield ListedJoin(join, earlier, later)


def find(found: Iterable[ListedJoin], wanted: str) -> Join:
    """Return the join with this id, or the only one whose id begins so. Raises UnknownJoin."""
    fitting = [one.join for one in found if wanted and one.join.id.startswith(wanted)]
    if len(fitting) > 1:
        raise UnknownJoin(f"{wanted!r} matches {len(fitting)} joins: give more characters of the id")
    if not fitting:
        raise UnknownJoin(f"there is no join {wanted!r}: `parcimetre devices joins` lists them")
    return fitting[0]


def decide(store: Store, join: Join, step: Step, now: int) -> Join:
    """Approve or refuse a waiting join, or undo that; return it as it is now.

    Raises CannotDecide, and CannotJoin where a device was merged or deleted meanwhile.
    """
    allowed = ("approved", "refused") if step == "undo" else ("waiting",)
    if join.state not in allowed:
        raise CannotDecide(f"join {join.id} is {join.state}: it cannot be {_PARTICIPLE[step]}")
    match step:
        case "approve":
            decided, facts = _approved(store, join, now)
        case "refuse":
            decided, facts = replace(join, state="refused", decided_at=now), []
        case "undo":
            undone = _separated(store, join, now) if join.state == "approved" else []
            decided, facts = replace(join, state="waiting", decided_at=None, transferred_at=None), undone
    entry = audit.entry(_ACTS[step], join.later, now, {}, {"earlier": join.earlier, "secret": join.secret})
    store.append([*facts, _fact(decided, now), entry])
    return decided


def unit_of(store: Store, device_id: DeviceId, merges: MergeHistory | None = None) -> str | None:
    """Return the present org unit of a device or monitor; None for one that does not exist."""
    fact = _stated(store, device_id, merges)
    if fact is not None:
        return present_place(store, fact).org_unit
    monitor = store.latest_of("monitor", device_id)
    if monitor is None:
        return None
    units = (unit_of(store, DeviceId(key), merges) for key in reversed(monitor.body["machines"]))
    return next((unit for unit in units if unit is not None), None)


def _stated(store: Store, device_id: DeviceId, merges: MergeHistory | None = None) -> Fact | None:
    """Return the fact of a device, or of the one that it was merged into."""
    return store.latest_of("device", (merges or MergeHistory.of(store)).whole(device_id))


def _own_unit(store: Store, join: Join, merges: MergeHistory) -> str | None:
    """Return the unit of the later side: where it enrolled, if it is a part of the earlier one now."""
    if join.state != "approved" or join.what == "monitor":
        return unit_of(store, join.later, merges)
    fact = store.latest_of("device", join.later)
    return None if fact is None else str(fact.body.get("org_unit", ""))


def _is_merged(join: Join, merges: MergeHistory) -> bool:
    return merges.whole(join.later) == merges.whole(join.earlier)


def _approved(store: Store, join: Join, now: int) -> tuple[Join, list[Fact]]:
    decided = replace(join, state="approved", decided_at=now)
    if join.what == "monitor":
        return decided, _shown_by(store, join, now, shown=True)
    kept = MergeHistory.of(store).whole(join.earlier)
    facts = merge_facts(store, kept, join.later, now)
    before, after = _stated(store, kept), store.latest_of("device", join.later)
    assert before is not None, "merge_facts raised for a device without a fact"
    assert after is not None, "merge_facts raised for a device without a fact"
    place, new = present_place(store, before), present_place(store, after)
    facts += _its_monitors(store, join, kept, now)
    if join.what == "server" or (place.org_unit, place.site) == (new.org_unit, new.site):
        return decided, facts
    at = int(after.body["enrolled_at"]) // SLOT_S * SLOT_S
    moved = transfer_facts(kept, place, Placement(new.org_unit, new.site, at), now)
    return replace(decided, transferred_at=at), [*facts, *moved]


def _its_monitors(store: Store, join: Join, kept: DeviceId, now: int) -> list[Fact]:
    """Return the facts that approve the monitors which the later device shows, and the earlier one showed."""
    merges, facts = MergeHistory.of(store), []
    for other in waiting(store, merges):
        if other.what == "monitor" and other.later == join.later:
            monitor = store.latest_of("monitor", other.earlier)
            if monitor is not None and merges.whole(DeviceId(monitor.body["machines"][-1])) == kept:
                facts += _shown_by(store, other, now, shown=True)
                facts.append(_fact(replace(other, state="approved", decided_at=now), now))
    return facts


def _separated(store: Store, join: Join, now: int) -> list[Fact]:
    """Return the facts that undo what approval did; the device is where it was before."""
    if join.what == "monitor":
        return _shown_by(store, join, now, shown=False)
    kept, facts = unmerge_facts(store, join.later, now)
    fact = store.latest_of("device", kept)
    if join.transferred_at is None or fact is None:
        return facts
    at = join.transferred_at
    places = placements(str(fact.body["org_unit"]), str(fact.body["site"]), store.history("transfer", kept))
    before = next((place for place in places if place.last == at), places[0])
    moved = next((place for place in places if place.first == at), places[-1])
    return [*facts, *transfer_facts(kept, moved, Placement(before.org_unit, before.site, at), now)]


def _shown_by(store: Store, join: Join, now: int, shown: bool) -> list[Fact]:
    """Return the facts that a monitor was shown by a computer of another org unit, or was not."""
    monitor = store.latest_of("monitor", join.earlier)
    if monitor is None:
        raise UnknownJoin(f"monitor {join.earlier} was deleted: there is nothing to join")
    others = [key for key in monitor.body["machines"] if key != join.later]
    machines = [*others, join.later] if shown else others
    return [Fact("monitor", monitor.key, now, {**monitor.body, "machines": machines})]


def _fact(join: Join, now: int) -> Fact:
    return Fact("join", join.id, now, asdict(join))


def _join(fact: Fact) -> Join:
    return Join(**body_of(fact, JoinBody))  # type: ignore[arg-type]  # what was stored is of these values


_ACTS: dict[Step, audit.Act] = {
    "approve": "join approved", "refuse": "join refused", "undo": "join undone"
}  # fmt: skip
_PARTICIPLE: dict[Step, str] = {"approve": "approved", "refuse": "refused", "undo": "undone"}
