"""Enrolment: a secret goes in, a credential comes out and is stored for this account only."""

from __future__ import annotations

import contextlib
import socket
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from .. import __version__
from ..base.errors import BadSettings, Refused
from ..configuration.settings import Settings
from ..identification.organisation_key import key_text, split_secret
from ..identity import installation
from ..identity.installation import Identity
from ..recording.spool import Spool
from ..report import SCHEMA, EnrolRequest, Inventory
from . import answers
from .message_forms import Delivered, Memory, deliver

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
    client: httpx.Client,
    settings: Settings,
    spool: Spool,
    who: Identity,
    inventory: Inventory,
    now_s: float,
) -> Identity:
    """Exchange the secret for a credential and store it. A secret that an installer left is then removed.

    A credential that this machine still has proves that it is the device that it was. Raises BadSettings,
    Refused (the collector's own sentence) or Unreachable.
    """
    secret, key = split_secret(read_secret(settings))
    request = EnrolRequest(
        schema=SCHEMA,
        secret=secret,
        hardware=installation.hardware_identity(who, inventory),
        category=inventory.category,
        agent_version=__version__,
        hostname=socket.gethostname() if settings.send_hostname else None,
    )
    sent = exchange(client, request, who.credential, key, spool, now_s)
    answer = answers.enrolled(sent.answer.body, settings.server)
    enrolled = replace(
        who,
        device_id=answer.device_id,
        credential=answer.credential,
        hash_key=answer.hash_key if key is None else key_text(key),
        reported=who.fingerprint,
        reported_form=sent.hash_form,
    )
    installation.store_identity(Path(settings.data_dir), enrolled)
    _remove_used(settings)
    spool.remember(device_id=enrolled.device_id, upload_period_s=answer.period_s)
    return enrolled


def exchange(
    client: httpx.Client,
    request: EnrolRequest,
    credential: str | None,
    key: bytes | None,
    memory: Memory,
    now_s: float,
) -> Delivered:
    """Post an enrolment with the credential that proves who asks, and without it where it proves nothing.

    `key` is the organisation's, of the secret. Without one the hashes go in the product's form, since the
    collector may be another than before.
    """
    text = None if key is None else key_text(key)
    try:
        return deliver(client, "/v1/enrol", request, credential, text, memory, now_s)
    except Refused as error:
        if credential is None or error.status != 401:
            raise
        return deliver(client, "/v1/enrol", request, None, text, memory, now_s)


def _remove_used(settings: Settings) -> None:
    left = Path(settings.data_dir, BY_INSTALLER)
    if settings.secret_file is not None and Path(settings.secret_file) == left:
        with contextlib.suppress(OSError):
            left.unlink()
