"""What the service needs before it measures: settings, a data folder, an enrolment. Prints the settings."""

from __future__ import annotations

import os
import sqlite3
import sys

from ..base.console import print_error
from ..base.errors import AgentError
from ..configuration.settings import resolve
from ..sending.preparation import prepare
from ..windows import log


def main() -> int:
    """Exit code 0 with the settings as JSON on standard output, else a sentence on standard error."""
    log.follow_log()
    try:
        settings = resolve({}, os.environ)
        prepare(settings)
    except (AgentError, OSError, sqlite3.Error) as error:
        return print_error(error)
    sys.stdout.write(settings.to_json())
    return 0


if __name__ == "__main__":
    sys.exit(main())
