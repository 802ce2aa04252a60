"""Build the ASGI app: routers of `api/` and `pages/`, problem documents, authentication."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager

from fastapi import APIRouter, FastAPI
from starlette.types import ASGIApp, Receive, Scope, Send

from .. import __version__
from ..access.context import Context
from ..access.credentials import Credentials
from ..access.failed_attempts import FailedAttempts
from ..access.sessions import Sessions
from ..access.tokens import Tokens
from ..analysis.fleet_metrics import FleetMetrics
from ..base.metrics import Meters
from ..fleet.enrolment import Enrolment
from ..ingest.rate_limit import rate_limiter
from ..ingest.writer import Writer
from . import api, pages
from .api import enrol, reports_in
from .api.enrol import EnrolEndpoint
from .api.reports_in import ReportEndpoint
from .authentication import Access
from .path_prefix import PathPrefix, check_prefix
from .problems import install
from .request_id import Requests

MOST_WAITING = 2000
StartJobs = Callable[[Context, Meters], Callable[[], None]]
"""Starts the scheduled jobs; returns a function that stops them."""


class App(FastAPI):
    """Answers agents before they reach the framework, its middleware and its routes."""

    of_agents: Mapping[str, ASGIApp]
    edge: PathPrefix

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer an agent, or pass the request on."""
        if scope["type"] != "http":
            await super().__call__(scope, receive, send)
            return
        scope = self.edge.inner(scope)
        first = self.of_agents.get(scope["path"]) if scope["method"] == "POST" else None
        if first is not None:
            await first(scope, receive, send)
        else:
            await super().__call__(scope, receive, self.edge.outer(scope, send))


def build(context: Context, start_jobs: StartJobs | None = None) -> FastAPI:
    """Return the collector's app. Its writer thread and the jobs end with its lifespan."""
    writer = Writer(context.store, MOST_WAITING)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        """Run the jobs and the writer between start and stop."""
        stop_jobs = start_jobs(context, writer.meters) if start_jobs else None
        yield
        if stop_jobs:
            stop_jobs()
        writer.close()

    prefix = context.settings.path_prefix
    app = App(
        title="Parcimètre",
        version=__version__,
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        servers=[{"url": prefix}] if prefix else None,
    )
    tokens = Tokens(context)
    app.state.context = context
    app.state.tokens = tokens
    app.state.sessions = Sessions(context, tokens)
    app.state.writer = writer
    app.state.credentials = Credentials(context)
    app.state.failures = failures = FailedAttempts()
    app.state.enrolment = Enrolment(context)
    app.state.enrol = EnrolEndpoint(context, app.state.enrolment, app.state.credentials, failures)
    rates = rate_limiter(context.settings)
    app.state.reports = ReportEndpoint(
        context, writer, app.state.credentials, rates, failures, app.state.enrolment
    )
    app.state.fleet_metrics = FleetMetrics(context)
    for router in routers():
        app.include_router(router)
    check_prefix(prefix, paths(app.router, *routers()))
    app.edge = PathPrefix(prefix)
    install(app)
    app.add_middleware(Access, context=context, tokens=tokens, sessions=app.state.sessions, failures=failures)
    log = context.settings.access_log
    app.add_middleware(Requests, log=log)
    app.of_agents = {
        reports_in.PATH: Requests(app.state.reports, log),
        enrol.PATH: Requests(app.state.enrol, log),
    }
    return app


def paths(*of_routers: APIRouter) -> Iterator[str]:
    """The path of every route of routers."""
    for router in of_routers:
        for route in router.routes:
            yield getattr(route, "path", "")


def routers() -> Iterator[APIRouter]:
    """The `router` of every file in api/ and pages/ that has one; a new file needs no list to be edited."""
    for package in (api, pages):
        for found in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
            router = getattr(importlib.import_module(found.name), "router", None)
            if router is not None:
                yield router
