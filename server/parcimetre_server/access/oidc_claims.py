"""Claims of a person who logged in: groups and name, whatever types the provider gives them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .oidc_errors import ODD_CLAIM, TOO_MANY_GROUPS, LoginRefused, shown

NAMES = ("preferred_username", "email", "name", "sub")
LONGEST_NAME = 100  # characters; the name is part of a cookie, which browsers limit to 4 kB


def groups_of(claims: Mapping[str, Any], claim: str) -> frozenset[str] | None:
    """Return the groups that a claim lists, None if it is absent; dots lead into other claims.

    A text or number is one group; of an object, the names are the groups. Raises LoginRefused.
    """
    found = _value_at(claims, claim.split("."))
    if found is None:
        _check_overage(claims, claim)
        return None
    values = found if isinstance(found, list | Mapping) else [found]
    groups = frozenset(str(value) for value in values if _is_group(value))
    if values and not groups:
        raise LoginRefused.because(ODD_CLAIM, f"claim {claim!r} is {shown(found)}, not a list of texts")
    return groups


def display_name(claims: Mapping[str, Any]) -> str:
    """Return the name to show: the first claim that is a text, printable and not too long."""
    texts = (value for name in NAMES if isinstance(value := claims.get(name), str))
    return next((name for name in map(_printable, texts) if name), "")


def has_name(claims: Mapping[str, Any]) -> bool:
    """Return whether the claims name the person other than by the provider's own id."""
    return bool(display_name({**claims, "sub": None}))


def unmapped_reason(groups: frozenset[str], claim: str, mapped: Sequence[str]) -> str:
    """Return why groups give no access, for the log; it names groups of the settings only."""
    plain = {_plain(group) for group in groups}
    alike = [name for name in mapped if _plain(name) in plain]
    hint = f"; {alike[0]!r} is there in another spelling (slashes, capitals)" if alike else ""
    return f"claim {claim!r} lists {len(groups)} group(s), none of which is in [login.groups]{hint}"


def _value_at(claims: object, names: Sequence[str]) -> object:
    """Return what dotted names lead to; a name of a claim may have dots itself. None if it is absent."""
    if not names:
        return claims
    if not isinstance(claims, Mapping):
        return None
    for length in range(len(names), 0, -1):
        inner = claims.get(".".join(names[:length]))
        found = None if inner is None else _value_at(inner, names[length:])
        if found is not None:
            return found
    return None


def _check_overage(claims: Mapping[str, Any], claim: str) -> None:
    """Raise LoginRefused if the provider sent a reference in place of too many groups, as Entra ID does.

    `_claim_names` is that of OpenID Connect Core 1.0, section 5.6.2.
    """
    elsewhere = claims.get("_claim_names")
    is_elsewhere = isinstance(elsewhere, Mapping) and claim in elsewhere
    if is_elsewhere or (claim == "groups" and claims.get("hasgroups") in (True, "true")):
        reason = f'claim {claim!r} was left out because of its length: use app roles and claim = "roles"'
        raise LoginRefused.because(TOO_MANY_GROUPS, reason)


def _is_group(value: object) -> bool:
    return isinstance(value, str | int) and not isinstance(value, bool)


def _plain(group: str) -> str:
    return group.strip("/").rpartition("/")[2].casefold()


def _printable(text: str) -> str:
    return "".join(char for char in text if char.isprintable()).strip()[:LONGEST_NAME]
