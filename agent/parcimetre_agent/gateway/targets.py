"""Addresses that an operator named. No other address is ever asked."""

from __future__ import annotations

from ipaddress import ip_address, ip_network

from ..base.errors import BadSettings

MOST = 4096


def hosts(named: str) -> list[str]:
    """The hosts of one entry: an address or a name, a network, or a range.

    "10.1.2.0/26", "10.1.2.10-10.1.2.40", "10.1.2.10-40" or "printer-3.example.org". Raises BadSettings for
    what makes no sense, and for more than MOST addresses.
    """
    text = named.strip()
    if not text:
        raise BadSettings("a printer's address is empty; write an address, a name, a network or a range")
    if "/" in text:
        return _of_network(text)
    first, dash, last = text.partition("-")
    if dash and _is_address(first):
        return _of_range(text, first.strip(), last.strip())
    return [text]


def _of_network(text: str) -> list[str]:
    try:
        network = ip_network(text, strict=False)
    except ValueError as error:
        raise BadSettings(f"{text!r} is not a valid network: {error} (example: 10.1.2.0/26)") from None
    if network.num_addresses > MOST:
        raise _too_many(text, network.num_addresses)
    return [str(address) for address in network.hosts()]


def _of_range(text: str, first: str, last: str) -> list[str]:
    """A range; its end may be a last byte alone."""
    whole = f"{first.rpartition('.')[0]}.{last}" if last.isdigit() and "." in first else last
    try:
        begin, count = ip_address(first), int(ip_address(whole)) - int(ip_address(first)) + 1
    except ValueError:
        count = 0
    if count < 1:
        raise BadSettings(
            f"{text!r} is not a valid range: give the lower address first (example: 10.1.2.10-10.1.2.40)"
        )
    if count > MOST:
        raise _too_many(text, count)
    return [str(begin + i) for i in range(count)]


def _is_address(text: str) -> bool:
    try:
        ip_address(text.strip())
    except ValueError:
        return False
    return True


def _too_many(text: str, count: int) -> BadSettings:
    return BadSettings(f"{text!r} has too many addresses ({count}, limit {MOST}): give smaller ranges")
