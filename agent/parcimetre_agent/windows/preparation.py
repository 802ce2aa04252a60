"""What the service needs before it measures: settings, a data folder, an enrolment. Prints the settings."""

from __future__ import annotations

import os
import sqlite3
import sys

from ..commands.run import prepare
from ..errors import AgentError
from ..settings import resolve
from . import log


def main() -> int:
    """Exit code 0 with the settings as JSON on standard output, else a sentence on standard error."""
    log.follow()
    try:
        settings = resolve({}, os.environ)
        prepare(settings)
    except AgentError as error:
        sys.stderr.write(f"parcimetre-agent: {error}\n")
        return error.exit_code
    except (OSError, sqlite3.Error) as error:
        sys.stderr.write(f"parcimetre-agent: {error}; check the data folder, its owner and its disk\n")
        return 2
    sys.stdout.write(settings.to_json())
    return 0


if __name__ == "__main__":
    sys.exit(main())
