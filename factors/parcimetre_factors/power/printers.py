"""Watts of a printer by state, and joules of an impression, from the electricity of a year that is stated.

The ENERGY STAR test of typical consumption (TEC) prints, five days a week, half as many images a day as the
square of the speed, in jobs a quarter of an hour apart. What it takes beyond sleeping goes to its images and
to being ready, in shares that no sheet gives: an estimate. Scaled by measured time and impressions, the same
device used like the test takes what the sheet says. What an inkjet takes is not tested so: estimates.
"""

from __future__ import annotations

from dataclasses import dataclass

from ..explanation.leaves import MINUS, ONE, factor_leaf
from ..explanation.term import Term, leaf, product, quotient, total
from ..hardware.description import Hardware, Printer
from ..tables.factor_set import FactorSet
from .clients import printer_mean

YEAR_H, HOUR_S = 8760.0, 3600.0
VERSION_3_YEAR = 2019
JOB_STRUCTURE = ("fewest_jobs", "most_jobs", "job_h", "days")
IMPRESSION = leaf(
    "impressions a second", 1.0, "1/s", "constant", note="A second at this load is one impression."
)


@dataclass(frozen=True)
class PrinterWatts:
    """Watts ready, asleep and off, and ready with an impression every second; `errors` are of all alike."""

    ready_w: Term
    printing_w: Term
    asleep_w: Term
    off_w: Term
    errors: tuple[str, ...]


@dataclass(frozen=True)
class TestYear:
    """A year of the ENERGY STAR test at a speed: its images, and its hours within a quarter hour of a job."""

    images: float
    awake_h: float


def test_at(speed_ipm: float, sheet_year: int | None, factors: FactorSet) -> TestYear:
    """The test's year at a rated speed in images a minute; newer sheets are of a test with fewer images.

    Method: ENERGY STAR test method for imaging equipment, version 2.0, job structure, without its rounding to
    whole images and without the delay to sleep after the last job.
    """
    by = {name: factors.get(f"power.test.printer.{name}").value for name in JOB_STRUCTURE}
    jobs = min(by["most_jobs"], max(by["fewest_jobs"], speed_ipm))
    images = "images.3" if (sheet_year or 0) >= VERSION_3_YEAR else "images.2"
    by["images"] = factors.get(f"power.test.printer.{images}").value
    return TestYear(by["images"] * speed_ipm**2 * by["days"], jobs * by["job_h"] * by["days"])


def printer_watts(hardware: Hardware, printer: Printer, factors: FactorSet) -> PrinterWatts:
    """By the model's sheet, else by its class: of inkjets, or of lasers by the paper that they take."""
    asleep = factor_leaf("asleep", "power.printer.asleep", factors)
    off = factor_leaf("off", "power.printer.off", factors)
    if printer.marking == "inkjet":
        ready = factor_leaf("ready", "power.inkjet.ready", factors)
        image = factor_leaf("an impression", "power.inkjet.image", factors)
        return PrinterWatts(ready, _printing(ready, image), asleep, off, ("power.inkjet.error",))
    mean, errors, test = _mean(hardware, printer, factors)
    beyond = _beyond_asleep(mean, asleep)
    share = factor_leaf("share of images", "power.printer.image_share", factors)
    rest = total("share of being ready", "1", (ONE, product("images", "1", (MINUS, share))))
    ready = total("ready", "W", (asleep, _in_test("being ready", "W", beyond, rest, test.awake_h / YEAR_H)))
    image = _in_test("an impression", "J/impression", beyond, share, test.images / (YEAR_H * HOUR_S))
    return PrinterWatts(ready, _printing(ready, image), asleep, off, errors)


def _mean(hardware: Hardware, printer: Printer, factors: FactorSet) -> tuple[Term, tuple[str, ...], TestYear]:
    """The mean watts of a stated year, their errors, and the use that they are taken to be of."""
    usual = factors.get("power.printer.speed_a3" if printer.a3 else "power.printer.speed").value
    speed_ipm = printer.speed_ipm or usual
    stated = printer_mean(hardware, factors)
    if stated is not None:
        test = test_at(speed_ipm, stated.year, factors)
        return stated.watts, (*stated.errors, "power.printer.use.error"), test
    name = "power.printer.40_to_99_kg.mean" if printer.a3 else "power.printer.mean"
    return factor_leaf("mean of the year", name, factors), (name,), test_at(speed_ipm, None, factors)


def _beyond_asleep(mean: Term, asleep: Term) -> Term:
    """Mean watts of the year beyond sleeping all of it; never negative."""
    label = "mean of the year beyond asleep"
    beyond = total(label, "W", (mean, product("asleep", "W", (MINUS, asleep))))
    return beyond if beyond.value > 0 else leaf(label, 0.0, "W", "modelled", note="The sheet leaves none.")


def _in_test(label: str, unit: str, beyond: Term, share: Term, part: float) -> Term:
    """What a share of the mean comes to in the part of the test's year that it is spent in."""
    spent = leaf("use in the test, over the year", part, "1" if unit == "W" else "impression/s", "modelled",
                 note="By the job structure of the ENERGY STAR test at the printer's speed.")  # fmt: skip
    return quotient(label, unit, (product(label, "W", (beyond, share)), spent))


def _printing(ready: Term, image: Term) -> Term:
    return total("printing", "W", (ready, product("an impression every second", "W", (image, IMPRESSION))))
