"""Notes and labels of the terms of an explanation."""

from __future__ import annotations

from parcimetre_factors.criteria import Stage
from parcimetre_factors.power.power_sources import DECILES
from parcimetre_factors.service_life.amortisation import Policy

from ...base.i18n import N_

LIFE_BEGINNING = N_("beginning of the service life")
LIFE_FROM = {
    "known": N_("The service life counts from the purchase."),
    "estimated": N_(
        "The purchase date is estimated from the year of the panel and the date of the firmware."
    ),
    "unknown": N_("The purchase date is not known: the service life counts from the first report."),
}
LIFE_OVER = N_("The service life ended within the period or before it: no embodied impact accrues after it.")
EACH_SLOT = N_("The value of each slot is told by GET /v1/grid/{zone}.")
EACH_CONTRACT = N_("Each slot is told in full where the period is two days or shorter.")
NO_RECORD = N_("The device sent no record of this period.")
NO_PURCHASE_YEAR = N_("The year of purchase is not known: the service life carries the embodied impact.")
SECOND_LIFE = N_(
    "The device was bought reconditioned: what making it cost accrues until its first service life is over, "
    "its preparation over its second."
)
MONITOR_NOTE = N_(
    "A monitor: lit while the display of the machine that drives it is on, in standby for the "
    "rest of that machine's time; each time names the machine that told it."
)
SCRAPPED = N_("The device was scrapped: what its service life had left counts on that day.")
ACCRUED = {
    Policy.SERVICE_LIFE: N_("slots of the period in service"),
    Policy.PURCHASE_YEAR: N_("share of the year of purchase in the period"),
    Policy.ACTIVE_HOUR: N_("active hours of the period"),
}
MARKET = N_(
    "Market-based: where a supplier's contract holds, its factor counts; else the residual mix of the zone, "
    "or the grid by location where none is known."
)
HOURS_KEPT = N_(
    "Of older parts of this time hours are kept: each hour's energy is exact, and shared "
    "equally among its quarter hours."
)
DAYS_KEPT = N_(
    "Of the oldest parts of this time days are kept: each day's energy is exact, and shared "
    "equally among its quarter hours."
)
GIVEN_ON = N_("energy given on over its ports, which counts where it went")
BY_OUTLETS = N_(
    "Outlets that feed the device tell what it took, in quarter hours that all of them counted nearly whole."
)
OWN_SHARE = N_("A virtual machine: these are its estimated shares of a typical host, not measurements.")
STAGE_LABELS = {
    Stage.MANUFACTURING: N_("manufacturing, share of the period"),
    Stage.DISTRIBUTION: N_("distribution, share of the period"),
    Stage.END_OF_LIFE: N_("end of life, share of the period"),
}
LOAD_STATE_LABELS = dict.fromkeys(DECILES, N_("awake, at this load")) | {
    "display": N_("display on"),
    "asleep": N_("asleep"),
    "off": N_("off"),
    "remainder": N_("rest of the device beside its counters"),
}
