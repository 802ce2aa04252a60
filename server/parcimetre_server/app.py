"""Builds the ASGI app: every router of `api/` and `pages/`, problem documents, and who may read."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from ipaddress import ip_address

from fastapi import APIRouter, FastAPI
from starlette.types import ASGIApp, Receive, Scope, Send

from . import __version__, api, pages
from .api.reports_in import ReportsFirst
from .collector import Collector
from .credentials import Credentials
from .dead_letters import Intake
from .enrolment import Enrolment
from .fleet_metrics import FleetMetrics
from .ingest import Versions
from .jobs import start_jobs
from .problems import install, problem
from .rates import rates
from .requests import Requests
from .writer import Writer

OPEN_TO_AGENTS = ("/v1/enrol", "/v1/reports", "/healthz", "/readyz")
MOST_WAITING = 2000


def build(collector: Collector) -> FastAPI:
    """The collector's app. It owns a writer thread and jobs, which end with its lifespan."""
    writer = Writer(collector.store, MOST_WAITING)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        """Jobs run and the writer waits for reports between start and stop."""
        stop_jobs = start_jobs(collector, writer.meters)
        yield
        stop_jobs()
        writer.close()

    app = FastAPI(title="Parcimètre", version=__version__, lifespan=lifespan, docs_url=None, redoc_url=None)
    app.state.collector = collector
    app.state.writer = writer
    app.state.credentials = Credentials(collector)
    app.state.rates = rates(collector.settings)
    app.state.letters = Intake()
    app.state.enrolment = Enrolment(collector)
    app.state.versions = Versions()
    app.state.fleet_metrics = FleetMetrics(collector)
    for router in routers():
        app.include_router(router)
    install(app)
    app.add_middleware(ReportsFirst)
    if not collector.settings.read_from_network:
        app.add_middleware(ReadersOnThisMachine)
    app.add_middleware(Requests, log=collector.settings.access_log)
    return app


def routers() -> Iterator[APIRouter]:
    """The `router` of every file in api/ and pages/ that has one; a new file needs no list to be edited."""
    for package in (api, pages):
        for found in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
            router = getattr(importlib.import_module(found.name), "router", None)
            if router is not None:
                yield router


class ReadersOnThisMachine:
    """Answers only agents from the network: without user accounts, figures are read on this machine."""

    def __init__(self, app: ASGIApp) -> None:
        """Stand before the app."""
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or refuse it with the mend."""
        if scope["type"] != "http" or scope["path"] in OPEN_TO_AGENTS or _is_local(scope):
            await self._app(scope, receive, send)
            return
        refusal = problem(
            403,
            "figures are shown on the collector's own machine only, until there are user accounts; "
            "to open them to the network, start it with --read-from-network",
            "/problems/read-from-network",
        )
        await refusal(scope, receive, send)


def _is_local(scope: Scope) -> bool:
    """Whether the client is this machine, and not a proxy that speaks for somebody else."""
    client = scope.get("client")
    if client is None:
        return True
    forwarded = any(name in (b"x-forwarded-for", b"forwarded") for name, _ in scope["headers"])
    try:
        return ip_address(client[0]).is_loopback and not forwarded
    except ValueError:
        return False
