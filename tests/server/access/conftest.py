"""Two communes that share a collector: A with eight devices in two directorates, B with six, and tokens."""

import shutil
from dataclasses import replace
from types import SimpleNamespace

import pytest
from parcimetre_server.access.opening import open_context
from parcimetre_server.access.tokens import create_token
from parcimetre_server.base.scope import ROLES
from parcimetre_server.configuration.settings import Settings
from parcimetre_server.grid import supply_contracts
from parcimetre_server.store.records import DeviceId, Fact, WriteBatch

from tests.server.conftest import DAY_S, NOW, SLOT_S, TODAY, Reader, enrolled, inventory, slot

A, B = "Métropole/Aubeclair", "Métropole/Boisverre"
UNITS = [f"{A}/Mairie"] * 6 + [f"{A}/Police"] * 2 + [f"{B}/Secretariatb"] * 5 + [f"{B}/Schoolb"]
OTHERS = ("Boisverre", "Secretariatb", "Schoolb", "Siteofb", "hostofb", "b0b0b0", "Fournisseurb", "Modelb")


def communes_device(i, unit):
    """The i-th device, six days of half-days; names of B's tell whose it is."""
    of_b = unit.startswith(B)
    key = DeviceId(f"{'b0b0b0' if of_b else 'a0a0a0'}{i:026d}")
    made = inventory("desktop" if i % 4 else "laptop", model="Modelb 1" if of_b else "Latitude 5420")
    about = {"hostname": f"{'hostofb' if of_b else 'hostofa'}{i}", "site": "Siteofb" if of_b else "Siteofa"}
    starts = range(TODAY - 6 * DAY_S, NOW // SLOT_S * SLOT_S, 2 * SLOT_S)
    slots = [slot(start, awake_s=100 * (i % 8) + 100, off_s=0) for start in starts]
    return WriteBatch(key, slots, enrolled(key, made.category, unit, made, **about))


@pytest.fixture(scope="session")
def communes_folder(tmp_path_factory):
    """Return the data folder of the collector of two communes, of which each test gets a copy."""
    folder, then = tmp_path_factory.mktemp("communes") / "two", TODAY - 9 * DAY_S
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("parcimetre_server.base.clock.now", lambda: NOW)
        store = open_context(Settings(folder), create=True).store
        for name in ("Siteofa", "Siteofb"):
            store.append([Fact("site", name, then, {"zone": "FR"})])
        store.append([Fact("org_unit", path, then, {}) for path in ("Métropole", A, B, *set(UNITS))])
        store.write([communes_device(i, unit) for i, unit in enumerate(UNITS)])
        store.close()
    return folder


@pytest.fixture
def communes(tmp_path, clock_at, communes_folder):
    """Their collector, which asks everybody for a token, and a token of A for each role."""
    folder = shutil.copytree(communes_folder, tmp_path / "two")
    settings = Settings(folder, organisation="Métropole")
    context = open_context(settings)
    one = {"product": "P", "kg_per_kwh": "0.02", "at_meter": "yes", "evidence": "E", "from": "2026-01-01"}
    stated = [{**one, "supplier": "Fournisseurb", "site": "Siteofb"}, {**one, "supplier": "F", "org_unit": A}]
    supply_contracts.add_contracts(context.store, stated, context.zone, context.now())
    tokens = {role: create_token(context, role, role, A)[1] for role in ROLES}
    yield SimpleNamespace(context=context, tokens=tokens, settings=settings)
    context.store.close()


@pytest.fixture
def asking(communes, client_of):
    """Make somebody who asks: `asking("viewer")`, `asking(token="pt_...")`, with settings if any."""
    made = {}

    def make(role=None, token=None, address="127.0.0.1", **settings):
        key = str(sorted(settings.items()))
        if key not in made:
            context = replace(communes.context, settings=replace(communes.settings, **settings))
            made[key] = client_of(context).app
        return Reader(made[key], communes.tokens[role] if role else token, address)

    return make
