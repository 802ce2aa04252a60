"""Every command of both programs: help and unknown options."""

import pkgutil

import click
import pytest
from parcimetre_agent import commands
from parcimetre_server.cli import parcimetre

AGENT_COMMANDS = tuple(module.name for module in pkgutil.iter_modules(commands.__path__))


def _all_commands(command: click.Command, path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    """The path of a command and of all its subcommands."""
    found = [path]
    if isinstance(command, click.Group):
        with click.Context(command) as ctx:
            for name in command.list_commands(ctx):
                below = command.get_command(ctx, name)
                assert below is not None
                found += _all_commands(below, (*path, name))
    return found


COMMANDS = [("parcimetre", *path) for path in _all_commands(parcimetre)]
ACTIONS = {"gateway": ("discover",)}  # what a command must be told before its options are looked at
COMMANDS += [("parcimetre-agent", name, *ACTIONS.get(name, ())) for name in AGENT_COMMANDS]
COMMANDS.append(("parcimetre-agent",))


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_every_command_helps_and_refuses_what_it_does_not_know(run, command):
    helped = run(*command, "--help")
    assert (helped.returncode, helped.stderr) == (0, "")
    assert "usage" in helped.stdout.lower()
    refused = run(*command, "--no-such-option")
    assert refused.returncode == 2
    assert "Traceback" not in refused.stderr
    assert "--no-such-option" in refused.stderr or len(command) == 1
