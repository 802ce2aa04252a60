"""Store this machine's identity, and forget what a cloned disk brought along."""

from __future__ import annotations

from pathlib import Path

from ..identity import installation
from ..identity.installation import Identity
from ..recording.spool import Spool
from . import last_sent


def own_identity(data_dir: Path, root: Path = Path("/")) -> Identity:
    """Return this machine's identity, stored. A cloned disk gets a new one, and its spool is emptied.

    Raises BadDataDir.
    """
    who, dropped = installation.current_identity(data_dir, root)
    if dropped:
        Spool(str(data_dir)).clear()
        last_sent.forget(data_dir)
    if who != installation.load_identity(data_dir):
        installation.store_identity(data_dir, who)
    return who
