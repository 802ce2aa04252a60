"""Hashes of serial numbers that are placeholders: two machines that state one are not one machine.

Agents leave placeholders out as far as they know them; the collector's list may be newer than an agent's.
"""

from __future__ import annotations

from functools import lru_cache
from string import ascii_uppercase, digits

from parcimetre_agent.identification.hashes import keyed_hash, normal_serial
from parcimetre_agent.report import System

from .organisation_hashes import Rekey

TEXTS = (
    "None", "N/A", "NA", "Not Specified", "Not Applicable", "Not Available", "Not Provided", "Default string",
    "System Serial Number", "Chassis Serial Number", "Base Board Serial Number", "To be filled by O.E.M.",
    "To Be Filled By O.E.M.", "Serial Number", "SerialNumber", "Serial", "Unknown", "Invalid", "Empty", "OEM",
    "O.E.M.", "No Asset Tag", "NULL", "Undefined", "123456789", "1234567890", "0123456789", "01234567890",
    "TBD", "XXX-XXX", "1234", "12345", "123456", "1234567", "12345678",
)  # fmt: skip
LONGEST = 24


def is_filler(system: System, rekey: Rekey) -> bool:
    """Return whether a system's hash is one of a placeholder; `rekey` gives the form of stored hashes."""
    stated = {one for one in (system.serial_hash, system.asset_hash) if one is not None}
    return any(rekey(product) in stated for product in _hashes(system.maker))


@lru_cache(maxsize=256)
def _hashes(maker: str | None) -> tuple[str, ...]:
    """Return the hashes of all placeholders, beside a maker and alone, in the product's form."""
    repeated = (letter * n for letter in digits + ascii_uppercase for n in range(1, LONGEST + 1))
    texts = {form for text in (*TEXTS, *repeated) for form in (text, text.lower(), text.upper())}
    with_maker = (keyed_hash("serial", maker or "", text) for text in texts)
    alone = {keyed_hash("asset", normal_serial(text)) for text in texts}
    return (*with_maker, *alone)
