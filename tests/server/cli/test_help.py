"""The list of commands: what each says of itself, without loading any."""

import subprocess
import sys

from click import Context
from click.testing import CliRunner
from parcimetre_server.cli import parcimetre

LOADED = "import sys; from parcimetre_server.cli import main\ntry: main()\nfinally: print(*sys.modules)"


def test_every_command_is_listed_with_the_beginning_of_its_own_help():
    shown = CliRunner().invoke(parcimetre, ["--help"], terminal_width=100).output
    context = Context(parcimetre)
    for name in parcimetre.list_commands(context):
        (line,) = [line for line in shown.splitlines() if line.split()[:1] == [name]]
        told = line.split(maxsplit=1)[1].rstrip(".")
        assert told
        assert parcimetre.get_command(context, name).help.startswith(told)


def test_listing_the_commands_loads_none():
    ran = subprocess.run([sys.executable, "-c", LOADED, "--help"], capture_output=True, text=True, check=True)
    loaded = ran.stdout.splitlines()[-1].split()
    assert "parcimetre_server.cli" in loaded
    assert not {"parcimetre_server.cli.serve", "parcimetre_server.cli.footprint", "fastapi"} & set(loaded)
