"""Labels for people: criteria, stages, categories, groupings, power sources, states, reasons of changes."""

from __future__ import annotations

from parcimetre_factors.criteria import Criterion, Stage

from ..base.i18n import N_
from ..base.org_path import SMALL

CRITERIA = {
    Criterion.GWP: N_("Climate"),
    Criterion.ADPE: N_("Metals and minerals"),
    Criterion.PE: N_("Primary energy"),
}
STAGES = {
    Stage.USE: N_("Use"),
    Stage.MANUFACTURING: N_("Manufacturing"),
    Stage.DISTRIBUTION: N_("Distribution"),
    Stage.END_OF_LIFE: N_("End of life"),
}
CATEGORIES = {
    "server": N_("Server"),
    "desktop": N_("Desktop"),
    "laptop": N_("Laptop"),
    "all_in_one": N_("All-in-one"),
    "mini_pc": N_("Mini PC"),
    "monitor": N_("Monitor"),
    "printer": N_("Printer"),
    "network": N_("Network device"),
    "tablet": N_("Tablet"),
    "phone": N_("Phone"),
    "docking_station": N_("Docking station"),
    "projector": N_("Projector"),
    "ip_phone": N_("IP phone"),
    "pdu": N_("PDU"),
    "ups": N_("UPS"),
    "virtual_machine": N_("Virtual machine"),
    "other": N_("Other"),
}
SUPPLIES = {
    "toner": N_("Toner"),
    "waste toner": N_("Room for waste toner"),
    "ink": N_("Ink"),
    "drum": N_("Drum"),
    "developer": N_("Developer"),
    "fuser": N_("Fuser"),
    "other": N_("Other"),
}
COLOURS = {
    "black": N_("black"),
    "cyan": N_("cyan"),
    "magenta": N_("magenta"),
    "yellow": N_("yellow"),
}
NOT_COUNTED = {
    "seen_at_home": N_("not counted (seen at home)"),
    "displays_none": N_("not counted (displays = none)"),
    "waits_to_be_joined": N_("not counted while the earlier device reports (waits to be joined)"),
}
JOINED = {
    "machine": N_("machine enrolled again"),
    "server": N_("server and its BMC"),
    "monitor": N_("monitor on another computer"),
}
EVIDENCE = {
    "product": N_("product footprint of the manufacturer"),
    "components": N_("from its components"),
    "category": N_("average of the category"),
    "host_share": N_("share of a typical host"),
}
TIERS = {
    "slot": N_("observed quarter hours"),
    "profile": N_("usual profile"),
    "year": N_("mean of the year"),
    "contract": N_("supplier's contract"),
    "residual": N_("residual mix"),
}
GROUPS = {
    "org_unit": N_("Org unit"),
    "site": N_("Site"),
    "category": N_("Category"),
    "device": N_("Device"),
    "stage": N_("Stage of life"),
    "component": N_("Component"),
    "power_source": N_("Power source"),
    "model": N_("Model"),
}
CHANGES = {
    "joined": N_("Devices that joined"),
    "left": N_("Devices that left"),
    "moved": N_("Devices that moved"),
    "service": N_("Time in service"),
    "use": N_("Electricity used"),
    "grid": N_("Impact of a kilowatt-hour"),
    "coverage": N_("Time with a record"),
    "embodied": N_("Embodied impact"),
    "factors": N_("Factor set"),
    "several": N_("Other reasons, together"),
}
CHANGE_REASONS = {
    "joined": N_("use and embodied impact of devices that were not in service before"),
    "left": N_("use and embodied impact of devices that are no longer in service"),
    "moved": N_("devices that came from other org units, or went to them"),
    "service": N_("devices of both periods that were in service for longer or shorter"),
    "use": N_("more or less electricity per recorded hour"),
    "grid": N_("the grid's electricity or the location of devices changed"),
    "coverage": N_("more or less recorded time; time without a record counts as zero"),
    "embodied": N_("service lives that began or ended, devices that were scrapped"),
    "factors": N_("the earlier period was computed with another factor set"),
    "several": N_("one of them has fewer than 5 devices"),
}
ROLE_LABELS = {
    "viewer": N_("viewer"),
    "analyst": N_("analyst"),
    "technician": N_("technician"),
    "presence": N_("presence"),
    "dpo": N_("data protection officer"),
    "admin": N_("admin"),
}
QUALITIES = {"": "", "estimate": N_("estimate"), "disputed": N_("disputed")}
POWER_SOURCE_LABELS = {
    "wall_ac": N_("meter at the wall"),
    "psu_dc": N_("server's own meter (BMC)"),
    "platform": N_("platform counter"),
    "battery": N_("battery discharge"),
    "components": N_("processor counters and model"),
    "load_model": N_("load model"),
    "state_model": N_("state model"),
    "embodied": N_("Embodied"),
}
PERIOD_LABELS = {
    "today": N_("Today"),
    "7d": N_("7 days"),
    "30d": N_("30 days"),
    "week": N_("Week"),
    "month": N_("Month"),
    "year": N_("Year"),
    "own": N_("Own days"),
}
ALTERNATIVES = {
    "as_now": N_("Continue as now"),
    "extend": N_("Keep it {years} years longer"),
    "recondition": N_("Recondition it for a second life"),
    "replace": N_("Replace it now with a new one"),
    "replace_used": N_("Replace it now with a reconditioned one"),
    "night_off": N_("Switch it off at night"),
}
ASSUMPTIONS = {
    "life_goes_on": N_(
        "Assumes the electricity use of the last {days} days; its embodied impact is spread over "
        "its service life."
    ),
    "life_is_over": N_("Assumes the electricity use of the last {days} days; its service life is over."),
    "longer_life": N_(
        "Assumes the same electricity use; its embodied impact is spread over {life} years instead "
        "of {before}."
    ),
    "second_life": N_(
        "Assumes the same electricity use; the impact of reconditioning is spread over a second "
        "life of {life} years."
    ),
    "new_pays_off": N_(
        "Assumes that a new device has the same embodied impact and uses the same electricity; the "
        "unused service life of the old one counts too. The new one must use {kwh} kWh a year less "
        "to be worth it."
    ),
    "new_never_pays_off": N_(
        "Assumes that a new device has the same embodied impact; the unused service life of the old "
        "one counts too. Even with no electricity use at all, replacing is not worth it."
    ),
    "used_one": N_(
        "Assumes the same electricity use; its preparation and the unused service life of the old "
        "one are spread over {life} years."
    ),
    "off_at_night": N_(
        "Assumes that it uses no more from {evening} to {morning} o'clock than when it is off: "
        "{kwh} kWh a year less."
    ),
}


def label(group_by: str | None, group: str) -> str:
    """Return the English label of a group (a msgid), or the group's own name if it has one."""
    if group.rsplit("/", maxsplit=1)[-1] == SMALL:
        return N_("what is too small to be shown apart")
    match group_by:
        case "stage":
            return {str(stage): name for stage, name in STAGES.items()}.get(group, group)
        case "component":
            return STAGES[Stage.USE] if group == Stage.USE else group
        case "category":
            return CATEGORIES.get(group, group)
        case "power_source":
            return POWER_SOURCE_LABELS.get(group, group)
        case _:
            return group


LEFT_OUT = "{n} device is left out of these figures because its data cannot be used:"
LEFT_OUT_MANY = "{n} devices are left out of these figures because their data cannot be used:"
"""Texts of `parts.html` too, where they are marked for translation."""
MOST_NAMED = 20
