"""Hashes of devices, displays and guests in the organisation's form, whatever form an agent sent.

A message names the form of its hashes, and so does every stored body that has any, so that none is
keyed twice.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from parcimetre_agent.report import HASHES, HardwareIdentity, HashForm, Inventory

Rekey = Callable[[str], str]
PRODUCT: HashForm = "product"
ORGANISATION: HashForm = "organisation"
FORM = "hash_form"
IN_TEXT = re.compile(r"""(['"](?:[a-z]+_hash|(?:earlier_)?fingerprint)['"]: *['"])([^'"]+)""")
FIRST_WITH_KEY = 2  # schema of the wire format


def gets_key(schema: int, form: str) -> bool:
    """Return whether an agent can use the organisation's key and lacks it: the answer gives it."""
    return form == PRODUCT and schema >= FIRST_WITH_KEY


def of_hardware(hardware: HardwareIdentity, rekey: Rekey) -> HardwareIdentity:
    """Return the identity of a machine with the organisation's hashes for those of the product."""
    return replace(
        hardware,
        fingerprint=_optional(hardware.fingerprint, rekey),
        asset_hash=_optional(hardware.asset_hash, rekey),
        earlier_fingerprint=_optional(hardware.earlier_fingerprint, rekey),
    )


def of_inventory(inventory: Inventory, rekey: Rekey) -> Inventory:
    """Return an inventory with the organisation's hashes for those of the product."""

    def again(thing: Any) -> Any:
        """Return a system or display with its hashes keyed anew."""
        hashes = _optional(thing.serial_hash, rekey), _optional(thing.asset_hash, rekey)
        return replace(thing, serial_hash=hashes[0], asset_hash=hashes[1])

    return replace(
        inventory,
        system=again(inventory.system),
        displays=[again(display) for display in inventory.displays],
        guests=[replace(guest, guest_hash=rekey(guest.guest_hash)) for guest in inventory.guests],
    )


def of_body(body: Mapping[str, Any], rekey: Rekey) -> Mapping[str, Any] | None:
    """Return a stored body with the organisation's hashes; None for one that has them."""
    if body.get(FORM, PRODUCT) == ORGANISATION:
        return None
    return {**of_json(body, rekey), FORM: ORGANISATION}


def of_json(value: Any, rekey: Rekey) -> Any:
    """Return any JSON value with the organisation's hashes in the fields that have hashes.

    A text may be the beginning of one, of a record that was too long to be stored whole.
    """
    if isinstance(value, Mapping):
        return {
            name: rekey(item) if name in HASHES and isinstance(item, str) else of_json(item, rekey)
            for name, item in value.items()
        }
    if isinstance(value, str):
        return IN_TEXT.sub(lambda found: found[1] + rekey(found[2]), value)
    return [of_json(item, rekey) for item in value] if isinstance(value, list | tuple) else value


def _optional(stated: str | None, rekey: Rekey) -> str | None:
    return None if stated is None else rekey(stated)
