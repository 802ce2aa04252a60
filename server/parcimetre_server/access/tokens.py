"""Access tokens: bound to a role and an org unit, stored as a hash, shown once."""

from __future__ import annotations

import contextlib
import hashlib
import math
import secrets
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from ..base.errors import ParcimetreError
from ..base.i18n import N_
from ..base.names import name_fault
from ..base.org_path import clean_path, within
from ..base.scope import Role, Scope
from ..organisation import audit
from ..organisation.org import units
from ..store.interface import Store
from ..store.records import Fact
from .context import Context

PREFIX = "pt_"
ID_LENGTH = 10
HIDDEN = ("id", "hash")  # of the audit log
REFRESH_S = 3.0
DAY_S = 86_400
MOST_CHARACTERS = 100
ASK_FOR_ANOTHER = "ask an admin for another one, created with `parcimetre token create`"


class BadToken(ParcimetreError):
    """A token that does not let anyone in."""

    status = 401
    kind = "bad-token"

    @property
    def headers(self) -> dict[str, str]:
        """The authentication scheme to use."""
        return {"WWW-Authenticate": 'Bearer error="invalid_token"'}


class UnknownToken(ParcimetreError):
    """No token of that id."""

    status = 404
    kind = "unknown-token"


class BadTokenName(ParcimetreError):
    """A name or org unit that a token cannot have."""


@dataclass(frozen=True)
class Token:
    """A stored token; times are seconds UTC, and no org unit means the whole organisation."""

    id: str
    hash: str
    name: str
    role: Role
    org_unit: str | None
    created_at: int
    expires_at: int | None = None
    revoked_at: int | None = None

    @property
    def scope(self) -> Scope:
        """The scope that it gives access to."""
        return Scope(self.org_unit, self.role)

    def state(self, now: int) -> str:
        """Return whether it is valid, revoked or expired at `now`, seconds UTC."""
        if self.revoked_at is not None:
            return N_("revoked")
        expired = self.expires_at is not None and self.expires_at <= now
        return N_("expired") if expired else N_("valid")


def create_token(
    context: Context, name: str, role: Role, org_unit: str | None, expires_at: int | None = None
) -> tuple[Token, str]:
    """Create a token for an org unit or everything; return it and its text. Raises BadTokenName."""
    name, store, now = name.strip(), context.store, context.now()
    fault = name_fault(name, MOST_CHARACTERS)
    if fault:
        raise BadTokenName(
            f"{name[:MOST_CHARACTERS]!r} is not a valid name of a token: {fault}. Give the person or program "
            "that uses it."
        )
    if org_unit is not None:
        org_unit = clean_path(org_unit)
        _check_unit(store, org_unit)
    text = PREFIX + secrets.token_urlsafe(24)
    digest = _hash(text)
    token = Token(digest[:ID_LENGTH], digest, name, role, org_unit, now, expires_at)
    _store_token(
        store, token, now, audit.entry("token created", token.id, now, after=vars(token), hidden=HIDDEN)
    )
    return token, text


def _check_unit(store: Store, org_unit: str) -> None:
    """Raise BadTokenName for a unit that does not exist: its token would give access to nothing."""
    of_devices = (str(fact.body.get("org_unit")) for fact in store.latest("device").values())
    if not any(within(path, org_unit) for path in (*units(store), *of_devices)):
        raise BadTokenName(f"there is no org unit {org_unit!r}; create it with `parcimetre org create`")


def all_tokens(store: Store) -> list[Token]:
    """Return every token, oldest first."""
    return sorted(map(_token, store.latest("token").values()), key=lambda token: token.created_at)


def last_use_days(store: Store) -> dict[str, int]:
    """Return the last day on which each token was used, its midnight in seconds UTC, by the token's id."""
    return {key: int(fact.body["day"]) for key, fact in store.latest("token_use").items()}


def revoke_token(context: Context, token_id: str) -> Token:
    """End the validity of a token within seconds. Raises UnknownToken."""
    fact = context.store.latest_of("token", token_id)
    if fact is None:
        raise UnknownToken(f"no token {token_id!r}: `parcimetre token list` shows them")
    token = _token(fact)
    if token.revoked_at is None:
        before, now = token, context.now()
        token = replace(token, revoked_at=now)
        entry = audit.entry("token revoked", token.id, now, vars(before), vars(token), hidden=HIDDEN)
        _store_token(context.store, token, now, entry)
    return token


class Tokens:
    """Recognises tokens. What other processes create or revoke is seen within `refresh_s` seconds."""

    def __init__(self, context: Context, refresh_s: float = REFRESH_S) -> None:
        """Read tokens when the first one is shown."""
        self.refresh_s = refresh_s
        self._context = context
        self._lock = threading.Lock()
        self._known: Mapping[str, Token] = {}
        self._used: dict[str, int] = {}
        self._refreshed_at = -math.inf

    def of_text(self, text: str, has_failed: bool = False) -> Token:
        """Return the valid token with that text. Raises BadToken with the reason and the fix.

        For an address that `has_failed` often, a shared store is not asked for a token that is not known.
        """
        digest = _hash(text)
        token = self._all().get(digest[:ID_LENGTH])
        if token is None and not (has_failed and self._context.store.shared):
            token = self._new(digest[:ID_LENGTH])
        if token is None or not secrets.compare_digest(token.hash, digest):
            raise BadToken(f"this token is unknown: check it, or {ASK_FOR_ANOTHER}")
        return self._valid(token)

    def of_id(self, token_id: str) -> Token:
        """Return the valid token with that id, for a session begun with its text. Raises BadToken."""
        token = self._all().get(token_id) or self._new(token_id)
        if token is None:
            raise BadToken(f"the token of this session is unknown: {ASK_FOR_ANOTHER}")
        return self._valid(token)

    def _valid(self, token: Token) -> Token:
        now = self._context.now()
        if token.state(now) != "valid":
            raise BadToken(f"token {token.id} ({token.name}) is {token.state(now)}: {ASK_FOR_ANOTHER}")
        self._store_use(token, now // DAY_S * DAY_S)
        return token

    def _all(self) -> Mapping[str, Token]:
        with self._lock:
            if time.monotonic() - self._refreshed_at >= self.refresh_s:
                self._known = {token.id: token for token in all_tokens(self._context.store)}
                self._refreshed_at = time.monotonic()
            return self._known

    def _new(self, token_id: str) -> Token | None:
        """Return a token that was created since the last refresh."""
        fact = self._context.store.latest_of("token", token_id)
        return None if fact is None else _token(fact)

    def _store_use(self, token: Token, day: int) -> None:
        """Store the day, once a day: in a fact of its own, so that it never undoes a revocation."""
        with self._lock:
            if self._used.get(token.id) == day:
                return
            self._used[token.id] = day
        store, now = self._context.store, self._context.now()
        with contextlib.suppress(ParcimetreError):  # a full disk shall not keep readers out
            fact = store.latest_of("token_use", token.id)
            if fact is None or fact.body["day"] < day:
                store.append([Fact("token_use", token.id, now, {"day": day})])


def iso_day(at: int | None) -> str | None:
    """Return the day of a time, UTC, as YYYY-MM-DD."""
    return None if at is None else datetime.fromtimestamp(at, UTC).date().isoformat()


def _hash(text: str) -> str:
    return hashlib.sha256(text.strip().encode()).hexdigest()


def _token(fact: Fact) -> Token:
    return Token(**fact.body)


def _store_token(store: Store, token: Token, now: int, entry: Fact) -> None:
    store.append([Fact("token", token.id, now, vars(token)), entry])
