"""What stages, criteria, categories and groupings are called where a person reads them."""

from __future__ import annotations

from parcimetre_factors.criteria import Criterion, Stage

from ..base.i18n import mark
from ..base.org_path import SMALL

CRITERIA = {
    Criterion.GWP: mark("Climate"),
    Criterion.ADPE: mark("Metals and minerals"),
    Criterion.PE: mark("Primary energy"),
}
STAGES = {
    Stage.USE: mark("Use"),
    Stage.MANUFACTURING: mark("Manufacturing"),
    Stage.DISTRIBUTION: mark("Distribution"),
    Stage.END_OF_LIFE: mark("End of life"),
}
CATEGORIES = {
    "server": mark("Server"),
    "desktop": mark("Desktop"),
    "laptop": mark("Laptop"),
    "all_in_one": mark("All-in-one"),
    "mini_pc": mark("Mini PC"),
    "monitor": mark("Monitor"),
    "printer": mark("Printer"),
    "network": mark("Network device"),
    "tablet": mark("Tablet"),
    "phone": mark("Phone"),
    "docking_station": mark("Docking station"),
    "projector": mark("Projector"),
    "ip_phone": mark("IP phone"),
    "pdu": mark("PDU"),
    "ups": mark("UPS"),
    "virtual_machine": mark("Virtual machine"),
    "other": mark("Other"),
}
SUPPLIES = {
    "toner": mark("Toner"),
    "waste toner": mark("Room for waste toner"),
    "ink": mark("Ink"),
    "drum": mark("Drum"),
    "developer": mark("Developer"),
    "fuser": mark("Fuser"),
    "other": mark("Other"),
}
COLOURS = {
    "black": mark("black"),
    "cyan": mark("cyan"),
    "magenta": mark("magenta"),
    "yellow": mark("yellow"),
}
NOT_COUNTED = {
    "seen_at_home": mark("not counted (seen at home)"),
    "displays_none": mark("not counted (displays = none)"),
}
EVIDENCE = {
    "product": mark("product footprint of the manufacturer"),
    "components": mark("from its components"),
    "category": mark("average of the category"),
    "host_share": mark("share of a typical host"),
}
TIERS = {
    "slot": mark("observed quarter hours"),
    "profile": mark("usual profile"),
    "year": mark("mean of the year"),
    "contract": mark("supplier's contract"),
    "residual": mark("residual mix"),
}
GROUPS = {
    "org_unit": mark("Org unit"),
    "site": mark("Site"),
    "category": mark("Category"),
    "device": mark("Device"),
    "stage": mark("Stage of life"),
    "component": mark("Component"),
    "power_source": mark("Power source"),
    "model": mark("Model"),
}
CHANGES = {
    "joined": mark("Devices that joined"),
    "left": mark("Devices that left"),
    "moved": mark("Devices that moved"),
    "service": mark("Time in service"),
    "use": mark("Electricity used"),
    "grid": mark("Impact of a kilowatt-hour"),
    "coverage": mark("Time with a record"),
    "embodied": mark("Embodied impact"),
    "factors": mark("Factor set"),
    "several": mark("Other reasons, together"),
}
WHY = {
    "joined": mark("use and embodied impact of devices that were not in service before"),
    "left": mark("use and embodied impact of devices that are no longer in service"),
    "moved": mark("devices that came from other org units, or went to them"),
    "service": mark("devices of both periods that were longer or shorter in service"),
    "use": mark("more or less electricity in an hour that has a record"),
    "grid": mark("the grid's electricity, or where devices stand, is another one"),
    "coverage": mark("more or less time with a record; what has none counts nothing"),
    "embodied": mark("service lives that began or ended, devices that were scrapped"),
    "factors": mark("the earlier period was told with another factor set"),
    "several": mark("fewer than 5 devices are behind one of them"),
}
ROLE_TITLES = {"viewer": mark("viewer"), "analyst": mark("analyst"), "admin": mark("admin")}
QUALITIES = {"": "", "estimate": mark("estimate"), "disputed": mark("disputed")}
POWER_SOURCES = {
    "wall_ac": mark("meter at the wall"),
    "psu_dc": mark("server's own meter (BMC)"),
    "platform": mark("platform counter"),
    "battery": mark("battery discharge"),
    "components": mark("processor counters and model"),
    "load_model": mark("load model"),
    "state_model": mark("state model"),
    "embodied": mark("Embodied"),
}


def title(group_by: str | None, group: str) -> str:
    """Fixed English title of a group, or the group's own name where it has one."""
    if group.rsplit("/", maxsplit=1)[-1] == SMALL:
        return mark("groups of fewer than 5 devices, together")
    match group_by:
        case "stage":
            return {str(stage): name for stage, name in STAGES.items()}.get(group, group)
        case "component":
            return STAGES[Stage.USE] if group == Stage.USE else group
        case "category":
            return CATEGORIES.get(group, group)
        case "power_source":
            return POWER_SOURCES.get(group, group)
        case _:
            return group
