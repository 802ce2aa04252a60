"""What the firmware states of this very machine, by the names that Linux gives the facts."""

from __future__ import annotations

import sys
from pathlib import Path

from ..machine import sysfs


def fact(root: Path, name: str) -> str | None:
    """Such as product_serial, product_uuid, board_serial, sys_vendor; None where unstated or not for us."""
    if sys.platform == "win32":
        return of_windows().get(name)
    if sys.platform == "darwin":
        return of_mac().get(name)
    return sysfs.text(str(root / "sys/class/dmi/id"), name)


def of_windows() -> dict[str, str | None]:
    """From the SMBIOS table; the registry's MachineGuid would be the same on every clone of an image."""
    from ..machine import smbios
    from ..windows import firmware

    try:
        stated = smbios.stated(firmware.table())
    except OSError:
        stated = None
    if stated is None:
        return {}
    return {
        "product_serial": stated.serial,
        "product_uuid": stated.uuid,
        "board_serial": stated.board_serial,
        "sys_vendor": stated.maker,
        "product_name": stated.model,
        "board_name": stated.board,
    }


def of_mac(command: str | None = None) -> dict[str, str | None]:
    """By the registry entry of the machine itself, readable by everybody."""
    from ..base.outcome import Ok
    from ..machine import ioreg

    found = ioreg.entries("IOPlatformExpertDevice", command or ioreg.COMMAND)
    entry = found.value[0] if isinstance(found, Ok) else {}
    stated = {"product_serial": "IOPlatformSerialNumber", "product_uuid": "IOPlatformUUID"}
    facts = {name: entry.get(key) for name, key in stated.items()}
    return {name: one if isinstance(one, str) else None for name, one in facts.items()}
