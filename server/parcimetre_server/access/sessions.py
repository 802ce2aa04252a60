"""Sessions of people on pages: cookies signed with a key of their own; the store lists ended sessions."""

from __future__ import annotations

import hashlib
import hmac
import math
import secrets
import threading
import time
from collections.abc import Mapping
from typing import Any, Literal

from itsdangerous import BadSignature, URLSafeTimedSerializer
from starlette.requests import HTTPConnection
from starlette.responses import Response

from ..base.scope import Scope
from ..organisation import audit
from .context import Context
from .ended_sessions import EndedSessions
from .key_files import KeyFile
from .reader import Reader
from .tokens import BadToken, Tokens

SESSION_KEY = KeyFile("session.key", "session_key", "let people log in again")
COOKIE = "parcimetre_session"
LIFETIME_S = 12 * 3600
FLOW_COOKIE = "parcimetre_login"
FLOW_LIFETIME_S = 600
REFRESH_S = 3.0
Kind = Literal["session", "login-flow", "filters", "form"]
PLACES: Mapping[Kind, tuple[str, int]] = {
    "session": (COOKIE, LIFETIME_S),
    "login-flow": (FLOW_COOKIE, FLOW_LIFETIME_S),
    "filters": ("parcimetre_filters", 365 * 86_400),
}


class Sessions:
    """Opens, recognises and ends sessions, and signs cookies, each kind for its own purpose.

    A new key and sessions ended by other processes are seen within `refresh_s` seconds.
    """

    def __init__(self, context: Context, tokens: Tokens, refresh_s: float = REFRESH_S) -> None:
        """Read the key at the first use, so that a collector without one still serves agents."""
        self._context, self._tokens = context, tokens
        self._login = context.settings.login
        self._ended = EndedSessions(context, refresh_s)
        self._lock = threading.Lock()
        self._present = b""
        self._refresh_s, self._refreshed_at = refresh_s, -math.inf

    def open(self, answer: Response, request: HTTPConnection, about: Mapping[str, Any], scope: Scope) -> None:
        """Begin a session of a token (`token`) or of a person (`group`, `name`) that has a scope by it."""
        session = {
            **about,
            "id": secrets.token_urlsafe(12),
            "opened_at": self._context.now(),
            "scope": _mark(scope),
        }
        self.set(answer, request, "session", session)

    def reader(self, cookie: str | None) -> Reader | None:
        """Return the reader of a session's cookie.

        None if it is forged, expired, ended, or opened by a token or group that is no more, or that had
        another role or org unit then. Raises KeyUnusable.
        """
        about = self.read("session", cookie, LIFETIME_S)
        if about is None or self._is_over(about):
            return None
        reader = self._of_token(about) if "token" in about else self._of_group(about)
        return reader if reader is not None and _mark(reader.scope) == about["scope"] else None

    def end(self, request: HTTPConnection) -> dict[str, Any]:
        """End the session of a request on the server; return its content, empty if there is none.

        Raises what the store raises, where the end could not be stored.
        """
        about = self.content_of(request, "session")
        if about is None or self._is_over(about):
            return {}
        self._ended.end(about["id"], self._holder(about), about["opened_at"] + LIFETIME_S)
        return about

    def _is_over(self, about: Mapping[str, Any]) -> bool:
        opened_at = int(about["opened_at"])
        return self._context.now() >= opened_at + LIFETIME_S or self._ended.has(
            str(about["id"]), self._holder(about), opened_at
        )

    def _holder(self, about: Mapping[str, Any]) -> str:
        """Return a pseudonym of whom a session belongs to: names of people are not stored."""
        whose = "\n".join(str(about.get(name)) for name in ("token", "group", "name"))
        return hmac.new(self._key(), whose.encode(), hashlib.sha256).hexdigest()[:32]

    def _of_token(self, about: Mapping[str, Any]) -> Reader | None:
        try:
            token = self._tokens.of_id(str(about["token"]))
        except BadToken:
            return None
        return Reader(token.scope, token.name, "token")

    def _of_group(self, about: Mapping[str, Any]) -> Reader | None:
        scope = self._login.groups.get(str(about.get("group"))) if self._login else None
        return None if scope is None else Reader(scope, str(about.get("name", "")), "login")

    def read(self, kind: Kind, cookie: str | None, lifetime_s: int) -> dict[str, Any] | None:
        """Return the content of a cookie of a kind, None if it is not ours or too old. Raises KeyUnusable."""
        try:
            content = self._serializer(kind).loads(cookie or "", max_age=lifetime_s)
        except BadSignature:
            return None
        return content if isinstance(content, dict) else None

    def set(self, answer: Response, request: HTTPConnection, kind: Kind, about: Mapping[str, Any]) -> None:
        """Put a cookie on an answer; scripts and other sites' forms do not get it."""
        name, lifetime_s = PLACES[kind]
        answer.set_cookie(
            name,
            str(self._serializer(kind).dumps(dict(about))),
            max_age=lifetime_s,
            httponly=True,
            samesite="lax",
            secure=self._is_https(request),
        )

    def drop(self, answer: Response, kind: Kind) -> None:
        """Delete a cookie."""
        answer.delete_cookie(PLACES[kind][0], httponly=True, samesite="lax")

    def content_of(self, request: HTTPConnection, kind: Kind) -> dict[str, Any] | None:
        """Return the content of the browser's cookie of a kind, None if it has none of ours."""
        name, lifetime_s = PLACES[kind]
        return self.read(kind, request.cookies.get(name), lifetime_s)

    def form_key(self, request: HTTPConnection) -> str:
        """Return the key of a form, so that only pages of this session can send it."""
        return str(self._serializer("form").dumps({"of": _session_digest(request)}))

    def is_own_form(self, request: HTTPConnection, key: str) -> bool:
        """Return whether a form comes from a page of the same session that is not too old."""
        about = self.read("form", key, LIFETIME_S)
        return about is not None and about.get("of") == _session_digest(request)

    def _key(self) -> bytes:
        """Return the key in force. Raises KeyUnusable."""
        with self._lock:
            if time.monotonic() - self._refreshed_at >= self._refresh_s:
                self._present = SESSION_KEY.in_force(self._context.store, self._context.settings.data_dir)
                self._refreshed_at = time.monotonic()
            return self._present

    def _serializer(self, kind: Kind) -> URLSafeTimedSerializer:
        return URLSafeTimedSerializer(
            self._key(),
            salt=f"parcimetre/{kind}",
            signer_kwargs={"key_derivation": "hmac", "digest_method": hashlib.sha256},
        )

    def _is_https(self, request: HTTPConnection) -> bool:
        """Return whether the browser uses TLS, which a proxy before us may have ended."""
        scheme = request.headers.get("x-forwarded-proto", request.url.scheme)
        return scheme == "https" or self._context.settings.public_url.startswith("https:")


def rotate(context: Context) -> None:
    """Sign with a new key from now on, which ends all sessions. Raises KeyUnusable."""
    entry = audit.entry("session key rotated", SESSION_KEY.claim, context.now())
    context.store.append([entry])
    SESSION_KEY.replace(context.store, context.settings.data_dir)


def _mark(scope: Scope) -> list[str | None]:
    """Return what of a scope must stay the same while a session lasts."""
    return [scope.root, scope.role]


def _session_digest(request: HTTPConnection) -> str:
    """Return the digest of a page's session; where this machine is trusted there may be none."""
    return hashlib.sha256(request.cookies.get(COOKIE, "").encode()).hexdigest()
