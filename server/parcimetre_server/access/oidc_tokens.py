"""Verified claims of an OpenID provider's tokens: signature, issuer, audience, nonce, time."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from joserfc import jwt
from joserfc.errors import JoseError

from .oidc_errors import CLOCK, NOT_VALID, LoginRefused
from .oidc_keys import ProviderKeys, verified_payload

LEEWAY_S = 120
NOTABLE_S = 30
NEVER_S = 1e12  # beyond any date of a token
LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class Parties:
    """The issuer and the client that tokens must name, and the provider's keys."""

    issuer: str
    client_id: str
    keys: ProviderKeys


def id_token_claims(token: str, parties: Parties, nonce: str, now: int) -> dict[str, Any]:
    """Return the claims of an ID token (OpenID Connect Core 1.0, section 3.1.3.7). Raises LoginRefused."""
    claims = _content(verified_payload(token, parties.keys))
    _check_clock(claims, now)
    required = jwt.JWTClaimsRegistry(
        now=now,
        leeway=LEEWAY_S,
        iss={"essential": True, "value": parties.issuer},
        aud={"essential": True, "value": parties.client_id},
        nonce={"essential": True, "value": nonce},
        exp={"essential": True},
        sub={"essential": True},
    )
    try:
        required.validate(claims)
        check_party(claims, parties.client_id)
    except (JoseError, ValueError, KeyError, TypeError) as error:
        raise LoginRefused.because(NOT_VALID, f"the ID token is not valid: {error}") from error
    return claims


def userinfo_claims(answer: dict[str, Any] | str, parties: Parties, subject: str) -> dict[str, Any]:
    """Return the claims of userinfo, signed or not, about the person of the ID token. Raises LoginRefused."""
    claims = answer if isinstance(answer, dict) else _content(verified_payload(answer, parties.keys))
    if claims.get("sub") != subject:  # OpenID Connect Core 1.0, section 5.3.2
        raise LoginRefused.because(NOT_VALID, "userinfo is about another person than the ID token")
    audience = claims.get("aud", parties.client_id)
    is_ours = parties.client_id in (audience if isinstance(audience, list) else [audience])
    if claims.get("iss", parties.issuer) != parties.issuer or not is_ours:
        raise LoginRefused.because(NOT_VALID, "userinfo was issued by or for another party")
    return claims


def check_party(claims: Mapping[str, Any], client_id: str) -> None:
    """Raise ValueError unless a token was issued to this client (OpenID Connect Core 3.1.3.7)."""
    audience, party = claims["aud"], claims.get("azp", client_id)
    if party != client_id or (isinstance(audience, list) and len(audience) > 1 and "azp" not in claims):
        raise ValueError(f"the token was issued to {party!r}")


def _content(payload: bytes) -> dict[str, Any]:
    """Return the claims of a token. Raises LoginRefused."""
    try:
        claims = json.loads(payload)
    except (ValueError, RecursionError) as error:
        raise LoginRefused.because(NOT_VALID, f"the token is not JSON: {error}") from error
    if not isinstance(claims, dict):
        raise LoginRefused.because(NOT_VALID, "the token is not a JSON object")
    return claims


def _check_clock(claims: Mapping[str, Any], now: int) -> None:
    """Raise LoginRefused if a token is of the future or expired; log clocks that differ notably."""
    issued, valid_from, expires = (_time(claims.get(name)) for name in ("iat", "nbf", "exp"))
    ahead_s = max(now if time is None else time for time in (issued, valid_from)) - now
    if ahead_s > LEEWAY_S:
        reason = f"the ID token is dated {ahead_s:.0f} s ahead of this machine's clock"
        raise LoginRefused.because(CLOCK, f"{reason}; up to {LEEWAY_S} s is accepted")
    if expires is not None and expires <= now - LEEWAY_S:
        reason = f"the ID token expired {now - expires:.0f} s ago by this machine's clock"
        raise LoginRefused.because(CLOCK, f"{reason}; up to {LEEWAY_S} s is accepted")
    difference_s = 0 if issued is None else issued - now
    if abs(difference_s) > NOTABLE_S:
        LOG.warning(
            "login: the provider's clock is %.0f s %s this machine's: set both with NTP; the limit is %d s",
            abs(difference_s), "ahead of" if difference_s > 0 else "behind", LEEWAY_S,
        )  # fmt: skip


def _time(value: object) -> float | None:
    """Return a time in UTC seconds, None for any other type, which is refused with the claims."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if is_number and abs(value) < NEVER_S else None  # type: ignore[arg-type]
