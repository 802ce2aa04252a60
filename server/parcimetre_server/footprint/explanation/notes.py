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
    "A monitor counts as on while the display of its computer is on, and as in standby for the rest "
    "of that computer's time; each duration names the computer that reported it."
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
    "For the older part of this period, only hours are stored: each hour's energy is exact and is "
    "shared equally among its quarter hours."
)
DAYS_KEPT = N_(
    "For the oldest part of this period, only days are stored: each day's energy is exact and is "
    "shared equally among its quarter hours."
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
