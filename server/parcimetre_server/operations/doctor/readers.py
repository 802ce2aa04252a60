"""Check who can read and administer, and by which names the collector answers them."""

from __future__ import annotations

from collections.abc import Iterator

from ...access.context import Context
from ...access.tokens import all_tokens
from ...configuration.host_names import answered_names
from . import Finding, ok, warning

WHAT = "readers"


def findings(context: Context) -> Iterator[Finding]:
    """Yield who can read, and by which names."""
    yield who_can_read(context)
    names = ", ".join(sorted(answered_names(context.settings)))
    yield ok("host names", f"readers may use {names}, or an address in numbers")


def who_can_read(context: Context) -> Finding:
    """Return who can read and administer this collector by HTTP."""
    settings = context.settings
    listening = f"{settings.host} port {settings.port}"
    if settings.trust_this_machine:
        told = (
            "anyone on this machine reads and administers everything without a login, and so does whoever "
            "comes through a reverse proxy on it (--trust-this-machine)"
        )
        return warning(WHAT, told, "use this to try Parcimètre on your own machine only")
    valid = sum(token.state(context.now()) == "valid" for token in all_tokens(context.store))
    ways = [f"a token ({valid} valid)"] if valid else []
    ways += [f"a login at {settings.login.issuer}"] if settings.login else []
    if not ways:
        mend = (
            "create a token: parcimetre token create --name NAME --role admin --everything "
            f"--data-dir {settings.data_dir}"
        )
        return warning(WHAT, "nobody can read: there is no valid token and no login provider", mend)
    return ok(WHAT, f"whoever reaches {listening} can read and administer only with {' or '.join(ways)}")
