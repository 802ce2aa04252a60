"""Enrolment: a secret goes in, a credential comes out and is stored for this account only."""

from __future__ import annotations

import contextlib
import socket
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from .. import __version__
from ..base.errors import BadSettings, Unreachable
from ..configuration.settings import Settings
from ..identity import installation
from ..identity.installation import Identity
from ..recording.spool import Spool
from ..report import EnrolRequest, Inventory
from .transport import post
from .wire_json import as_json

if TYPE_CHECKING:
    import httpx

BY_INSTALLER = "enrolment.ini"
"""In the data folder: the secret that an installer left for this machine alone."""
_IN_INI = "\nsecret="


def has_secret(settings: Settings) -> bool:
    """Whether the file of the enrolment secret exists."""
    return settings.secret_file is not None and Path(settings.secret_file).exists()


def read_secret(settings: Settings) -> str:
    """The enrolment secret from its file: all of it, or the value `secret` of an installer's INI file.

    Raises BadSettings.
    """
    if settings.secret_file is None:
        raise BadSettings("this machine is not enrolled; give the enrolment secret with --secret-file FILE")
    try:
        secret = Path(settings.secret_file).read_text(encoding="utf-8").rpartition(_IN_INI)[2].strip()
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or error
        raise BadSettings(
            f"cannot read the enrolment secret {settings.secret_file}: {why}; check --secret-file"
        ) from None
    if not secret:
        raise BadSettings(f"{settings.secret_file} is empty; write the enrolment secret into it")
    return secret


def enrol(
    client: httpx.Client, settings: Settings, spool: Spool, who: Identity, inventory: Inventory
) -> Identity:
    """Exchange the secret for a credential and store it. A secret that an installer left is then removed.

    Raises BadSettings, Refused (the collector's own sentence) or Unreachable.
    """
    request = EnrolRequest(
        schema=1,
        secret=read_secret(settings),
        hardware=installation.hardware_identity(who, inventory.virtual),
        category=inventory.category,
        agent_version=__version__,
        hostname=socket.gethostname() if settings.send_hostname else None,
    )
    answer = post(client, "/v1/enrol", as_json(request)).body
    if not {"device_id", "credential"} <= set(answer):
        raise Unreachable(f"{settings.server} answers, but is not a Parcimètre collector; check --server")
    enrolled = replace(who, device_id=str(answer["device_id"]), credential=str(answer["credential"]))
    installation.store_identity(Path(settings.data_dir), enrolled)
    _remove_used(settings)
    config = answer.get("config") or {}
    spool.remember(device_id=enrolled.device_id, upload_period_s=config.get("upload_period_s"))
    return enrolled


def _remove_used(settings: Settings) -> None:
    left = Path(settings.data_dir, BY_INSTALLER)
    if settings.secret_file is not None and Path(settings.secret_file) == left:
        with contextlib.suppress(OSError):
            left.unlink()
