"""The known fleet behind a real server, and a real browser that looks at it."""

import threading
from contextlib import contextmanager
from pathlib import Path
from time import monotonic, sleep
from types import SimpleNamespace

import pytest
import uvicorn
from parcimetre_server.access.opening import open_context
from parcimetre_server.access.tokens import create_token
from parcimetre_server.configuration.settings import Settings
from parcimetre_server.fleet.enrolment import create_secret
from parcimetre_server.store.records import Fact
from parcimetre_server.web.app import build

from tests.server.conftest import DAY_S, GUEST, MEASURED, NOW, SERVER, SILENT, TODAY, arrivals

FOLDER = Path(__file__).parents[4] / ".browser"  # made by tools/set_up_browser.py
ABSENT, AXE = FOLDER / "absent", FOLDER / "node_modules" / "axe-core" / "axe.min.js"
SWITCHES = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """A running collector of four devices; `laptop`, `guest`, `server` and `silent` name them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("parcimetre_server.base.clock.now", lambda: NOW)
        folder = tmp_path_factory.mktemp("site")
        settings = Settings(folder, organisation="Métropole", trust_this_machine=True)
        context = open_context(settings, create=True)
        context.store.append([Fact("site", "Hôtel de Ville", TODAY - 9 * DAY_S, {"zone": "FR"})])
        context.store.write(arrivals())
        names = {"laptop": MEASURED, "guest": GUEST, "server": SERVER, "silent": SILENT}
        secret, _ = create_secret(context, "Métropole")
        _, dpo = create_token(context, "Officer", "dpo", None)
        with serving(context) as address:
            yield SimpleNamespace(context=context, address=address, secret=secret.id, dpo=dpo, **names)
        context.store.close()


@contextmanager
def serving(context):
    """The address of a real server of a collector."""
    server = uvicorn.Server(uvicorn.Config(build(context), port=0, log_level="error"))
    thread = threading.Thread(target=server.run)
    thread.start()
    yield f"http://127.0.0.1:{_port(server)}"
    server.should_exit = True
    thread.join(30)


def _port(server):
    deadline = monotonic() + 60
    while not server.started and monotonic() < deadline:
        sleep(0.05)
    return server.servers[0].sockets[0].getsockname()[1]


@pytest.fixture(scope="module")
def chromium():
    """Debian's Chromium, driven by Playwright."""
    if not AXE.is_file() or ABSENT.is_file():
        reason = ABSENT.read_text() if ABSENT.is_file() else f"{FOLDER} is not set up: make browser"
        pytest.skip(f"no browser: {reason}")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path="/usr/bin/chromium", args=SWITCHES, timeout=180_000
        )
        yield browser
        browser.close()
