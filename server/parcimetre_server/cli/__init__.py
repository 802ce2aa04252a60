"""The `parcimetre` command. One file per command; a command is loaded only when it is called."""

from __future__ import annotations

import ast
import importlib
import pkgutil
import sys
from pathlib import Path

import click

from .. import __version__
from ..base.errors import ParcimetreError
from ..base.names import shown_lines

SHARED = ("options", "terminal")


class Commands(click.Group):
    """Finds commands by file name: `cli/enrolment_secret.py` is `parcimetre enrolment-secret`."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        """Names of the files beside this one, those that commands share aside."""
        names = (module.name for module in pkgutil.iter_modules(__path__))
        return sorted(name.replace("_", "-") for name in names if name not in SHARED)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Load one command, or None where there is no such file."""
        if cmd_name not in self.list_commands(ctx):
            return None
        module = importlib.import_module(f".{cmd_name.replace('-', '_')}", __name__)
        command: click.Command = module.command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Name every command with what its file says of it, without loading any."""
        names = self.list_commands(ctx)
        room = formatter.width - 6 - max(map(len, names))
        with formatter.section("Commands"):
            formatter.write_dl([(name, _short_help(name, room)) for name in names])


def _short_help(name: str, room: int) -> str:
    tree = ast.parse((Path(next(iter(__path__))) / f"{name.replace('-', '_')}.py").read_text("utf-8"))
    functions = (node for node in tree.body if isinstance(node, ast.FunctionDef))
    told = next((ast.get_docstring(node) for node in functions if node.name == "command"), None)
    return click.Command(name, help=told).get_short_help_str(room)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="parcimetre")
def parcimetre() -> None:
    """Measure and explain the footprint of an IT fleet."""


def main() -> None:
    """Run the command; an expected error is one sentence on stderr and exit code 2."""
    try:
        parcimetre(auto_envvar_prefix="PARCIMETRE")
    except Exception as error:
        if not _is_expected(error):
            raise
        click.echo(f"parcimetre: {shown_lines(str(error))}", err=True)
        sys.exit(2)


def _is_expected(error: Exception) -> bool:
    """Whether an error is told in a sentence; the engine is loaded for that only once there is one."""
    from parcimetre_factors.errors import FactorsError

    return isinstance(error, (ParcimetreError, FactorsError))
