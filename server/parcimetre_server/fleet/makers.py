"""Makers as firmware, EDID, BMC and registers name them: by name, legal name, or three letters of the PNP
registry.

The maker travels in clear beside a hash of the serial number alone, and is compared here: "Dell Inc." of a
firmware, "DEL" of an EDID and "Dell" of a register are one maker.
"""

from __future__ import annotations

from parcimetre_factors.tables.product_names import normal_maker, normal_model, product_name

PNP_NAMES = {
    "ACI": "ASUS", "ACR": "Acer", "APP": "Apple", "AUS": "ASUS", "BNQ": "BenQ", "CPQ": "Compaq",
    "DEL": "Dell", "EIZ": "EIZO", "ENC": "EIZO", "FUS": "Fujitsu", "GBT": "Gigabyte", "GSM": "LG",
    "HPN": "HP", "HWP": "HP", "IVM": "iiyama", "LEN": "Lenovo", "MEI": "Panasonic", "MSI": "MSI",
    "NEC": "NEC", "PHL": "Philips", "SAM": "Samsung", "SHP": "Sharp", "SNY": "Sony", "TOS": "Toshiba",
    "VSC": "ViewSonic", "WAC": "Wacom",
}  # fmt: skip
"""Makers by their letters in the PNP ID registry; other makers are shown by their letters."""
_ALIASES = {
    "hewlettpackard": "hp", "lg electronics": "lg", "samsung electric": "samsung", "goldstar": "lg",
    "samsung electronics": "samsung", "nec display solutions": "nec", "fujitsu siemens": "fujitsu",
    "eizo nanao": "eizo", "super micro": "supermicro", "quanta cloud": "quanta", "micro star": "msi",
    "micro-star international": "msi", "lenovo group": "lenovo", "ibm": "lenovo", "ts": "fujitsu",
}  # fmt: skip
"""Short names of legal names, after the corporate form is cut off; Lenovo goes on with IBM's servers."""


def maker_key(stated: str | None) -> str | None:
    """Return the short name by which makers are compared; None where none is stated."""
    name = PNP_NAMES.get((stated or "").strip(), stated or "")
    plain = normal_maker(name)
    return _ALIASES.get(plain, plain) or None


def same_maker(one: str | None, other: str | None) -> bool:
    """Return whether both are stated and name the same maker."""
    key = maker_key(one)
    return key is not None and key == maker_key(other)


def same_model(one: tuple[str | None, ...], other: tuple[str | None, ...]) -> bool:
    """Return whether two systems state one model, each by maker, model, version and family.

    A BMC may state less than the firmware: then all of its words are among those of the firmware.
    """
    words = [normal_model(product_name(*stated) or "") for stated in (one, other)]
    return all(words) and (words[0] <= words[1] or words[1] <= words[0])
