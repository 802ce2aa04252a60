"""Login with an OpenID provider: authorization code flow with PKCE (OpenID Connect Core 1.0, RFC 7636)."""

from __future__ import annotations

import base64
import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import httpx
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from ..base.errors import ParcimetreError
from ..base.i18n import N_
from ..configuration.login_settings import LoginSettings

ALGORITHMS = ["RS256", "PS256", "ES256", "EdDSA"]
TIMEOUT_S = 10.0
LEEWAY_S = 60
NAMES = ("preferred_username", "email", "name", "sub")


class ProviderFault(ParcimetreError):
    """The provider cannot be reached, or its answer is not valid."""

    status = 502
    kind = "login-provider"


class LoginRefused(ParcimetreError):
    """A login that is not accepted."""

    status = 403
    kind = "login-refused"


@dataclass(frozen=True)
class Flow:
    """State of one login between its two requests, in the browser's signed cookie."""

    state: str
    nonce: str
    verifier: str
    next: str

    @property
    def challenge(self) -> str:
        """The verifier's challenge (S256)."""
        digest = hashlib.sha256(self.verifier.encode()).digest()
        return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def new_flow(target: str) -> Flow:
    """Return a new login that leads to a page of ours."""
    return Flow(secrets.token_urlsafe(24), secrets.token_urlsafe(24), secrets.token_urlsafe(48), target)


def authorization_address(login: LoginSettings, flow: Flow) -> str:
    """Return the address where the browser logs in. Raises ProviderFault."""
    asked = {
        "response_type": "code",
        "client_id": login.client_id,
        "redirect_uri": login.callback,
        "scope": login.scopes,
        "state": flow.state,
        "nonce": flow.nonce,
        "code_challenge": flow.challenge,
        "code_challenge_method": "S256",
    }
    with _client() as client:
        endpoint = _text(_metadata(client, login), "authorization_endpoint")
    return _with_query(endpoint, asked)


def logout_address(login: LoginSettings) -> str | None:
    """Return the address that ends the provider's session (OpenID Connect RP-Initiated Logout 1.0).

    None if the provider has none. Raises ProviderFault.
    """
    with _client() as client:
        endpoint = _metadata(client, login).get("end_session_endpoint")
    asked = {"client_id": login.client_id, "post_logout_redirect_uri": login.after_logout}
    return None if endpoint is None else _with_query(str(endpoint), asked)


def verified_claims(
    login: LoginSettings, flow: Flow, answered: Mapping[str, str], now: int
) -> dict[str, Any]:
    """Return the claims of the person who logged in. Raises LoginRefused and ProviderFault."""
    if not secrets.compare_digest(answered.get("state", "").encode(), flow.state.encode()):
        raise LoginRefused(
            N_("This login was not started here, or another one was started since. Try again.")
        )
    if "code" not in answered:
        raise LoginRefused(N_("The login was cancelled at the provider. Try again."))
    with _client() as client:
        metadata = _metadata(client, login)
        token = _id_token(client, login, flow, _text(metadata, "token_endpoint"), answered["code"])
        keys = _answer(client.get(_text(metadata, "jwks_uri")))
    return _verified(token, keys, login, _text(metadata, "issuer"), flow.nonce, now)


def display_name(claims: Mapping[str, Any]) -> str:
    """Return the name to show."""
    return next((str(claims[name]) for name in NAMES if claims.get(name)), "")


def _with_query(endpoint: str, asked: Mapping[str, str]) -> str:
    return f"{endpoint}{'&' if '?' in endpoint else '?'}{urlencode(asked)}"


def _client() -> httpx.Client:
    return httpx.Client(timeout=TIMEOUT_S)


def _metadata(client: httpx.Client, login: LoginSettings) -> dict[str, Any]:
    address = f"{login.issuer.rstrip('/')}/.well-known/openid-configuration"
    try:
        metadata = _answer(client.get(address))
    except httpx.HTTPError as error:
        raise ProviderFault(f"{address} cannot be reached: {error}; check [login] issuer") from error
    if _text(metadata, "issuer").rstrip("/") != login.issuer.rstrip("/"):
        raise ProviderFault(
            f"{address} belongs to issuer {metadata['issuer']!r}: give that as [login] issuer"
        )
    return metadata


def _id_token(client: httpx.Client, login: LoginSettings, flow: Flow, endpoint: str, code: str) -> str:
    """Exchange the code for an ID token; the verifier proves that this login began it."""
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": login.callback,
        "client_id": login.client_id,
        "code_verifier": flow.verifier,
    }
    secret = login.secret()
    try:
        answer = client.post(endpoint, data=form | ({} if secret is None else {"client_secret": secret}))
    except httpx.HTTPError as error:
        raise ProviderFault(f"{endpoint} cannot be reached: {error}; try again") from error
    if answer.status_code in (400, 401):
        said = ProviderFault(f"the provider says {answer.text[:200]!r}")
        raise LoginRefused(N_("The provider did not accept this login: try again.")) from said
    return _text(_answer(answer), "id_token")


def _verified(
    token: str, keys: Mapping[str, Any], login: LoginSettings, issuer: str, nonce: str, now: int
) -> dict[str, Any]:
    """Return the claims of an ID token after checking signature, issuer, audience, nonce and time."""
    asked = jwt.JWTClaimsRegistry(
        now=now,
        leeway=LEEWAY_S,
        iss={"essential": True, "value": issuer},
        aud={"essential": True, "value": login.client_id},
        nonce={"essential": True, "value": nonce},
        exp={"essential": True},
        sub={"essential": True},
    )
    try:
        decoded = jwt.decode(token, KeySet.import_key_set(dict(keys)), algorithms=ALGORITHMS)  # type: ignore[arg-type]
        asked.validate(decoded.claims)
        _check_party(decoded.claims, login.client_id)
    except (JoseError, ValueError, KeyError, TypeError) as error:
        raise LoginRefused(N_("The provider's answer for this login is not valid. Try again.")) from error
    return dict(decoded.claims)


def _check_party(claims: Mapping[str, Any], client_id: str) -> None:
    """Raise ValueError unless a token was issued to this client (OpenID Connect Core 3.1.3.7)."""
    audience, party = claims["aud"], claims.get("azp", client_id)
    if party != client_id or (isinstance(audience, list) and len(audience) > 1 and "azp" not in claims):
        raise ValueError(f"the token was issued to {party!r}")


def _answer(answer: httpx.Response) -> dict[str, Any]:
    try:
        answer.raise_for_status()
        content = answer.json()
    except (httpx.HTTPError, ValueError) as error:
        raise ProviderFault(f"{answer.url} did not answer as an OpenID provider: {error}") from error
    if not isinstance(content, dict):
        raise ProviderFault(f"{answer.url} did not answer as an OpenID provider: no JSON object")
    return content


def _text(document: Mapping[str, Any], name: str) -> str:
    if not isinstance(document.get(name), str):
        raise ProviderFault(f"the OpenID provider does not state its {name}: check [login] issuer")
    return str(document[name])
