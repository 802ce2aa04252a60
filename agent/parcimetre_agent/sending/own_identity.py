"""Store this machine's identity, and forget what a cloned disk brought along."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from ..configuration.settings import Settings
from ..identity import installation
from ..identity.installation import Identity
from ..recording.spool import Spool
from . import last_sent
from .encryption import is_plain


def own_identity(settings: Settings, root: Path = Path("/")) -> Identity:
    """Return this machine's identity, stored. A cloned disk gets a new one, and its spool is emptied.

    Raises BadDataDir.
    """
    data_dir = Path(settings.data_dir)
    stored = installation.load_identity(data_dir)
    who, dropped = installation.current_identity(data_dir, root)
    if dropped:
        Spool(str(data_dir)).clear()
        last_sent.forget(data_dir)
    elif stored is not None and _is_from_before(stored) and is_plain(settings.server):
        who = replace(who, http_server=settings.server)
    if who != stored:
        installation.store_identity(data_dir, who)
    return who


def _is_from_before(stored: Identity) -> bool:
    """Whether an agent enrolled that needed no setting for an address without TLS: it goes on."""
    return stored.rules is None and stored.credential is not None
