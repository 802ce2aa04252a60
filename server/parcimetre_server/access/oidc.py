"""Login with an OpenID provider: authorization code flow with PKCE (OpenID Connect Core 1.0, RFC 7636)."""

from __future__ import annotations

import base64
import hashlib
import logging
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from ..base.i18n import N_
from ..configuration.login_settings import LoginSettings
from .oidc_claims import display_name, groups_of, has_name
from .oidc_errors import CANCELLED, NO_CLAIM, NOT_VALID, REFUSED, LoginRefused, ProviderFault, shown
from .oidc_keys import provider_keys
from .oidc_provider import Provider, open_client
from .oidc_tokens import Parties, id_token_claims, userinfo_claims

__all__ = ["Flow", "LoginRefused", "Person", "ProviderFault"]

LOG = logging.getLogger(__name__)


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


@dataclass(frozen=True)
class Person:
    """Who logged in: the name to show, and the groups that the provider lists."""

    name: str
    groups: frozenset[str]


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
    with open_client() as client:
        endpoint = Provider(login, client).endpoint("authorization_endpoint")
    return _with_query(endpoint, asked)


def logout_address(login: LoginSettings) -> str | None:
    """Return the address that ends the provider's session (OpenID Connect RP-Initiated Logout 1.0).

    None if the provider has none. Raises ProviderFault.
    """
    with open_client() as client:
        endpoint = Provider(login, client).optional_endpoint("end_session_endpoint")
    asked = {"client_id": login.client_id, "post_logout_redirect_uri": login.after_logout}
    return None if endpoint is None else _with_query(endpoint, asked)


def verified_person(login: LoginSettings, flow: Flow, answered: Mapping[str, str], now: int) -> Person:
    """Return the person who logged in. Raises LoginRefused and ProviderFault."""
    code = _code(flow, answered)
    with open_client() as client:
        provider = Provider(login, client)
        if answered.get("iss", provider.issuer) != provider.issuer:  # RFC 9207
            raise LoginRefused.because(NOT_VALID, f"the answer is of issuer {shown(answered['iss'])}")
        tokens = provider.tokens(code, flow.verifier)
        parties = Parties(provider.issuer, login.client_id, provider_keys(provider.keys()))
        claims = id_token_claims(tokens.id_token, parties, flow.nonce, now)
        groups = groups_of(claims, login.claim)
        if not groups or not has_name(claims):
            more = _userinfo(provider, tokens.access_token, parties, claims["sub"], needed=not groups)
            others = None if groups else groups_of(more, login.claim)
            claims, groups = more | claims, groups if others is None else others
    if groups is None:
        place = "neither in the ID token nor in userinfo"
        raise LoginRefused.because(NO_CLAIM, f"claim {login.claim!r} is {place}; check [login] claim, scopes")
    return Person(display_name(claims), groups)


def _code(flow: Flow, answered: Mapping[str, str]) -> str:
    """Return the code of the provider's answer to a login that was begun here. Raises LoginRefused."""
    if not secrets.compare_digest(answered.get("state", "").encode(), flow.state.encode()):
        raise LoginRefused(
            N_("This login was not started here, or another one was started since. Try again.")
        )
    if "code" in answered:
        return answered["code"]
    said = f"the provider says {shown(answered.get('error'))}: {shown(answered.get('error_description'))}"
    raise LoginRefused.because(
        CANCELLED if answered.get("error", "access_denied") == "access_denied" else REFUSED, said
    )


def _userinfo(
    provider: Provider, access_token: str | None, parties: Parties, subject: str, needed: bool
) -> dict[str, Any]:
    """Return the claims of userinfo about the same person, none if there is no such endpoint.

    Raises LoginRefused, and ProviderFault if the claims are `needed`.
    """
    if access_token is None or provider.optional_endpoint("userinfo_endpoint") is None:
        return {}
    try:
        answer = provider.userinfo(access_token)
    except ProviderFault as error:
        if needed:
            raise
        LOG.info("login: the name is not in the ID token, and userinfo did not answer: %s", error)
        return {}
    return userinfo_claims(answer, parties, subject)


def _with_query(endpoint: str, asked: Mapping[str, str]) -> str:
    return f"{endpoint}{'&' if '?' in endpoint else '?'}{urlencode(asked)}"
