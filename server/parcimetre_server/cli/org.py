"""`parcimetre org`: the organisation's units and sites."""

from __future__ import annotations

from pathlib import Path

import click

from . import options

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
    from ..org import units

    if ctx.invoked_subcommand is None:
        rows = [{"org_unit": path} for path in units(options.reading(data_dir).store)]
        options.show(rows, as_json, "There is no org unit yet: create one.")


@command.command(epilog=EPILOG)
@options.data_dir
@click.argument("path")
def create(data_dir: Path, path: str) -> None:
    """Create an org unit, and those above it where they are missing."""
    from ..org import create_unit

    collector = options.reading(data_dir, create=True)
    click.echo(f"Org unit {create_unit(collector.store, path, collector.now())} exists.")


@command.command(epilog=EPILOG)
@options.data_dir
@click.argument("name")
@click.option("--zone", required=True, help="Grid zone, like FR.")
def site(data_dir: Path, name: str, zone: str) -> None:
    """Create a site, or move it to another grid zone."""
    from ..org import create_site

    collector = options.reading(data_dir, create=True)
    made = create_site(collector.store, name, zone, collector.now(), collector.factors)
    click.echo(f"Site {made.name} is in grid zone {made.zone}.")


@command.command(epilog=EPILOG)
@options.data_dir
@options.as_json
def sites(data_dir: Path, as_json: bool) -> None:
    """List the sites."""
    from ..org import sites

    found = sites(options.reading(data_dir).store).values()
    options.show([vars(site) for site in found], as_json, "There is no site yet: create one.")
