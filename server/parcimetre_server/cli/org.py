"""`parcimetre org`: the organisation's units and sites."""

from __future__ import annotations

from pathlib import Path

import click

from ..base.i18n import N_
from . import options, terminal

EPILOG = """\b
Examples:
  parcimetre org create "Métropole/Clairval/Services techniques"
  parcimetre org site "Hôtel de ville" --zone FR
"""


@click.group(epilog=EPILOG, invoke_without_command=True)
@options.data_dir
@options.as_json
@click.pass_context
def command(ctx: click.Context, data_dir: Path, as_json: bool) -> None:
    """List the org units, or create units and sites."""
    if ctx.invoked_subcommand is None:
        _list_units(data_dir, as_json)


def _list_units(data_dir: Path, as_json: bool) -> None:
    from ..organisation.org import units

    rows = [{"org_unit": path} for path in units(options.reading(data_dir).store)]
    terminal.show(rows, as_json, N_("There is no org unit yet: create one."))


@command.command(epilog=EPILOG)
@options.data_dir
@click.argument("path")
@options.as_json
def create(data_dir: Path, path: str, as_json: bool) -> None:
    """Create an org unit, and its parents if they are missing."""
    from ..organisation.org import create_unit

    context = options.reading(data_dir, create=True)
    made = create_unit(context.store, path, context.now())
    terminal.done(N_("Org unit {org_unit} exists."), {"org_unit": made}, as_json)


@command.command(epilog=EPILOG)
@options.data_dir
@click.argument("name")
@click.option("--zone", required=True, help="Grid zone, like FR.")
@options.as_json
def site(data_dir: Path, name: str, zone: str, as_json: bool) -> None:
    """Create a site, or move it to another grid zone."""
    from ..organisation.org import create_site

    context = options.reading(data_dir, create=True)
    made = create_site(context.store, name, zone, context.now(), context.factors)
    terminal.done(N_("Site {name} is in grid zone {zone}."), vars(made), as_json)


@command.command("list", epilog=EPILOG)
@options.data_dir
@options.as_json
def list_units(data_dir: Path, as_json: bool) -> None:
    """List the org units, as the command alone does."""
    _list_units(data_dir, as_json)


@command.command(epilog=EPILOG)
@options.data_dir
@options.as_json
def sites(data_dir: Path, as_json: bool) -> None:
    """List the sites."""
    from ..organisation.org import sites

    found = sites(options.reading(data_dir).store).values()
    terminal.show([vars(site) for site in found], as_json, N_("There is no site yet: create one."))
