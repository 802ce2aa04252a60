"""Errors of a login with an OpenID provider; the cause of each says what the log needs."""

from __future__ import annotations

from ..base.errors import ParcimetreError
from ..base.i18n import N_

CANCELLED = N_("The login was cancelled at the provider. Try again.")
NOT_ACCEPTED = N_("The provider did not accept this login: try again.")
NOT_VALID = N_("The provider's answer for this login is not valid. Try again.")
REFUSED = N_("The provider refused this login. The collector's log gives its reason; ask the administrator.")
CLIENT_REFUSED = N_(
    "The provider does not accept the client ID or the secret of this collector. Ask the administrator."
)
CLOCK = N_(
    "The clocks of the login provider and of this collector differ by more than two minutes. Ask the "
    "administrator to set both with NTP."
)
UNKNOWN_KEY = N_(
    "The provider signed this login in a way that this collector cannot verify. The collector's log gives "
    "the reason; ask the administrator."
)
NO_CLAIM = N_(
    "The provider sent no groups for you. The collector's log names the missing claim; ask the administrator."
)
ODD_CLAIM = N_(
    "The provider sent your groups in a form that this collector cannot read. The collector's log shows it; "
    "ask the administrator."
)
TOO_MANY_GROUPS = N_(
    "You are in too many groups for the provider to send them all. Ask the administrator to use app roles."
)


class ProviderFault(ParcimetreError):
    """The provider cannot be reached, or its answer is not valid."""

    status = 502
    kind = "login-provider"


class LoginRefused(ParcimetreError):
    """A login that is not accepted."""

    status = 403
    kind = "login-refused"

    @classmethod
    def because(cls, sentence: str, reason: str) -> LoginRefused:
        """Return the refusal: a sentence for the person, and the reason for the log."""
        refusal = cls(sentence)
        refusal.__cause__ = ProviderFault(reason)
        return refusal


def shown(value: object, most: int = 200) -> str:
    """Return a value of the provider for the log: printable, of limited length."""
    text = repr(value)
    return text if len(text) <= most else f"{text[:most]}…"
