"""Options that several commands share."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click
from click.core import ParameterSource

from ..base.errors import ParcimetreError

if TYPE_CHECKING:
    from ..access.context import Context
    from ..configuration.settings import StoreAddress


Wrapped = TypeVar("Wrapped", bound=Callable[..., Any])

LOGIN, MAIL = "login", "mail"
NOTES = "superseded"
SUPERSEDED = {
    "read_from_network": "readers need a token or a login wherever they are; a reverse proxy or a firewall "
    "keeps them out of a network",
    "require_login": "a token or a login is always required, except with --trust-this-machine",
}
"""Settings of versions up to bb8efdf that have no effect any more, each with the reason."""


class DamagedConfig(ParcimetreError):
    """A configuration file that cannot be read or is not valid."""


def default_data_dir() -> Path:
    """Return the default data folder."""
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        return Path("/var/lib/parcimetre")
    return Path.home() / ".local" / "share" / "parcimetre"


def _of_the_group(ctx: click.Context, parameter: click.Parameter, value: Path) -> Path:
    """Return the folder given before the subcommand, if the subcommand gives none."""
    given = ctx.get_parameter_source(parameter.name or "") != ParameterSource.DEFAULT
    outer: Path | None = ctx.parent.params.get("data_dir") if ctx.parent else None
    return value if given or outer is None else outer


def _chosen(ctx: click.Context, address: StoreAddress) -> None:
    """Remember the store's address while the command runs."""
    from ..configuration.settings import STORE

    token = STORE.set(address)
    ctx.call_on_close(lambda: STORE.reset(token))


def _with_url(ctx: click.Context, _: click.Parameter, url: str | None) -> None:
    from ..configuration.settings import STORE

    if url is not None:
        _chosen(ctx, replace(STORE.get(), url=url))


def _with_password_file(ctx: click.Context, _: click.Parameter, file: Path | None) -> None:
    from ..configuration.settings import STORE

    if file is not None:
        _chosen(ctx, replace(STORE.get(), password_file=file))


_data_dir = click.option(
    "--data-dir",
    callback=_of_the_group,
    envvar="PARCIMETRE_DATA_DIR",
    type=click.Path(path_type=Path),
    default=default_data_dir,
    show_default="/var/lib/parcimetre for root, else ~/.local/share/parcimetre",
    help="Folder that holds the collector's data.",
)
_store = click.option(
    "--store",
    callback=_with_url,
    expose_value=False,
    envvar="PARCIMETRE_STORE",
    help="Address of a ClickHouse store, clickhouse+http://user@host:8123/database; without it, the store is "
    "in the data folder.",
)
PASSWORD_FILE = "--store-password-file"  # noqa: S105  an option's name
PASSWORD_HELP = "File with the password of the ClickHouse user, else PARCIMETRE_STORE_PASSWORD."  # noqa: S105
PASSWORD_VARIABLE = "PARCIMETRE_STORE_PASSWORD_FILE"  # noqa: S105
password_file = click.option(
    PASSWORD_FILE, envvar=PASSWORD_VARIABLE, type=click.Path(path_type=Path), help=PASSWORD_HELP
)
_store_password_file = click.option(
    PASSWORD_FILE,
    callback=_with_password_file,
    expose_value=False,
    envvar=PASSWORD_VARIABLE,
    type=click.Path(path_type=Path),
    help=PASSWORD_HELP,
)


def data_dir(command: Wrapped) -> Wrapped:
    """Add the options of the data's location: folder, store, password."""
    return _data_dir(_store(_store_password_file(command)))


keep_slots_days = click.option(
    "--keep-slots-days",
    envvar="PARCIMETRE_SERVE_KEEP_SLOTS_DAYS",
    type=click.IntRange(0),
    default=400,
    show_default=True,
    help="Days for which quarter hours are stored, at least 7; then hours are stored. 0: no limit.",
)
keep_hours_days = click.option(
    "--keep-hours-days",
    envvar="PARCIMETRE_SERVE_KEEP_HOURS_DAYS",
    type=click.IntRange(0),
    default=1100,
    show_default=True,
    help="Days for which hours are stored; then days are stored. 0: no limit.",
)
as_json = click.option("--json", "as_json", is_flag=True, help="Answer in JSON, for machines.")


def read_config(ctx: click.Context, _: click.Parameter, file: Path | None) -> None:
    """Use a TOML file's keys as defaults of the command's options. Raises DamagedConfig."""
    if file is None:
        return
    known = {
        parameter.name: parameter
        for parameter in ctx.command.params
        if parameter.name and parameter.name not in ("config", "help")
    }
    try:
        with file.open("rb") as opened:
            found = {name.replace("-", "_"): value for name, value in tomllib.load(opened).items()}
    except OSError as error:
        raise DamagedConfig(
            f"cannot read {file}: {error.strerror}; name another file with --config"
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise DamagedConfig(f"{file} is not valid TOML: {error}. Correct that line.") from error
    for table in (LOGIN, MAIL):
        ctx.meta[table] = found.pop(table, None)
    for name in SUPERSEDED:
        if name in found:
            del found[name]
            _note_superseded(ctx, name, str(file))
    unknown = sorted(set(found) - set(known))
    if unknown:
        raise DamagedConfig(
            f"{file}: unknown setting {unknown[0]!r}. Known settings: {', '.join(sorted(known))}"
        )
    for name, value in found.items():
        _check(ctx, known[name], value, file)
    ctx.default_map = {**(ctx.default_map or {}), **found}


def _check(ctx: click.Context, parameter: click.Parameter, value: object, file: Path) -> None:
    """Raise DamagedConfig when the option would not take the file's value."""
    if isinstance(parameter.type, click.Path | click.types.StringParamType) and not isinstance(value, str):
        raise DamagedConfig(f"{file}: {parameter.name} = {value!r} must be a text in quotes")
    try:
        parameter.type_cast_value(ctx, value)
    except click.BadParameter as error:
        what = error.message.rstrip(".").replace(". ", "; ")
        raise DamagedConfig(f"{file}: {parameter.name} = {value!r}: {what}. Correct that line.") from None


def _note_superseded(ctx: click.Context, name: str, where: str) -> None:
    notes: dict[str, str] = ctx.meta.setdefault(NOTES, {})
    notes[name] = f"has no effect any more: {SUPERSEDED[name]} ({where})"


def _with_superseded(ctx: click.Context, parameter: click.Parameter, given: bool) -> None:
    """Accept an option of an earlier version: a collector that did not start would silence its agents."""
    if given and parameter.name:
        source = ctx.get_parameter_source(parameter.name)
        where = "environment" if source == ParameterSource.ENVIRONMENT else "command line"
        _note_superseded(ctx, parameter.name, where)


def superseded_settings(meta: Mapping[str, Any]) -> Mapping[str, str]:
    """Return what is to be said of each given setting that has no effect any more, by its name."""
    notes: Mapping[str, str] = meta.get(NOTES, {})
    return notes


def superseded(command: Wrapped) -> Wrapped:
    """Add the options that have no effect any more, and are not listed."""
    for name in SUPERSEDED:
        flag = f"--{name.replace('_', '-')}"
        command = click.option(
            flag, is_flag=True, hidden=True, expose_value=False, callback=_with_superseded
        )(command)
    return command


config = click.option(
    "--config",
    type=click.Path(dir_okay=False, path_type=Path),
    envvar="PARCIMETRE_CONFIG",
    is_eager=True,
    expose_value=False,
    callback=read_config,
    help="TOML file with any of these settings.",
)


def asking(data_dir: Path) -> Context:
    """Return the context of a command that shows figures: without presence data while it is switched off."""
    from ..access.presence import is_switched_on
    from ..base.scope import Scope

    context = reading(data_dir)
    return context if is_switched_on(context.store) else context.within(Scope())


def record_look(context: Context, what: str, device: str = "", org_unit: str | None = None) -> None:
    """Record that a command shows a device, or a list of devices where none is given."""
    from ..access.access_record import Detail, command_look, record

    detail: Detail = "presence" if context.sees_presence else "days" if device else "list"
    look = command_look(detail, device, org_unit, f"parcimetre {what}", context.now())
    record(context.whole_store, look, context.recent_looks)


def reading(data_dir: Path, create: bool = False) -> Context:
    """Return the context with the served settings, for a command; `create` the folder if it is missing."""
    from ..access.served_settings import open_as_served

    return open_as_served(data_dir, create)
