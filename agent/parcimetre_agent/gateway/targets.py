"""Pure: which addresses an operator named. Nothing that was not named is ever asked."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Address, IPv4Network, IPv6Address, ip_address, ip_network

from ..errors import BadSettings

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
        return list(_of_range(text, first.strip(), last.strip()))
    return [text]


def _of_network(text: str) -> list[str]:
    try:
        network = ip_network(text, strict=False)
    except ValueError as error:
        raise BadSettings(f"{text!r} is no network: {error}; write it like 10.1.2.0/26") from None
    if network.num_addresses > MOST:
        raise _too_many(text, network.num_addresses)
    usable = network.hosts() if isinstance(network, IPv4Network) else iter(network)
    return [str(address) for address in usable]


def _of_range(text: str, first: str, last: str) -> Iterator[str]:
    begin, end = ip_address(first), _end(first, last, text)
    if begin.version != end.version or int(end) < int(begin):
        raise BadSettings(f"{text!r} is no range; write the lower address first, like 10.1.2.10-10.1.2.40")
    count = int(end) - int(begin) + 1
    if count > MOST:
        raise _too_many(text, count)
    return (str(begin + i) for i in range(count))


def _end(first: str, last: str, text: str) -> IPv4Address | IPv6Address:
    """The last address of a range; a number alone is its last byte."""
    whole = f"{first.rpartition('.')[0]}.{last}" if last.isdigit() and "." in first else last
    try:
        return ip_address(whole)
    except ValueError:
        raise BadSettings(f"{text!r} is no range; write it like 10.1.2.10-10.1.2.40") from None


def _is_address(text: str) -> bool:
    try:
        ip_address(text.strip())
    except ValueError:
        return False
    return True


def _too_many(text: str, count: int) -> BadSettings:
    return BadSettings(f"{text!r} names {count} addresses, at most {MOST} are asked; name smaller ranges")
