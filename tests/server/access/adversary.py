"""A viewer who tries to find figures of single devices: random fleets, linear algebra over HTTP answers.

The adversary knows everything but how a sum was put together, and the hours of each device: of each figure
it finds the devices that it is a sum of by trying all subsets against the true amounts, which are random, so
that the right one is found. Each figure is then a linear equation in the amounts of devices by day. A device
is *recovered* if a linear combination of figures is its amount within 1 %: of a day or of all days, its
energy or its impact of a stage. Amounts of embodied impact are taken with the factor that viewers are shown
them by: no device may be separated as long as each day's amount is unknown for itself. But embodied impact
accrues evenly: who knows what part of it falls on each day looks for one amount of each device, and separates
those that join or leave. What he finds is then not within 1 % of their own, because of the factor.
`tools/attack_disclosure.py` attacks many worlds.
"""

from collections import defaultdict

import numpy as np
from parcimetre_factors.criteria import Criterion
from parcimetre_server.access.disclosure import embodied_factor
from parcimetre_server.base.periods import Span, cut, week_of
from parcimetre_server.footprint.compute import compute_footprint
from parcimetre_server.footprint.query import FootprintQuery

from tests.server.conftest import DAY_S

from .random_worlds import DAYS, SITES, world

WITHIN = 0.01
EXACT = 1e-9
STAGES = ("manufacturing", "distribution", "end_of_life")
EVENLY = (("gwp", None), ("pe", None), ("adpe", None))
"""Criteria and policies by which embodied impact accrues evenly with the time in service."""
Key = tuple  # (quantity, device, day, part of it)


class Truth:
    """What each device used, and caused with its factor, on each day, (n, days) by quantity."""

    def __init__(self, world):
        self.ids = sorted({str(key) for key in world.context.store.latest("device")})
        self.row = {key: i for i, key in enumerate(self.ids)}
        self.zones = [SITES[world.context.store.latest("device")[key].body["site"]] for key in self.ids]
        self.world = world
        self._known = {}
        self._span = Span(world.first, world.first + DAYS * DAY_S)

    def of(self, criterion="gwp", electricity="location", policy=None):
        """Amounts by quantity: energy, measured, by zone, use, and ("embodied", stage, component)."""
        key = criterion, electricity, policy
        if key not in self._known:
            query = FootprintQuery(
                self._span, Criterion(criterion), "day", electricity=electricity, amortisation=policy
            )
            self._known[key] = self._amounts(compute_footprint(self.world.context, query))
        return self._known[key]

    def _amounts(self, result):
        amounts = defaultdict(lambda: np.zeros((len(self.ids), DAYS)))
        for cohort in result.cohorts:
            rows = [self.row[str(device.id)] for device in cohort.devices]

            def add(name, of, rows=rows):
                np.add.at(amounts[name], rows, of)

            add("energy", cohort.energy_j.sum(axis=0) / 3.6e6)
            add("measured", cohort.measured_j.sum(axis=0) / 3.6e6)
            if cohort.use is not None:
                add("use", cohort.use.sum(axis=0))
            for tier, of in cohort.tier_j.items():
                add(("tier", cohort.device.zone, tier), of.sum(axis=0) / 3.6e6)
            factors = np.array([self.factor(str(cohort.criterion), str(key)) for key in cohort.ids])[:, None]
            for part in cohort.model.parts(cohort.criterion, cohort.policy):
                shown = part.per_unit.value * cohort.accrued * factors
                add(("embodied", str(part.stage), part.component), shown)
        return dict(amounts)

    def factor(self, criterion, device):
        """By what a device's embodied impact is multiplied before viewers are shown sums of it."""
        return embodied_factor(device, criterion) if device in self.world.protected else 1.0


def subset(amounts, wanted):
    """Return which devices' amounts (n,) add up to a figure, None if no or no single subset of them does."""
    some = np.flatnonzero(amounts)
    sums = np.zeros(1)
    for i in some:
        sums = np.concatenate([sums, sums + amounts[i]])
    fits = np.flatnonzero(np.abs(sums - wanted) <= EXACT * max(np.abs(amounts).sum(), 1e-30))
    if len(fits) != 1:
        return None
    return [int(some[bit]) for bit in range(len(some)) if fits[0] >> bit & 1]


class Adversary:
    """Collects figures of a world as equations in the amounts of devices by day."""

    def __init__(self, world):
        self.world, self.truth = world, Truth(world)
        self.equations = defaultdict(list)
        self.undated = defaultdict(list)
        self.by_day = {}
        self.unexplained = []
        self.figures = 0
        self.first, self.last = world.first, world.first + DAYS * DAY_S
        days = cut(Span(self.first, self.last), "day", world.context.zone)
        self.day = {name: i for i, name in enumerate(days.names)}

    def rows(self, **asked):
        """The rows of an answer, none where it is refused."""
        asked = {"from": self.first, "to": self.last, **asked}
        answer = self.world.reader.get(
            "/v1/footprint", params={k: v for k, v in asked.items() if v is not None}
        )
        assert answer.status_code in (200, 403), answer.text
        return answer.json()["rows"] if answer.status_code == 200 else []

    def ask_days(self, group_by=None, org_unit=None, criterion="gwp", electricity="location", policy=None):
        """Ask for figures by day, and add what they say."""
        rows = self.rows(group_by=group_by, org_unit=org_unit, criterion=criterion, electricity=electricity,
                         amortisation=policy, interval="day")  # fmt: skip
        true = self.truth.of(criterion, electricity, policy)
        for row in rows:
            day = self.day[row["period"]]
            row["criterion"] = criterion
            self.figures += 1
            self._add_energy(row, day, true)
            self._add_value(row, day, true, (criterion, electricity, policy), group_by)
        return rows

    def _add_energy(self, row, day, true):
        """The energy of a row, what was measured of it, and its grid tiers."""
        energy = true["energy"][:, day]
        self._add("energy", "energy", energy, row["energy_kwh"], day, row)
        if row["measured_share"] is not None:
            measured_kwh = row["measured_share"] * row["energy_kwh"]
            self._add("energy", "measured", true["measured"][:, day], measured_kwh, day, None)
        for zone, tiers in row["grid_tiers"].items():
            for tier, share in tiers.items():
                of_tier = true.get(("tier", zone, tier))
                if of_tier is not None:
                    self._add("energy", "energy", of_tier[:, day], share * row["energy_kwh"], day, None)

    def _add_value(self, row, day, true, method, group_by):
        """The value of a row: of a stage, of a component, or of use and embodied impact together."""
        criterion, group = method[0], row["group"]
        of = {name: amount[:, day] for name, amount in true.items() if name[0] == "embodied"}
        if row["value"] is None or group_by == "power_source":
            return
        if group == "use":
            self._add_use(row, day, true)
            return
        parts = list(of)
        if group_by in ("stage", "component"):
            at = 1 if group_by == "stage" else 2
            parts = [name for name in of if name[at] == group] or parts
            rest = row["value"]
        else:
            used = subset(true["energy"][:, day], row["energy_kwh"])
            if used is None or method[1] == "market":
                return
            rest = row["value"] - true["use"][used, day].sum() if "use" in true else row["value"]
        whole = np.sum([of[name] for name in parts], axis=0) if parts else np.zeros(len(self.truth.ids))
        if abs(rest) > EXACT * max(abs(row["value"]), 1e-30):
            self._add((criterion, method[2]), tuple(parts), whole, rest, day, row)

    def _add_use(self, row, day, true):
        """The impact of use: energy times the intensity of each device's grid."""
        energy, located = true["energy"][:, day], self.truth.of(row["criterion"])["use"][:, day]
        used = true["use"][:, day]
        of_group = subset(energy, row["energy_kwh"])
        if of_group is None:
            self._missed(row)
            return
        without = np.isin(np.arange(len(energy)), of_group, invert=True)
        changed = np.where(without, 0.0, located - used)
        by_location = subset(changed, row["value"] - used[of_group].sum())
        if by_location is None:
            self._missed(row)
            return
        intensity = {i: (located if i in by_location else used)[i] / energy[i] for i in of_group if energy[i]}
        if self._is_known(intensity, used != located):
            self.equations["energy"].append(
                {("energy", self.truth.ids[i], day): each for i, each in intensity.items()}
            )

    def _is_known(self, intensity, supplied):
        """Whether intensities depend on zone and contract only, and not on the hours of each device."""
        by_place = defaultdict(list)
        for i, each in intensity.items():
            by_place[self.truth.zones[i], bool(supplied[i])].append(each)
        return all(np.ptp(same) <= EXACT * max(same) for same in by_place.values())

    def _add(self, system, name, amounts, figure, day, row):
        found = subset(amounts, figure)
        if found is None:
            if row is not None and abs(figure) > 1e-12:
                self._missed(row)
            return
        if not found:
            return
        ids = [self.truth.ids[i] for i in found]
        if system == "energy":
            self.equations[system].append({("energy", key, day): amounts[i] / self._energy(i, day)
                                           for key, i in zip(ids, found, strict=True)})  # fmt: skip
        else:
            self.equations[system].append({(part, key, day): 1.0 for part in name for key in ids})

    def _energy(self, i, day):
        return self.truth.of()["energy"][i, day] or 1.0

    def _missed(self, row):
        self.unexplained.append({k: row[k] for k in ("group", "period", "energy_kwh", "value")})

    def ask_longer(self, group_by, interval, first, last, org_unit=None):
        """Ask for figures of longer periods: what they are beyond those of their days is one more figure."""
        begin, end = self.first + first * DAY_S, self.first + last * DAY_S
        rows = self.rows(
            group_by=group_by, org_unit=org_unit, interval=interval, **{"from": begin, "to": end}
        )
        edges = cut(Span(begin, end), interval, self.world.context.zone)
        summed = defaultdict(lambda: np.zeros(3))
        for row in self._days_of(group_by, org_unit):
            at = self.first + self.day[row["period"]] * DAY_S
            if begin <= at < end:
                name = edges.names[int(edges.index(np.array([at]))[0])]
                summed[row["group"], name] += [row["energy_kwh"], row["value"], 1]
        true = self.truth.of()
        emb = np.sum([amount for name, amount in true.items() if name[0] == "embodied"], axis=0)
        for row in rows:
            self.figures += 1
            more_j = row["energy_kwh"] - summed[row["group"], row["period"]][0]
            more = row["value"] - summed[row["group"], row["period"]][1]
            if abs(more_j) > EXACT * max(row["energy_kwh"], 1.0):
                self._missed(row)
            if abs(more) > EXACT * 100 * max(row["value"], 1.0) and group_by not in ("stage", "component"):
                self._explain(row, more, emb, list(range(first, last)))

    def _explain(self, row, more, emb, days):
        """Embodied impact that a period has beyond its days: of the same devices on some of them.

        Where it may be that of several days, as when nothing changed between them, the day is not known.
        """
        fits = []
        for n in range(1, len(days) + 1):
            for at in range(len(days) - n + 1):
                chosen = days[at : at + n]
                fits += [(chosen, found)] if (found := subset(emb[:, chosen].sum(axis=1), more)) else []
        if not fits:
            self._missed(row)
            return
        chosen, found = fits[0]
        parts = [name for name in self.truth.of() if name[0] == "embodied"]
        (self.equations if len(fits) == 1 else self.undated)["gwp", None].append({
            (part, self.truth.ids[i], day): 1.0 for part in parts for i in found for day in chosen
        })  # fmt: skip

    def _days_of(self, group_by, org_unit):
        key = group_by, org_unit
        if key not in self.by_day:
            self.by_day[key] = self.rows(group_by=group_by, org_unit=org_unit, interval="day")
        return self.by_day[key]

    def ask_report(self, org_unit=None):
        """The weekly report: what it says beyond the figures by day."""
        week = week_of(self.first + DAY_S, self.world.context.zone)
        params = {"format": "json"} | ({"org_unit": org_unit} if org_unit else {})
        answer = self.world.reader.get(f"/v1/reports/weekly/{week}", params=params)
        assert answer.status_code in (200, 403), answer.text
        if answer.status_code != 200:
            return
        true = self.truth.of()
        for row in answer.json()["by_day"]:
            if row["period"] in self.day:
                self._add_energy(row, self.day[row["period"]], true)

    def attack(self, rng=None, share=1.0):
        """Ask for everything, or a share of it."""
        asks = [
            (self.ask_days, {"group_by": group_by})
            for group_by in (
                None,
                "org_unit",
                "category",
                "site",
                "model",
                "power_source",
                "stage",
                "component",
            )
        ]
        for unit in self.world.units:
            asks += [
                (self.ask_days, {"group_by": group_by, "org_unit": unit})
                for group_by in (None, "stage", "category", "org_unit")
            ]
            asks.append((self.ask_longer, {"group_by": None, "interval": "total", "first": 0, "last": DAYS,
                                           "org_unit": unit}))  # fmt: skip
            asks.append((self.ask_report, {"org_unit": unit}))
        for electricity, criterion, policy in (
            ("market", "gwp", None),
            ("location", "pe", None),
            ("location", "adpe", None),
            ("location", "gwp", "active_hour"),
        ):
            asks += [
                (
                    self.ask_days,
                    {
                        "group_by": group_by,
                        "criterion": criterion,
                        "electricity": electricity,
                        "policy": policy,
                    },
                )
                for group_by in ("stage", "org_unit", "site")
            ]
        for interval, group_by in (
            ("week", "org_unit"),
            ("month", "category"),
            ("total", "site"),
            ("total", None),
        ):
            asks.append(
                (self.ask_longer, {"group_by": group_by, "interval": interval, "first": 1, "last": DAYS})
            )
        asks.append((self.ask_report, {}))
        for i, (ask, about) in enumerate(asks):
            if rng is None or i < 3 or rng.random() < share:
                ask(**about)
        return self

    def recovered(self):
        """Return what is recovered: system, device and day (or None for all days), and part."""
        found = []
        for system, equations in self.equations.items():
            found += [(system, *target) for target in self._separated(system, equations, evenly=False)]
        return found + [target for target in self.separated_evenly() if self._is_told(*target)]

    def separated_evenly(self):
        """Return what is separated by who knows that embodied impact accrues evenly: it with its factor."""
        return [
            (system, *target)
            for system in EVENLY
            for target in self._separated(system, self.equations[system] + self.undated[system], evenly=True)
        ]

    def _is_told(self, system, device, *_):
        """Whether a device's embodied impact with its factor is its own within 1 %."""
        return abs(self.truth.factor(system[0], device) - 1) <= WITHIN

    def _separated(self, system, equations, evenly):
        rows = [self._in_unknowns(system, equation, evenly) for equation in equations]
        unknowns = sorted({key for row in rows for key in row}, key=str)
        at = {key: i for i, key in enumerate(unknowns)}
        unique = {tuple(sorted((at[key], round(value, 15)) for key, value in row.items())) for row in rows}
        matrix = np.zeros((len(unique), len(unknowns)))
        for i, row in enumerate(unique):
            for column, value in row:
                matrix[i, column] = value
        scale = np.abs(matrix).max(axis=1, initial=0.0)
        matrix = matrix[scale > 0] / scale[scale > 0][:, None]
        if not len(matrix):
            return
        _, singular, right = np.linalg.svd(matrix, full_matrices=False)
        basis = right[singular > 1e-9 * singular[0]]
        for name, amounts in self._targets(system, equations, evenly).items():
            target = np.zeros(len(unknowns))
            for key, amount in amounts.items():
                target[at[key]] = amount
            whole = target.sum()
            if whole > 0 and np.linalg.norm(target - basis.T @ (basis @ target)) <= WITHIN * whole:
                yield name

    def _in_unknowns(self, system, equation, evenly):
        """An equation in what is unknown, each in units of its size: with what accrues evenly once."""
        row = defaultdict(float)
        for key, value in equation.items():
            unknown = self._unknown(key, evenly)
            row[unknown] += value * abs(self._amount(system, key))
        return row

    def _unknown(self, key, evenly):
        """What is unknown of an amount: the same on all days, where it accrues evenly."""
        part, device, day = key
        return part, device, None if evenly else day

    def _amount(self, system, key):
        part, device, day = key
        true = self.truth.of() if system == "energy" else self.truth.of(system[0], "location", system[1])
        return true[part][self.truth.row[device], day]

    def _targets(self, system, equations, evenly):
        """Amounts by unknown of each target: a device's energy or stage, of a day and of all days."""
        targets = defaultdict(lambda: defaultdict(float))
        for key in {key for equation in equations for key in equation}:
            part, device, day = key
            if device in self.world.protected:
                what = "energy" if system == "energy" else part[1]
                unknown, amount = self._unknown(key, evenly), abs(self._amount(system, key))
                targets[device, day, what][unknown] += amount
                targets[device, None, what][unknown] += amount
                if system != "energy":
                    targets[device, None, "embodied"][unknown] += amount
        return targets


def attack(seed, share=1.0):
    """Attack the world of a seed; return the adversary and what it recovered."""
    with world(seed) as found:
        adversary = Adversary(found).attack(np.random.default_rng(seed), share)
        return adversary, adversary.recovered()
