"""`parcimetre token`: access tokens of readers, each with a role and a scope."""

from __future__ import annotations

import json
from pathlib import Path
from typing import cast

import click

from ..base.i18n import N_
from . import options, terminal

EPILOG = """\b
Examples:
  parcimetre token create --name "Clairval, IT" --role admin --org-unit "Métropole/Clairval"
  parcimetre token create --name dashboard --role viewer --everything --expires 365
  parcimetre token revoke 1f2e3d4c5b
"""
ROLES = (
    "viewer",
    "analyst",
    "technician",
    "presence",
    "dpo",
    "admin",
)  # as in scope.py, which a listing of commands does not load
DAY_S = 86_400


@click.group(epilog=EPILOG)
def command() -> None:
    """Create, list and revoke tokens, with which people and programs read."""


@command.command(epilog=EPILOG)
@options.data_dir
@click.option("--name", required=True, help="Person or program that uses the token.")
@click.option("--role", required=True, type=click.Choice(ROLES),
              help="What its user sees (documentation: access); dpo: data protection officer.")  # fmt: skip
@click.option("--org-unit", metavar="PATH", help="Scope: this org unit and its sub-units.")
@click.option("--everything", is_flag=True, help="Scope: all org units.")
@click.option("--expires", "expires_days", type=click.IntRange(1, 3650), metavar="DAYS",
              help="Days of validity; default: until it is revoked.")  # fmt: skip
@options.as_json
def create(
    data_dir: Path, name: str, role: str, org_unit: str | None, everything: bool, expires_days: int | None,
    as_json: bool,
) -> None:  # fmt: skip
    """Create a token and show it once."""
    from ..access.tokens import create_token
    from ..base.scope import Role

    if everything == (org_unit is not None):
        raise click.UsageError("give either --org-unit PATH or --everything")
    context = options.reading(data_dir, create=True)
    expires_at = None if expires_days is None else context.now() + expires_days * DAY_S
    token, text = create_token(context, name, cast(Role, role), org_unit, expires_at)
    if as_json:
        about = {"id": token.id, "token": text, "name": token.name, "role": role, "org_unit": token.org_unit}
        terminal.echo(json.dumps(about | {"expires_at": token.expires_at}, ensure_ascii=False))
    else:
        terminal.echo(text)
        told = N_("Token {id} for {name}: {role} of {org_unit}. It will not be shown again.")
        say = terminal.translator()
        where = token.org_unit or say(N_("All org units"))
        terminal.echo(say(told, id=token.id, name=token.name, role=say(role), org_unit=where), err=True)


@command.command("list", epilog=EPILOG)
@options.data_dir
@options.as_json
def list_tokens(data_dir: Path, as_json: bool) -> None:
    """List tokens with their state and the day of their last use; the tokens themselves are not stored."""
    from ..access.tokens import all_tokens, iso_day, last_use_days

    context = options.reading(data_dir)
    now, used, say = context.now(), last_use_days(context.store), terminal.translator()
    rows = [
        {
            "id": token.id,
            "name": token.name,
            "role": token.role if as_json else say(token.role),
            "org_unit": token.org_unit,
            "state": token.state(now) if as_json else say(token.state(now)),
            "expires_at": token.expires_at if as_json else iso_day(token.expires_at),
            "last_used": iso_day(used.get(token.id)),
        }
        for token in all_tokens(context.store)
    ]
    terminal.show(rows, as_json, N_("There is no token yet: create one."))


@command.command(epilog=EPILOG)
@options.data_dir
@click.argument("token_id", metavar="ID")
@options.as_json
def revoke(data_dir: Path, token_id: str, as_json: bool) -> None:
    """Revoke a token; it becomes invalid within seconds."""
    from ..access.tokens import revoke_token

    token = revoke_token(options.reading(data_dir), token_id)
    facts = {"id": token.id, "name": token.name, "state": "revoked"}
    terminal.done(N_("Token {id} for {name} is revoked."), facts, as_json)
