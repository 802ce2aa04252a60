"""Notes and labels of the terms of an explanation."""

from __future__ import annotations

from parcimetre_factors.criteria import Stage
from parcimetre_factors.power.power_sources import DECILES
from parcimetre_factors.service_life.amortisation import Policy

from ...base.i18n import mark

LIFE_BEGINNING = mark("beginning of the service life")
LIFE_FROM = {
    "known": mark("The service life counts from the purchase."),
    "estimated": mark(
        "The purchase date is estimated from the year of the panel and the date of the firmware."
    ),
    "unknown": mark("The purchase date is not known: the service life counts from the first report."),
}
LIFE_OVER = mark(
    "The service life ended within the period or before it: no embodied impact accrues after it."
)
EACH_SLOT = mark("The value of each slot is told by GET /v1/grid/{zone}.")
EACH_CONTRACT = mark("Each slot is told in full where the period is two days or shorter.")
NO_RECORD = mark("The device sent no record of this period.")
NO_YEAR = mark("The year of purchase is not known: the service life carries the embodied impact.")
SECOND_LIFE = mark(
    "The device was bought reconditioned: what making it cost accrues until its first service life is over, "
    "its preparation over its second."
)
DRIVEN = mark(
    "A monitor: lit while the display of the machine that drives it is on, in standby for the rest of that "
    "machine's time; each time names the machine that told it."
)
SCRAPPED = mark("The device was scrapped: what its service life had left counts on that day.")
ACCRUED = {
    Policy.SERVICE_LIFE: mark("slots of the period in service"),
    Policy.PURCHASE_YEAR: mark("share of the year of purchase in the period"),
    Policy.ACTIVE_HOUR: mark("active hours of the period"),
}
MARKET = mark(
    "Market-based: where a supplier's contract holds, its factor counts; else the residual mix of the zone, "
    "or the grid by location where none is known."
)
HOURS_KEPT = mark(
    "Of older parts of this time hours are kept: each hour's energy is exact, and shared equally among its "
    "quarter hours."
)
DAYS_KEPT = mark(
    "Of the oldest parts of this time days are kept: each day's energy is exact, and shared equally among "
    "its quarter hours."
)
GIVEN_ON = mark("energy given on over its ports, which counts where it went")
BY_OUTLETS = mark(
    "Outlets that feed the device tell what it took, in quarter hours that all of them counted nearly whole."
)
OWN_SHARE = mark("A virtual machine: these are its estimated shares of a typical host, not measurements.")
STAGE_LABELS = {
    Stage.MANUFACTURING: mark("manufacturing, share of the period"),
    Stage.DISTRIBUTION: mark("distribution, share of the period"),
    Stage.END_OF_LIFE: mark("end of life, share of the period"),
}
PIECE_LABELS = dict.fromkeys(DECILES, mark("awake, at this load")) | {
    "display": mark("display on"),
    "asleep": mark("asleep"),
    "off": mark("off"),
    "remainder": mark("rest of the device beside its counters"),
}
