"""A small fleet of known devices in a store of its own, and the real app in front of it."""

import asyncio
import shutil
from dataclasses import asdict, replace
from types import SimpleNamespace

import httpx
import pytest
from parcimetre_agent import report
from parcimetre_server.access.opening import open_context
from parcimetre_server.configuration.settings import Settings
from parcimetre_server.store.records import DeviceId, Fact, WriteBatch
from parcimetre_server.web.app import build

NOW = 1795514827  # Tuesday 2026-11-24, 10:07:07 UTC
TODAY = NOW // 86_400 * 86_400
DAY_S, SLOT_S = 86_400, 900
BASE = "http://127.0.0.1:8787"
MEASURED, GUEST, SILENT = DeviceId("a" * 32), DeviceId("b" * 32), DeviceId("c" * 32)
SERVER = DeviceId("d" * 32)


def slot(start, energy=(), awake_s=900, off_s=0):
    """A slot with the display on and some load, then off, then unknown."""
    deciles = [awake_s - awake_s // 3, awake_s // 3, *([0] * 8)]
    return report.Slot(start, awake_s, 0, 0, off_s, 900 - awake_s - off_s, deciles, energy=list(energy))


def inventory(category, virtual="none", **about):
    """What an agent would see of such a device."""
    system = report.System(maker="Dell Inc.", model=about.pop("model", "Latitude 5420"))
    return report.Inventory(
        taken_at=TODAY, category=category, virtual=virtual, system=system,
        os=report.OperatingSystem("Linux", "Debian GNU/Linux 12"),
        cpus=[report.Cpu("11th Gen Intel(R) Core(TM) i5-1145G7 @ 2.60GHz", 1, 4, 8)],
        memory=[report.MemoryModule(8192), report.MemoryModule(8192)],
        disks=[report.Disk(512_000_000_000, "ssd")], **about,
    )  # fmt: skip


def enrolled(device_id, category, org_unit, made, **about):
    """The facts that enrolment and a first report leave behind."""
    body = {
        "category": category, "org_unit": org_unit, "site": "Hôtel de Ville", "hostname": None,
        "simulated": False, "virtual": made.virtual, "install_id": device_id,
        "enrolled_at": TODAY - 9 * DAY_S, "agent_version": "0.1.0",
    }  # fmt: skip
    return [
        Fact("device", device_id, TODAY - 9 * DAY_S, body | about),
        Fact("inventory", device_id, TODAY - 9 * DAY_S, asdict(made)),
    ]


def arrivals():
    """Nine days of a laptop with counters, a simulated guest, a server, and a device that fell silent."""
    panel = report.Display("DEL", "a0b1", built_in=True, year=2021, width_mm=309, height_mm=174)
    laptop = inventory("laptop", displays=[panel])
    guest = inventory("virtual_machine", virtual="kvm", model="Standard PC")
    server = inventory("server", model="PowerEdge R640")
    first, last = TODAY - 9 * DAY_S, NOW // SLOT_S * SLOT_S
    battery = [report.Energy("battery", "battery", "measured", 6300.0, 900)]
    package = [report.Energy("rapl", "package", "measured", 2700.0, 600)]
    wall = [report.Energy("pdu", "wall_ac", "measured", 180_000.0, 900)]
    starts = range(first, last, SLOT_S)
    working = [start for start in starts if 8 <= start % DAY_S // 3600 < 17]
    laptops = [slot(start, battery if start // 3600 % 2 else package) for start in working]
    return [
        WriteBatch(MEASURED, laptops, enrolled(MEASURED, "laptop", "Métropole/Ville/Mairie", laptop)),
        WriteBatch(
            GUEST,
            [*map(slot, starts), slot(last, awake_s=400)],
            enrolled(GUEST, "virtual_machine", "Métropole/Ville", guest, simulated=True, hostname="guest-1"),
        ),
        WriteBatch(
            SERVER,
            [slot(start, wall) for start in starts],
            enrolled(SERVER, "server", "Métropole/DSI", server),
        ),
        WriteBatch(
            SILENT,
            [slot(start, awake_s=300, off_s=600) for start in starts[:96]],
            enrolled(SILENT, "desktop", "Métropole/DSI", replace(laptop, category="desktop", displays=[])),
        ),
    ]


@pytest.fixture
def clock_at(monkeypatch):
    """Hold the collector's clock at some second; at NOW to begin with."""

    def hold(second):
        monkeypatch.setattr("parcimetre_server.base.clock.now", lambda: second)

    hold(NOW)
    return hold


@pytest.fixture
def empty(tmp_path, clock_at):
    """A collector that nobody has reported to."""
    context = open_context(Settings(tmp_path / "empty", trust_this_machine=True), create=True)
    yield context
    context.store.close()


@pytest.fixture(scope="session")
def fleet_folder(tmp_path_factory):
    """Return the data folder of a collector with four devices, of which each test gets a copy."""
    folder = tmp_path_factory.mktemp("fleet") / "data"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("parcimetre_server.base.clock.now", lambda: NOW)
        store = open_context(Settings(folder), create=True).store
        store.append([Fact("site", "Hôtel de Ville", TODAY - 9 * DAY_S, {"zone": "FR"})])
        store.write(arrivals())
        store.close()
    return folder


@pytest.fixture
def fleet(tmp_path, clock_at, fleet_folder):
    """A collector with four devices: `laptop`, `guest`, `server` and `silent` name them."""
    folder = shutil.copytree(fleet_folder, tmp_path / "data")
    context = open_context(Settings(folder, organisation="Métropole", trust_this_machine=True))
    names = {"laptop": MEASURED, "guest": GUEST, "server": SERVER, "silent": SILENT}
    yield SimpleNamespace(context=context, now=NOW, today=TODAY, **names)
    context.store.close()


class Reader:
    """A client of the app, on the same machine unless told otherwise; it keeps cookies as a browser does."""

    def __init__(self, app, token=None, address="127.0.0.1"):
        self.app, self.cookies, self.address = app, httpx.Cookies(), address
        self.headers = {"authorization": f"Bearer {token}"} if token else {}

    def get(self, path, **about):
        """A request to read."""
        return self.request("GET", path, **about)

    def post(self, path, **about):
        """A request with a body."""
        return self.request("POST", path, **about)

    def request(self, method, path, **about):
        """One request; what the app raises is raised here."""

        async def ask():
            transport = httpx.ASGITransport(self.app, client=(self.address, 50_000))
            async with httpx.AsyncClient(
                transport=transport, base_url=BASE, cookies=self.cookies, headers=self.headers
            ) as client:
                answer = await client.request(method, path, **about)
                self.cookies = client.cookies
                return answer

        return asyncio.run(ask())


@pytest.fixture(scope="session")
def routers():
    """Return the list into which `client_of` puts the router of the first app, its routes analysed."""
    return []


@pytest.fixture
def client_of(routers):
    """A client of the real app for a collector; the app's lifespan is not run.

    All apps share a router: what a route needs of its app is in the request, and analysing the routes takes
    longer than most tests.
    """
    apps = []

    def make(context):
        apps.append(app := build(context))
        if not routers:
            routers.append(app.router)
        app.router = routers[0]
        return Reader(app)

    yield make
    for app in apps:
        app.state.writer.close()


@pytest.fixture
def reader(fleet, client_of):
    """A client of the fleet's app."""
    return client_of(fleet.context)
