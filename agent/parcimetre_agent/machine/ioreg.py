"""macOS: entries of the I/O registry, asked of `ioreg` as a property list. Needs no right."""

from __future__ import annotations

import subprocess
from typing import Any

from ..base.outcome import Failed, NoData, Ok, Outcome

COMMAND = "/usr/sbin/ioreg"
LIMIT_S = 10.0


def entries(kind: str, command: str = COMMAND) -> Outcome[list[dict[str, Any]]]:
    """Properties of every entry of a class, without those below it."""
    import plistlib
    from xml.parsers.expat import ExpatError

    try:
        done = subprocess.run(
            [command, "-a", "-r", "-d", "1", "-c", kind],
            capture_output=True, timeout=LIMIT_S, check=False, stdin=subprocess.DEVNULL,
        )  # fmt: skip
    except FileNotFoundError:
        return NoData(f"{command} is absent")
    except subprocess.TimeoutExpired:
        return Failed(f"ioreg did not answer within {LIMIT_S:g} s")
    if not done.stdout.strip():
        return NoData(f"no {kind}")
    try:
        found = plistlib.loads(done.stdout)
    except (ValueError, ExpatError, plistlib.InvalidFileException) as error:
        return Failed(f"ioreg's answer is not a property list: {error}")
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        return Failed("ioreg's answer is not a list of entries")
    return Ok(found) if found else NoData(f"no {kind}")


def whole(entry: dict[str, Any], name: str) -> int | None:
    """Return a whole number; a negative one, which appears as a huge unsigned integer, is corrected."""
    value = entry.get(name)
    if not isinstance(value, int) or isinstance(value, bool):
        return None
    return value - 2**64 if value >= 2**63 else value
