"""Sessions of people on pages: signed cookies, nothing stored on the collector."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any, Literal

from itsdangerous import BadSignature, URLSafeTimedSerializer
from starlette.requests import HTTPConnection
from starlette.responses import Response

from .context import Context
from .credentials import signing_key
from .reader import Reader
from .tokens import BadToken, Tokens

COOKIE = "parcimetre_session"
LIFETIME_S = 12 * 3600
FLOW_COOKIE = "parcimetre_login"
FLOW_LIFETIME_S = 600
Kind = Literal["session", "login-flow", "filters", "form"]
PLACES: Mapping[Kind, tuple[str, int]] = {
    "session": (COOKIE, LIFETIME_S),
    "login-flow": (FLOW_COOKIE, FLOW_LIFETIME_S),
    "filters": ("parcimetre_filters", 365 * 86_400),
}


class Sessions:
    """Signs and reads cookies with the collector's own key, each kind for its own purpose."""

    def __init__(self, context: Context, tokens: Tokens) -> None:
        """Read the key, created on first use. Raises KeyUnusable."""
        self._key = signing_key(context.settings.data_dir)
        self._login = context.settings.login
        self._tokens = tokens

    def reader(self, cookie: str | None) -> Reader | None:
        """Return the reader of a session's cookie; None if forged, expired, or without its token or group."""
        about = self.read("session", cookie, LIFETIME_S)
        if about is None:
            return None
        if "token" in about:
            try:
                token = self._tokens.of_id(str(about["token"]))
            except BadToken:
                return None
            return Reader(token.scope, token.name, "token")
        scope = self._login.groups.get(str(about.get("group"))) if self._login else None
        return None if scope is None else Reader(scope, str(about.get("name", "")), "login")

    def read(self, kind: Kind, cookie: str | None, lifetime_s: int) -> dict[str, Any] | None:
        """Return the content of a cookie of a kind, None if it is not ours or too old."""
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

    def _serializer(self, kind: Kind) -> URLSafeTimedSerializer:
        return URLSafeTimedSerializer(
            self._key,
            salt=f"parcimetre/{kind}",
            signer_kwargs={"key_derivation": "hmac", "digest_method": hashlib.sha256},
        )

    def _is_https(self, request: HTTPConnection) -> bool:
        """Return whether the browser uses TLS, which a proxy before us may have ended."""
        scheme = request.headers.get("x-forwarded-proto", request.url.scheme)
        public = self._login.public_url if self._login else ""
        return scheme == "https" or public.startswith("https:")


def _session_digest(request: HTTPConnection) -> str:
    """Return the digest of a page's session; at the collector's own machine there may be none."""
    return hashlib.sha256(request.cookies.get(COOKIE, "").encode()).hexdigest()
