"""What the engine computes in a second, beside numpy's own limit and beside BoaviztAPI on the same servers.

Everything is measured in this one run, on one core of this machine: read the ratios. BoaviztAPI is installed
from PyPI into a folder of its own; without a network it is left out, and that is said.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from itertools import product
from pathlib import Path

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"

import numpy as np
from numpy.typing import NDArray
from parcimetre_factors.activity import SLOT_S, Activity
from parcimetre_factors.embodied.evidence import embodied
from parcimetre_factors.grid.intensity import intensity
from parcimetre_factors.hardware.description import Cpu, Disk, Hardware, Memory, PowerSupply
from parcimetre_factors.power.model import power_model
from parcimetre_factors.tables.factor_set import load_factor_set
from parcimetre_factors.uncertainty.monte_carlo import DRAWS, HIGH, LOW
from parcimetre_server.footprint.uncertainty import bounds

Array = NDArray[np.float64]
FACTORS = load_factor_set()
SLOTS, ROUNDS_S = 96 * 28, 3.0
LEVELS = (1, 100, 15_000)
FLEET, AIM_SLOTS, AIM_RATIO = 15_000, 20e6, 1000.0
CPUS = ("Intel Xeon Gold 6134", "Intel Xeon Silver 4114", "AMD EPYC 7763", "Intel Xeon E5-2660 v3",
        "Intel Xeon Platinum 8480+")  # fmt: skip
BOAVIZTAPI = """
import json, sys, time
from fastapi.testclient import TestClient
from boaviztapi.main import app
bodies = json.loads(sys.stdin.read())
with TestClient(app) as client:
    ask = lambda i: client.post("/v1/server/?verbose=false", json=bodies[i % len(bodies)]).raise_for_status()
    ask(0)
    start, done = time.perf_counter(), 0
    while time.perf_counter() - start < 5:
        ask(done)
        done += 1
print(done / (time.perf_counter() - start))
"""


def main() -> int:
    """Measure, print, and fail when an aim is missed."""
    slots_s, limit_s = slot_rate(), multiply_rate()
    print(f"device-slots a second: {slots_s / 1e6:.1f} M; numpy's multiply and add of the same: "
          f"{limit_s / 1e6:.1f} M; ratio {slots_s / limit_s:.2f}")  # fmt: skip
    distinct = rate(
        configurations(), lambda server: (power_model(server, FACTORS), embodied(server, FACTORS))
    )
    fleet_s = fleet_rate()
    print(f"distinct servers a second: {distinct:.0f}; devices of a fleet of {FLEET}: {fleet_s:.0f}")
    for groups, (seconds, limit) in fleet_intervals().items():
        print(f"intervals of {FLEET} devices in {groups} groups: {seconds * 1000:.1f} ms; "
              f"numpy's quantiles alone: {limit * 1000:.1f} ms; ratio {seconds / limit:.1f}")  # fmt: skip
    peer = boaviztapi()
    print(f"aim: at least {AIM_SLOTS / 1e6:g} M device-slots a second: {verdict(slots_s >= AIM_SLOTS)}")
    if peer is None:
        print("BoaviztAPI: not compared, it could not be installed from PyPI")
        return 0 if slots_s >= AIM_SLOTS else 1
    print(f"BoaviztAPI: {peer:.1f} servers a second; ratio {distinct / peer:.0f} for distinct servers, "
          f"{fleet_s / peer:.0f} for a fleet")  # fmt: skip
    print(f"aim: at least {AIM_RATIO:g} times its devices in a fleet: {verdict(fleet_s >= AIM_RATIO * peer)}")
    return 0 if slots_s >= AIM_SLOTS and fleet_s >= AIM_RATIO * peer else 1


def slot_rate() -> float:
    """Slots of which use is computed in a second: deciles and states to joules, joules to kg CO2 eq."""
    model, slots = power_model(next(iter(configurations())), FACTORS), activity()
    grid = intensity("FR", slots.start, FACTORS)
    assert grid is not None
    kg_per_j = grid.kg_per_kwh / 3.6e6
    return SLOTS * repeated(lambda: model.energy_j(slots) @ kg_per_j)


def multiply_rate() -> float:
    """The same numbers only multiplied and added: deciles and states times watts, times intensity."""
    columns, weights = np.random.default_rng(1).random((SLOTS, 13)), np.random.default_rng(2).random(13)
    intensities = np.random.default_rng(3).random(SLOTS)
    return SLOTS * repeated(lambda: (columns @ weights) @ intensities)


def activity() -> Activity:
    """Four weeks of a server that is always on."""
    random, none = np.random.default_rng(0), np.zeros(SLOTS)
    load = random.dirichlet(np.ones(10), SLOTS) * SLOT_S
    start = 1_717_459_200 + SLOT_S * np.arange(SLOTS)
    return Activity(start, none, np.full(SLOTS, float(SLOT_S)), none, none, load)


def configurations() -> list[Hardware]:
    """Servers of which no two are alike."""
    kinds = product(CPUS, (1, 2), (4, 8, 12, 16), (16, 32, 64), (1, 2, 4))
    return [
        Hardware("server", cpus=(Cpu(cpu, chips),), memory=(Memory(gb, modules),),
                 disks=(Disk("ssd", 960, disks),), power_supplies=PowerSupply(2, 2.99))
        for cpu, chips, modules, gb, disks in kinds
    ]  # fmt: skip


def rate(servers: list[Hardware], work: Callable[[Hardware], object]) -> float:
    """Servers a second, each once."""
    start = time.perf_counter()
    for server in servers:
        work(server)
    return len(servers) / (time.perf_counter() - start)


def fleet_rate() -> float:
    """Devices a second where many are alike, as the collector has them: each kind once, then looked up."""
    servers, known = configurations(), {}
    start = time.perf_counter()
    for i in range(FLEET):
        server = servers[i % len(servers)]
        if server not in known:
            known[server] = power_model(server, FACTORS), embodied(server, FACTORS)
    return FLEET / (time.perf_counter() - start)


def fleet_intervals() -> dict[int, tuple[float, float]]:
    """Seconds for a fleet's intervals, as a whole, by org unit and by device, and for quantiles alone.

    Every device has its model's sheet, a service life, a modelled and a measured part of its use.
    """
    random = np.random.default_rng(4)
    sheets = [factor.id for factor in FACTORS.table("products") if factor.stage == "manufacturing"][:400]
    use = ("grid.fr.2024.gwp", "losses.fr")
    devices = [
        {errors: random.random(1) for errors in (
            use, (*use, "power.laptop.error"), (sheets[i % len(sheets)], "life.laptop"))}
        for i in range(FLEET)
    ]  # fmt: skip
    found = {}
    for groups in LEVELS:
        tallies: list[dict[tuple[str, ...], Array]] = [{} for _ in range(groups)]
        for i, device in enumerate(devices):
            for errors, amount in device.items():
                tallies[i % groups][errors] = tallies[i % groups].get(errors, 0.0) + amount
        draws = random.random((groups, DRAWS))
        ours, limit = (
            1 / repeated(work)
            for work in (
                lambda tallies=tallies: bounds(tallies, 1, FACTORS),
                lambda draws=draws: np.quantile(draws, (LOW, HIGH), axis=1),
            )
        )
        found[groups] = ours, limit
    return found


def repeated(work: Callable[[], object]) -> float:
    """Times a second."""
    work()
    start, done = time.perf_counter(), 0
    while time.perf_counter() - start < ROUNDS_S:
        work()
        done += 1
    return done / (time.perf_counter() - start)


def boaviztapi() -> float | None:
    """Servers that BoaviztAPI answers in a second, in one process; None where it cannot be installed."""
    bodies = [
        {"configuration": {"cpu": {"units": cpu.units, "name": cpu.model},
                           "ram": [{"units": m.units, "capacity": m.gb} for m in server.memory],
                           "disk": [{"units": d.units, "type": "ssd", "capacity": 960} for d in server.disks],
                           "power_supply": {"units": 2, "unit_weight": 2.99}}}
        for server in configurations() for cpu in server.cpus
    ]  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        python = Path(folder) / "venv" / "bin" / "python"
        install = [str(python), "-m", "pip", "install", "--quiet", "boaviztapi==2.5.0", "httpx"]
        try:
            subprocess.run([sys.executable, "-m", "venv", str(python.parents[1])], check=True)
            subprocess.run(install, check=True, capture_output=True, timeout=300)
        except (subprocess.SubprocessError, OSError):
            return None
        answer = subprocess.run(
            [str(python), "-c", BOAVIZTAPI],
            input=json.dumps(bodies),
            capture_output=True,
            text=True,
            check=True,
        )
        return float(answer.stdout.splitlines()[-1])


def verdict(held: bool) -> str:
    """Whether an aim is met."""
    return "held" if held else "MISSED"


if __name__ == "__main__":
    sys.exit(main())
