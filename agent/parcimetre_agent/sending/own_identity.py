"""Store this machine's identity, and forget what a cloned disk brought along."""

from __future__ import annotations

from pathlib import Path

from ..identity import installation
from ..identity.installation import Identity
from ..recording.spool import Spool
from . import last_sent


def own_identity(data_dir: Path, root: Path = Path("/")) -> Identity:
    """This machine's identity, stored; a clone's spool is another machine's, and goes with the old identity.

    Raises BadDataDir.
    """
    who, dropped = installation.current(data_dir, root)
    if dropped:
        Spool(str(data_dir)).clear()
        last_sent.forget(data_dir)
    if who != installation.load(data_dir):
        installation.store(data_dir, who)
    return who
