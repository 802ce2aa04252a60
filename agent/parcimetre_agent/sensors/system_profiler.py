"""Pure parser of `system_profiler -json`: sections in, fields of the inventory out.

Keys are Apple's own and the same in every language; values such as "16 GB" are not, so bytes are taken
where both are given. Of serial numbers only the machine's is read, and leaves as a keyed hash.
"""

from __future__ import annotations

import re
from typing import Any

from ..identification import edid
from ..identification.hashes import asset_hash, serial_hash
from ..identification.names import clipped
from ..report import Battery, Cpu, Disk, Display, Gpu, MemoryModule, System
from .displays import reported_display

SECTIONS = (
    "SPHardwareDataType", "SPMemoryDataType", "SPNVMeDataType", "SPSerialATADataType",
    "SPDisplaysDataType", "SPPowerDataType",
)  # fmt: skip
MAKER = "Apple Inc."
_CATEGORIES = (
    ("macbook", "laptop"), ("imac", "all_in_one"), ("mac mini", "mini_pc"), ("macmini", "mini_pc"),
    ("mac studio", "desktop"), ("mac pro", "desktop"), ("macpro", "desktop"),
)  # fmt: skip
_HYPERVISORS = (("VirtualMac", "apple"), ("VMware", "vmware"), ("Parallels", "parallels"))
_MIB_PER = {"MB": 1, "GB": 1024, "TB": 1024 * 1024}
_BUILT_IN = "spdisplays_internal"
Item = dict[str, Any]


def parse(document: Item) -> dict[str, Any]:
    """Fields of `report.Inventory`; a part that the system does not show is left out."""
    hardware = next(iter(_items(document, "SPHardwareDataType")), {})
    memory = _memory(document) or _total(hardware)
    facts: dict[str, Any] = {
        "system": _system(hardware),
        "category": _category(hardware),
        "virtual": _virtual(hardware),
        "cpus": _cpus(hardware),
        "memory": memory[:256],
        "disks": _disks(document)[:256],
        "gpus": [_gpu(one) for one in _items(document, "SPDisplaysDataType")][:32],
        "displays": _displays(document)[:16],
        "batteries": _batteries(document)[:8],
    }
    return facts


def _items(document: Item, section: str) -> list[Item]:
    """Entries of a section, each an object."""
    found = document.get(section)
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def _below(document: Item, section: str) -> list[Item]:
    """What hangs on the controllers or banks of a section."""
    return [below for one in _items(document, section) for below in _items(one, "_items")]


def _text(item: Item, *names: str) -> str | None:
    """The first of these that is stated."""
    for name in names:
        value = item.get(name)
        if isinstance(value, str) and value.strip():
            return clipped(value.strip())
    return None


def _whole(value: Any) -> int | None:
    try:
        return int(value)
    except (TypeError, ValueError):
        return None


def _mib(text: str | None) -> int | None:
    """ "16 GB" in MiB; None when it is no size."""
    number, _, unit = (text or "").replace("\u00a0", " ").partition(" ")
    whole = _whole(number)
    return whole * _MIB_PER[unit] if whole and unit in _MIB_PER else None


def _system(hardware: Item) -> System:
    serial = _text(hardware, "serial_number")
    return System(
        maker=MAKER,
        model=_text(hardware, "machine_model"),
        sku=_text(hardware, "model_number"),
        family=_text(hardware, "machine_name"),
        serial_hash=serial_hash(MAKER, serial),
        asset_hash=asset_hash(serial),
    )


def _category(hardware: Item) -> str:
    named = f"{hardware.get('machine_name', '')} {hardware.get('machine_model', '')}".lower()
    return next((category for word, category in _CATEGORIES if word in named), "other")


def _virtual(hardware: Item) -> str:
    model = _text(hardware, "machine_model") or ""
    return next((name for start, name in _HYPERVISORS if model.startswith(start)), "none")


def _cpus(hardware: Item) -> list[Cpu]:
    """Apple states cores in all, as a number or as "proc 8:4:4" (in all, fast, slow)."""
    model = _text(hardware, "chip_type", "cpu_type")
    if model is None:
        return []
    units = max(1, _whole(hardware.get("packages")) or 1)
    digits = re.search(r"\d+", str(hardware.get("number_processors", "")))
    cores = int(digits.group()) // units if digits else None
    doubled = 2 if hardware.get("platform_cpu_htt") == "htt_enabled" else 1
    vendor = "Apple" if "chip_type" in hardware else "Intel"
    return [Cpu(model, units, cores or None, cores * doubled if cores else None, vendor)]


def _memory(document: Item) -> list[MemoryModule]:
    """Modules in their slots; with Apple's processors the memory is one part of the processor's package."""
    modules = [_module(one, one.get("dimm_size"), None) for one in _below(document, "SPMemoryDataType")] + [
        _module(one, one.get("SPMemoryDataType"), "on package")
        for one in _items(document, "SPMemoryDataType")
    ]
    return [module for module in modules if module is not None]


def _module(item: Item, size: Any, form: str | None) -> MemoryModule | None:
    size_mib = _mib(size) if isinstance(size, str) else None
    if size_mib is None:
        return None
    return MemoryModule(
        size_mib,
        form,
        _text(item, "dimm_type"),
        _text(item, "dimm_manufacturer"),
        _text(item, "dimm_part_number"),
    )


def _total(hardware: Item) -> list[MemoryModule]:
    size_mib = _mib(_text(hardware, "physical_memory"))
    return [MemoryModule(size_mib, form="total")] if size_mib else []


def _disks(document: Item) -> list[Disk]:
    """Fixed disks; volumes on them are not looked at."""
    found = []
    for section in ("SPNVMeDataType", "SPSerialATADataType"):
        for one in _below(document, section):
            size_bytes = _whole(one.get("size_in_bytes"))
            if (
                not size_bytes
                or size_bytes < 0
                or "yes" in (one.get("removable_media"), one.get("detachable_drive"))
            ):
                continue
            rotates = one.get("spsata_medium_type") == "Rotational"
            found.append(
                Disk(size_bytes, "hdd" if rotates else "ssd", None, _text(one, "device_model", "_name"))
            )
    return found


def _gpu(item: Item) -> Gpu:
    vendor = re.search(r"0x([0-9a-f]{4})", str(item.get("spdisplays_vendor", "")))
    device = str(item.get("spdisplays_device-id", "")).replace("0x", "")
    return Gpu(
        vendor_id=vendor.group(1) if vendor else None,
        device_id=clipped(device),
        name=_text(item, "sppci_model", "_name"),
        memory_mib=_mib(_text(item, "spdisplays_vram")),
        integrated=item.get("sppci_bus") == "spdisplays_builtin",
    )


def _displays(document: Item) -> list[Display]:
    found = (
        _display(one)
        for adapter in _items(document, "SPDisplaysDataType")
        for one in _items(adapter, "spdisplays_ndrvs")
    )
    return [display for display in found if display is not None]


def _display(item: Item) -> Display | None:
    """By its EDID where macOS shows it, else by what macOS read from it."""
    built_in = item.get("spdisplays_connection_type") == _BUILT_IN
    seen = edid.parse(_bytes(str(item.get("_spdisplays_edid", ""))))
    if seen is not None:
        return reported_display(seen, built_in)
    vendor = _text(item, "_spdisplays_display-vendor-id")
    if vendor is None:
        return None
    week = _whole(item.get("_spdisplays_display-week")) or 0
    year = _whole(item.get("_spdisplays_display-year")) or 0
    pixels = re.search(r"(\d+) ?x ?(\d+)", str(item.get("_spdisplays_pixels", "")))
    maker, product = _letters(vendor), _text(item, "_spdisplays_display-product-id") or "0"
    serial = None if built_in else _text(item, "_spdisplays_display-serial-number")
    return Display(
        maker=maker,
        product=product,
        built_in=built_in,
        serial_hash=serial_hash(f"{maker} {product}", serial),
        asset_hash=asset_hash(serial),
        name=_text(item, "_name"),
        week=week if 1 <= week <= 54 else None,
        year=year if 1990 < year <= 2245 else None,
        width_px=int(pixels.group(1)) if pixels else None,
        height_px=int(pixels.group(2)) if pixels else None,
    )


def _bytes(text: str) -> bytes:
    try:
        return bytes.fromhex(text.replace("0x", ""))
    except ValueError:
        return b""


def _letters(vendor: str) -> str:
    """ "10ac" is DEL: three letters of five bits each; what is none is kept as it stands."""
    try:
        packed = int(vendor, 16)
    except ValueError:
        return vendor
    codes = [(packed >> shift) & 31 for shift in (10, 5, 0)]
    return "".join(chr(64 + code) for code in codes) if all(1 <= code <= 26 for code in codes) else vendor


def _batteries(document: Item) -> list[Battery]:
    """Cycles, maker and model; macOS states no energy in watt-hours."""
    found = []
    for one in _items(document, "SPPowerDataType"):
        health, model = one.get("sppower_battery_health_info"), one.get("sppower_battery_model_info")
        if not isinstance(health, dict) and not isinstance(model, dict):
            continue
        cycles = _whole((health or {}).get("sppower_battery_cycle_count"))
        found.append(
            Battery(
                cycles=cycles if cycles is not None and 0 <= cycles < 100_000 else None,
                maker=_text(model or {}, "sppower_battery_manufacturer"),
                model=_text(model or {}, "sppower_battery_device_name"),
            )
        )
    return found
