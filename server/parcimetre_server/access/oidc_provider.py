"""Requests to an OpenID provider: its description, its keys, tokens for a code, and claims of a person."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from urllib.parse import quote_plus

import httpx

from ..configuration.login_settings import BASIC, POST, LoginSettings
from .oidc_errors import CLIENT_REFUSED, NOT_ACCEPTED, LoginRefused, ProviderFault, shown

TIMEOUT_S = 10.0
CLIENT_ERRORS = ("invalid_client", "unauthorized_client")


@dataclass(frozen=True)
class Tokens:
    """What a code was exchanged for; the access token is absent if the provider gives none."""

    id_token: str
    access_token: str | None


class Provider:
    """One OpenID provider during one login; close its client afterwards."""

    def __init__(self, login: LoginSettings, client: httpx.Client) -> None:
        """Ask nothing yet."""
        self._login, self._client = login, client

    @cached_property
    def metadata(self) -> dict[str, Any]:
        """The provider's description (OpenID Connect Discovery 1.0). Raises ProviderFault."""
        answer, issuer = self._description, self._login.issuer
        found = _document(answer)
        stated = found.get("issuer")
        if not isinstance(stated, str) or stated.rstrip("/") != issuer.rstrip("/"):
            several = "{tenantid}" in str(stated)  # Entra ID's addresses for all tenants
            fix = "use the issuer of one tenant, with its id" if several else "give that as [login] issuer"
            raise ProviderFault(f"{answer.url} belongs to issuer {shown(stated)}: {fix}")
        return found

    @property
    def date(self) -> str | None:
        """The provider's clock: the Date header of its description, None without one."""
        found: str | None = self._description.headers.get("date")
        return found

    @cached_property
    def _description(self) -> httpx.Response:
        address = f"{self._login.issuer.rstrip('/')}/.well-known/openid-configuration"
        return self._sent("GET", address, "check [login] issuer")

    @property
    def issuer(self) -> str:
        """The issuer exactly as the provider writes it."""
        return str(self.metadata["issuer"])

    def endpoint(self, name: str) -> str:
        """Return the address of an endpoint. Raises ProviderFault if the provider does not state it."""
        address = self.optional_endpoint(name)
        if address is None:
            raise ProviderFault(f"the OpenID provider does not state its {name}: check [login] issuer")
        return address

    def optional_endpoint(self, name: str) -> str | None:
        """Return the address of an endpoint, None if the provider does not state it."""
        address = self.metadata.get(name)
        return address if isinstance(address, str) and address else None

    def keys(self) -> dict[str, Any]:
        """Return the provider's JWK Set. Raises ProviderFault."""
        return _document(self._sent("GET", self.endpoint("jwks_uri"), "try again"))

    def tokens(self, code: str, verifier: str) -> Tokens:
        """Exchange a code for tokens; the verifier proves that this login began it.

        Raises LoginRefused and ProviderFault.
        """
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self._login.callback,
            "code_verifier": verifier,
        }
        secret = self._login.secret()
        methods = [None] if secret is None else self.client_methods()
        for method in methods:
            answer = self._exchanged(form, method, secret)
            if not _is_client_refused(answer):
                break
        if answer.status_code in (400, 401, 403):
            sentence = CLIENT_REFUSED if _is_client_refused(answer) else NOT_ACCEPTED
            raise LoginRefused.because(sentence, f"the provider says {shown(answer.text)}")
        found = _document(answer)
        token, access = found.get("id_token"), found.get("access_token")
        if not isinstance(token, str):
            raise ProviderFault("the provider's answer has no id_token: [login] scopes must contain openid")
        return Tokens(token, access if isinstance(access, str) else None)

    def client_methods(self) -> list[str]:
        """Return how to authenticate, best first (OpenID Connect Core 1.0, section 9). Raises ProviderFault.

        A client may be registered for one method only, so that the second is tried if the first is refused.
        """
        if self._login.client_auth:
            return [self._login.client_auth]
        stated = self.metadata.get("token_endpoint_auth_methods_supported")
        accepted = stated if isinstance(stated, list) else [BASIC]
        usable = [method for method in (BASIC, POST) if method in accepted]
        if not usable:
            raise ProviderFault(
                f"the provider accepts clients by {shown(accepted)} only; allow {BASIC} or {POST} there"
            )
        return usable

    def userinfo(self, access_token: str) -> dict[str, Any] | str:
        """Return the claims of the userinfo endpoint, as text if they are signed. Raises ProviderFault."""
        headers = {"Authorization": f"Bearer {access_token}"}
        answer = self._sent("GET", self.endpoint("userinfo_endpoint"), "try again", headers=headers)
        if answer.is_success and answer.headers.get("content-type", "").startswith("application/jwt"):
            return answer.text
        return _document(answer)

    def _exchanged(self, form: Mapping[str, str], method: str | None, secret: str | None) -> httpx.Response:
        headers, client_id = {"Accept": "application/json"}, self._login.client_id
        if method == BASIC:
            headers["Authorization"] = f"Basic {_basic(client_id, secret or '')}"
        else:
            form = {**form, "client_id": client_id} | ({"client_secret": secret} if secret else {})
        return self._sent("POST", self.endpoint("token_endpoint"), "try again", data=form, headers=headers)

    def _sent(self, method: str, address: str, fix: str, **about: Any) -> httpx.Response:
        """Return the answer to a request. Raises ProviderFault if there is none."""
        try:
            return self._client.request(method, address, **about)
        except (httpx.HTTPError, httpx.InvalidURL, UnicodeError) as error:
            raise ProviderFault(f"{shown(address)} cannot be reached: {error}; {fix}") from error


def open_client() -> httpx.Client:
    """Return a client for the requests of one login."""
    return httpx.Client(timeout=TIMEOUT_S)


def _basic(client_id: str, secret: str) -> str:
    """Return the credentials of client_secret_basic (RFC 6749, section 2.3.1)."""
    return base64.b64encode(f"{quote_plus(client_id)}:{quote_plus(secret)}".encode()).decode()


def _is_client_refused(answer: httpx.Response) -> bool:
    """Return whether the provider refused the client rather than the code (RFC 6749, section 5.2)."""
    if answer.status_code not in (400, 401, 403):
        return False
    try:
        found = answer.json()
    except (ValueError, RecursionError):
        return answer.status_code == 401
    return isinstance(found, dict) and found.get("error") in CLIENT_ERRORS


def _document(answer: httpx.Response) -> dict[str, Any]:
    """Return the JSON object of an answer. Raises ProviderFault."""
    try:
        answer.raise_for_status()
        content = answer.json()
    except (httpx.HTTPError, ValueError, RecursionError) as error:
        raise ProviderFault(f"{answer.url} did not answer as an OpenID provider: {error}") from error
    if not isinstance(content, dict):
        raise ProviderFault(f"{answer.url} did not answer as an OpenID provider: no JSON object")
    return content
