"""The simulated fleet: devices and sites of a metropolis of fifteen organisations."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b

import numpy as np
from parcimetre_agent.report import Category, Inventory, OperatingSystem

from .habits import DemoHabits, always_on, on_a_desk, on_the_move
from .hardware import (
    DEBIAN,
    UBUNTU,
    WINDOWS_10,
    WINDOWS_11,
    WINDOWS_SERVER,
    Model,
    configuration,
    inventory,
    pick_model,
)

METROPOLIS = "Métropole de Démonstration"
ZONE = "FR"
DEVICE_DRAWS = 24
DOCKED, SHARED = 0.5, 0.1  # shares of the laptops


@dataclass(frozen=True)
class Organisation:
    """An invented commune (or the metropolis itself), its share of the fleet, and where its people work."""

    name: str
    code: str
    share: float
    places: tuple[str, ...]

    @property
    def org_unit(self) -> str:
        """Path of its org unit."""
        return f"{METROPOLIS}/{self.name}"

    def site(self, place: str) -> str:
        """Name of the site at one of its places."""
        return f"{self.name}, {place}"


TOWN = ("hôtel de ville", "services techniques", "médiathèque", "groupe scolaire")
VILLAGE = ("mairie", "groupe scolaire")
DATACENTRE = "centre de données"
CENTRAL = Organisation("Services métropolitains", "MET", 0.22, ("siège", "centre technique", DATACENTRE))
LARGEST = Organisation("Clairval-sur-Onde", "CLA", 0.27, TOWN)
ORGANISATIONS = (
    CENTRAL,
    LARGEST,
    Organisation("Montfleuri-le-Haut", "MTF", 0.09, TOWN),
    Organisation("Beaurivage-les-Tilleuls", "BEA", 0.08, TOWN),
    Organisation("Portvieux-en-Rade", "PVR", 0.07, TOWN),
    Organisation("Sainte-Ambroisine", "SAM", 0.05, TOWN),
    Organisation("Rochegrise-la-Neuve", "RGN", 0.04, TOWN),
    Organisation("Villebrume", "VBR", 0.04, TOWN),
    Organisation("Saint-Elphège-des-Bois", "SEB", 0.03, VILLAGE),
    Organisation("Pré-Lambert", "PLB", 0.03, VILLAGE),
    Organisation("Castelombre", "CTB", 0.02, VILLAGE),
    Organisation("Les Hautes-Airelles", "LHA", 0.02, VILLAGE),
    Organisation("Fontmarine", "FMA", 0.02, VILLAGE),
    Organisation("Valserène", "VSR", 0.01, VILLAGE),
    Organisation("Courbépine-sur-Lande", "CBL", 0.01, VILLAGE),
)
LARGER_SITES = (
    *((CENTRAL, place) for place in CENTRAL.places if place != DATACENTRE),
    *((LARGEST, place) for place in LARGEST.places),
)
"""Where more than one in twenty of the fleet stand."""


@dataclass(frozen=True)
class DemoDevice:
    """One simulated device; the same (seed, index) is the same device, whatever the fleet's size.

    `rapl` says whether its agent may read the processor's energy counter.
    """

    seed: int
    index: int
    install_id: str
    fingerprint: str | None
    hostname: str
    org_unit: str
    site: str
    model: Model
    os: OperatingSystem
    habits: DemoHabits
    rapl: bool
    choices: tuple[float, ...]
    screens: tuple[str, ...]

    @property
    def category(self) -> Category:
        """Category of its model."""
        return self.model.category

    @property
    def virtual(self) -> str:
        """Hypervisor that it runs on, or "none"."""
        return self.model.virtual

    @property
    def memory_mib(self) -> int:
        """Memory of the configuration it was bought in."""
        modules, gib = configuration(self.model.memory, self.choices[0])
        return modules * gib * 1024

    def inventory(self, taken_at: int) -> Inventory:
        """What its agent would find, dated `taken_at` (seconds UTC)."""
        return inventory(self.model, self.os, taken_at, self.choices, self.screens)


def fleet(size: int, seed: int) -> Iterator[DemoDevice]:
    """The first `size` devices of the fleet that belongs to `seed`, one at a time."""
    for index in range(size):
        yield device(index, seed)


def device(index: int, seed: int) -> DemoDevice:
    """Device number `index` of the fleet that belongs to `seed`."""
    u = uniforms(DEVICE_DRAWS, seed, index)
    model = pick_model(u[0], u[1])
    organisation = organisation_of(model.category, u[2])
    os = _os(model, u[5])
    place = place_of(organisation, model.category, u[3])
    return DemoDevice(
        seed=seed,
        index=index,
        install_id=hashed("install", seed, index),
        fingerprint=None if model.virtual != "none" else hashed("firmware", seed, index),
        hostname=f"demo-{organisation.code.lower()}-{index:06}",
        org_unit=organisation.org_unit,
        site=organisation.site(place),
        model=model,
        os=os,
        habits=_habits(model.category, u[6:14]),
        rapl=model.virtual == "none" and (os in (DEBIAN, UBUNTU) or u[14] < 0.1),
        choices=tuple(u[15:21]),
        screens=tuple(_screens(model.category, organisation.site(place), seed, index, u[19], u[21])),
    )


def _screens(category: Category, site: str, seed: int, index: int, u: float, docked: float) -> Iterator[str]:
    """Hashed serial numbers of the monitors on its desk; some laptops share one with others of their site."""
    if category in ("desktop", "mini_pc"):
        yield from (hashed(f"screen {n}", seed, index) for n in range(2 if u > 0.7 else 1))
    elif category == "laptop" and docked < DOCKED:
        yield hashed("screen 0", seed, index) if docked > SHARED else hashed(f"shared screen {site}", seed, 0)


def uniforms(count: int, *key: int) -> list[float]:
    """`count` numbers in [0, 1) that depend on nothing but the key."""
    drawn: list[float] = np.random.default_rng(key).random(count).tolist()
    return drawn


def hashed(what: str, seed: int, index: int) -> str:
    """Identifier of something simulated, 32 hexadecimal digits: the same for the same words."""
    return blake2b(f"parcimetre demo {what} {seed} {index}".encode(), digest_size=16).hexdigest()


def organisation_of(category: Category, u: float) -> Organisation:
    """Half of the servers and virtual machines stand at the metropolis, the rest goes by share."""
    if category in ("server", "virtual_machine"):
        if u < 0.5:
            return CENTRAL
        u = 2 * u - 1
    for organisation in ORGANISATIONS:
        if u < organisation.share:
            return organisation
        u -= organisation.share
    return CENTRAL


def place_of(organisation: Organisation, category: Category, u: float) -> str:
    """Where in an organisation a device of the category stands, at quantile `u` of its places."""
    if category in ("server", "virtual_machine"):
        return DATACENTRE if organisation is CENTRAL else organisation.places[0]
    offices = [place for place in organisation.places if place != DATACENTRE]
    return offices[int(u * len(offices))]


def _os(model: Model, u: float) -> OperatingSystem:
    if model.category in ("server", "virtual_machine"):
        return DEBIAN if u < 0.65 else WINDOWS_SERVER
    if u < 0.12:
        return UBUNTU
    return WINDOWS_10 if model.years[1] <= 2019 else WINDOWS_11


def _habits(category: Category, u: Sequence[float]) -> DemoHabits:
    if category in ("server", "virtual_machine"):
        return always_on(u)
    if category == "laptop":
        return on_the_move(u)
    return on_a_desk(u)
