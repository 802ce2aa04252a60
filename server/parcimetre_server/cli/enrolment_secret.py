"""`parcimetre enrolment-secret`: secrets with which machines enrol."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import click

from ..base.i18n import N_
from . import options, terminal

EPILOG = """\b
Examples:
  parcimetre enrolment-secret create --org-unit "Métropole/Clairval" --site "Hôtel de ville" --zone FR
  parcimetre enrolment-secret revoke 1f2e3d4c
"""


@click.group(epilog=EPILOG)
def command() -> None:
    """Create, list and revoke enrolment secrets."""


@command.command(epilog=EPILOG)
@options.data_dir
@click.option("--org-unit", required=True, metavar="PATH",
              help="Org unit of the machines, like 'Métropole/Commune'; created if missing.")  # fmt: skip
@click.option("--site", default="default", show_default=True, help="Site of the machines.")
@click.option("--zone", help="Grid zone of the site; a new site is in FR unless you say otherwise.")
@click.option(
    "--expires", type=click.DateTime(["%Y-%m-%d"]), help="First day on which it no longer works (UTC)."
)
@options.as_json
def create(
    data_dir: Path, org_unit: str, site: str, zone: str | None, expires: datetime | None, as_json: bool
) -> None:
    """Create a secret and show it once."""
    from ..fleet.enrolment import create_secret

    context = options.reading(data_dir, create=True)
    expires_at = None if expires is None else int(expires.replace(tzinfo=UTC).timestamp())
    secret, text = create_secret(context, org_unit, site, zone, expires_at)
    if as_json:
        answer = {"id": secret.id, "secret": text, "org_unit": secret.org_unit, "site": secret.site}
        terminal.echo(json.dumps(answer, ensure_ascii=False))
    else:
        terminal.echo(text)
        told = N_("Secret {id} for {org_unit}, site {site}. It will not be shown again.")
        about = {"id": secret.id, "org_unit": secret.org_unit, "site": secret.site}
        terminal.echo(terminal.translator()(told, **about), err=True)


@command.command("list", epilog=EPILOG)
@options.data_dir
@options.as_json
def list_secrets(data_dir: Path, as_json: bool) -> None:
    """List secrets with their state; the secrets themselves are not stored."""
    from ..fleet.enrolment import all_secrets

    context = options.reading(data_dir)
    now = context.now()
    rows = [
        {
            "id": secret.id,
            "org_unit": secret.org_unit,
            "site": secret.site,
            "state": secret.state(now) if as_json else terminal.translator()(secret.state(now)),
            "expires_at": secret.expires_at if as_json else _day(secret.expires_at),
        }
        for secret in all_secrets(context.store)
    ]
    terminal.show(rows, as_json, N_("There is no enrolment secret yet: create one."))


def _day(second: int | None) -> str | None:
    return None if second is None else datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%d")


@command.command(epilog=EPILOG)
@options.data_dir
@click.argument("secret_id", metavar="ID")
@options.as_json
def revoke(data_dir: Path, secret_id: str, as_json: bool) -> None:
    """Revoke a secret: no machine can enrol with it any more; machines already enrolled stay."""
    from ..fleet.enrolment import revoke_secret

    secret = revoke_secret(options.reading(data_dir), secret_id)
    facts = {"id": secret.id, "org_unit": secret.org_unit, "state": "revoked"}
    terminal.done(N_("Secret {id} for {org_unit} is revoked."), facts, as_json)
