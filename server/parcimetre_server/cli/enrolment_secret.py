"""`parcimetre enrolment-secret`: secrets with which machines enrol."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from ..base.i18n import N_
from ..presentation.labels import label
from . import options, terminal

BEYOND_PLAN = N_("twice as many devices as planned")
EPILOG = """\b
Examples:
  parcimetre enrolment-secret create --org-unit "Métropole/Clairval" --site "Hôtel de ville" --zone FR
  parcimetre enrolment-secret create --org-unit "Métropole/Clairval" --planned 120
  parcimetre enrolment-secret devices 1f2e3d4c
  parcimetre enrolment-secret revoke 1f2e3d4c
  parcimetre enrolment-secret revoke 1f2e3d4c --with-devices
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
@click.option("--planned", type=click.IntRange(1), metavar="N",
              help="Devices that are expected to use it: a warning is given at twice as many.")  # fmt: skip
@click.option("--most", type=click.IntRange(1), metavar="N", help="Devices after which it enrols no more.")
@options.as_json
def create(
    data_dir: Path, org_unit: str, site: str, zone: str | None, expires: datetime | None,
    planned: int | None, most: int | None, as_json: bool,
) -> None:  # fmt: skip
    """Create a secret and show it once."""
    from ..fleet.enrolment import create_secret

    context = options.reading(data_dir, create=True)
    expires_at = None if expires is None else int(expires.replace(tzinfo=UTC).timestamp())
    secret, text = create_secret(context, org_unit, site, zone, expires_at, planned, most)
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
    from ..fleet.secret_devices import devices_by_secret, is_beyond_plan

    context, say = options.reading(data_dir), terminal.translator()
    now, count = context.now(), devices_by_secret(context.store)
    rows = [
        {
            "id": secret.id,
            "org_unit": secret.org_unit,
            "site": secret.site,
            "state": secret.state(now) if as_json else terminal.translator()(secret.state(now)),
            "expires_at": secret.expires_at if as_json else _day(secret.expires_at),
            "devices": count.get(secret.id, 0),
            "planned": secret.planned,
            "most": secret.most,
            "warning": say(BEYOND_PLAN) if is_beyond_plan(secret, count.get(secret.id, 0)) else None,
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
def devices(data_dir: Path, secret_id: str, as_json: bool) -> None:
    """List the devices that ever enrolled with a secret, the latest first; for example after a leak."""
    from ..fleet.enrolment import find_secret
    from ..fleet.secret_devices import arrivals

    store = options.reading(data_dir).store
    found = [asdict(one) for one in arrivals(store, find_secret(store, secret_id).id)]
    rows = found if as_json else [_row(one) for one in found]
    terminal.show(rows, as_json, N_("No device has enrolled with this secret."))


def _row(device: dict[str, Any]) -> dict[str, object]:
    say = terminal.translator()
    state = N_("revoked") if device["is_revoked"] else N_("valid")
    return {
        "id": device["id"],
        "name": device["hostname"],
        "category": say(label("category", device["category"])),
        "org_unit": device["org_unit"],
        "enrolled": datetime.fromtimestamp(device["enrolled_at"], UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "state": say(N_("retired") if device["retired_at"] else state),
    }


@command.command(epilog=EPILOG)
@options.data_dir
@click.argument("secret_id", metavar="ID")
@click.option("--with-devices", is_flag=True,
              help="Also revoke the credentials of all devices that ever enrolled with it.")  # fmt: skip
@options.as_json
def revoke(data_dir: Path, secret_id: str, with_devices: bool, as_json: bool) -> None:
    """Revoke a secret: no machine can enrol with it any more; machines already enrolled stay.

    With --with-devices their credentials become invalid too: each must enrol again with another secret. Their
    figures stay; `devices retire` or `devices delete` removes those that are not yours.
    """
    from ..fleet.enrolment import find_secret, revoke_secret
    from ..fleet.secret_devices import revoke_with_devices

    context = options.reading(data_dir)
    wanted = find_secret(context.store, secret_id).id
    if with_devices:
        secret, found = revoke_with_devices(context, wanted)
        facts: dict[str, object] = {"id": secret.id, "org_unit": secret.org_unit, "state": "revoked"}
        facts |= {"devices": [one.id for one in found], "count": len(found)}
        terminal.done(N_("Secret {id} for {org_unit} is revoked, with {count} devices."), facts, as_json)
        return
    secret = revoke_secret(context, wanted)
    facts = {"id": secret.id, "org_unit": secret.org_unit, "state": "revoked"}
    terminal.done(N_("Secret {id} for {org_unit} is revoked."), facts, as_json)
