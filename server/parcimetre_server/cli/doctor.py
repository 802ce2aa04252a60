"""`parcimetre doctor`: check settings, store and environment, and say how to fix each fault."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from ..base import clock
from ..base.errors import ParcimetreError
from ..base.names import shown
from . import options, serve

if TYPE_CHECKING:
    from ..configuration.settings import Settings
    from ..operations.doctor import Finding

EPILOG = """\b
Examples:
  parcimetre doctor
  parcimetre doctor --config /etc/parcimetre/parcimetre.toml --json
"""
ORIGINS = {
    ParameterSource.COMMANDLINE: "command line",
    ParameterSource.ENVIRONMENT: "environment",
    ParameterSource.DEFAULT_MAP: "file",
    ParameterSource.DEFAULT: "default",
}
COLOURS = {"ok": "green", "warning": "yellow", "failed": "red"}


@click.command(epilog=EPILOG, context_settings={"auto_envvar_prefix": "PARCIMETRE_SERVE"})
@options.as_json
@click.pass_context
def command(ctx: click.Context, /, as_json: bool, **given: Any) -> None:
    """Check settings, store, disk, clock, factors, feeds and secrets; say how to fix each fault.

    It accepts the options of `parcimetre serve`, and reads the same environment and file. It changes nothing.
    Exit code 1 if anything failed.
    """
    found = list(_findings(ctx, given))
    if as_json:
        click.echo(shown(json.dumps([asdict(one) for one in found], ensure_ascii=False)))
    else:
        for one in found:
            state = click.style(f"{one.state:8}", fg=COLOURS[one.state])
            told = shown(f"{one.what}: {one.told}{f'; {one.mend}' if one.mend else ''}")
            click.echo(f"{state}{told}")
    sys.exit(any(one.state == "failed" for one in found))


command.params[:0] = serve.command.params


def _findings(ctx: click.Context, given: dict[str, Any]) -> Iterator[Finding]:
    from ..operations.doctor import failed, file, folder, listening, login, ok, warning

    for name, told in options.superseded_settings(ctx.meta).items():
        yield warning(f"setting {name}", told, "remove it")
    for name, value in given.items():
        origin = ORIGINS.get(ctx.get_parameter_source(name) or ParameterSource.DEFAULT, "default")
        yield ok(f"setting {name}", f"{value} ({origin})")
    try:
        settings = serve.settings_of(given, ctx.meta)
    except ParcimetreError as error:
        yield failed("settings", str(error), "correct this setting")
        return
    yield ok("time zone", f"{settings.time_zone}, where it is {datetime.now(settings.zone):%Y-%m-%d %H:%M}")
    now = clock.now()
    yield from folder.findings(settings.data_dir)
    in_file = list(file.findings(settings.data_dir, now)) if settings.data_dir.is_dir() else []
    yield from in_file
    if in_file and in_file[0].state == "ok":
        yield from _content(settings)
    if settings.login:
        yield from login.findings(settings.login, now)
    yield listening.findings(settings.host, settings.port)


def _content(settings: Settings) -> Iterator[Finding]:
    from parcimetre_factors.errors import FactorsError

    from ..access.opening import open_context
    from ..operations.doctor import content, failed, readers

    try:
        context = open_context(settings)
    except (ParcimetreError, FactorsError) as error:
        yield failed("collector's data", " ".join(str(error).split()), "fix this, then run doctor again")
        return
    try:
        yield from readers.findings(context)
        yield from content.findings(context)
    finally:
        context.store.close()
