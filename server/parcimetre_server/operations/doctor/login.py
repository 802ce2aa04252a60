"""Check the login with an OpenID provider: its description, its keys, the client's secret, its clock."""

from __future__ import annotations

from collections.abc import Iterator
from email.utils import parsedate_to_datetime

from ...access.oidc_errors import ProviderFault
from ...access.oidc_keys import ALGORITHMS, provider_keys
from ...access.oidc_provider import Provider, open_client
from ...access.oidc_tokens import LEEWAY_S, NOTABLE_S
from ...base.errors import BadSetting
from ...configuration.login_settings import LoginSettings
from . import Finding, failed, ok, warning

ADDRESSES = ("authorization_endpoint", "token_endpoint", "jwks_uri")


def findings(login: LoginSettings, now: int) -> Iterator[Finding]:
    """Yield findings about the provider, asking it; stop at the first failure."""
    try:
        login.secret()
        with open_client() as client:
            provider = Provider(login, client)
            for name in ADDRESSES:
                provider.endpoint(name)
            methods = ["none"] if login.client_secret_file is None else provider.client_methods()
            yield ok("login provider", f"{provider.issuer} answers; redirect URI {login.callback}")
            yield ok("login client", f"authenticates by {', then '.join(methods)}")
            yield _keys(provider)
            yield _clock(provider.date, now)
    except (ProviderFault, BadSetting) as error:
        mend = "correct [login], or let this machine reach the provider"
        yield failed("login provider", " ".join(str(error).split()), mend)


def _keys(provider: Provider) -> Finding:
    keys = provider_keys(provider.keys())
    told = f"{len(keys.usable)} of the provider's keys usable"
    if keys.skipped:
        told = f"{told}; skipped: {'; '.join(keys.skipped)}"
    if not keys.usable:
        return failed("login keys", told, f"let the provider sign with one of {', '.join(ALGORITHMS)}")
    return ok("login keys", told)


def _clock(date: str | None, now: int) -> Finding:
    try:
        difference_s = parsedate_to_datetime(date or "").timestamp() - now
    except (TypeError, ValueError):
        return ok("login clock", "the provider does not state its time")
    told = f"the provider's clock differs by {abs(difference_s):.0f} s; the limit is {LEEWAY_S} s"
    if abs(difference_s) <= NOTABLE_S:
        return ok("login clock", told)
    state = failed if abs(difference_s) > LEEWAY_S else warning
    return state("login clock", told, "set the clocks of both machines with NTP")
