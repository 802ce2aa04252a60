"""Delivery channels (mail, folder, webhook); each reports why a delivery failed."""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Sequence
from email.message import EmailMessage
from pathlib import Path

import httpx

from ..base.errors import ParcimetreError
from ..configuration.mail_settings import MailSettings
from .formats import File
from .message import delivery_name

HOOK_TIMEOUT_S = 30.0
WORTH_RETRYING = (408, 425, 429)
MOST_REASON = 300


class DeliveryFailed(ParcimetreError):
    """A failed delivery; `final` where another attempt would fail as well."""

    def __init__(self, reason: str, final: bool = False) -> None:
        """Set the reason, cut to one line."""
        super().__init__(" ".join(reason.split())[:MOST_REASON])
        self.final = final


def send_mail(sent: EmailMessage, settings: MailSettings | None) -> None:
    """Send a message by the mail server. Raises DeliveryFailed."""
    if settings is None:
        raise DeliveryFailed(
            "no mail server is configured: add a table [mail] to the settings file (documentation: reports)"
        )
    to = str(sent["To"])
    try:
        with _connected(settings) as server:
            if settings.user:
                server.login(settings.user, settings.password())
            server.send_message(sent, settings.sender, [to])
    except smtplib.SMTPRecipientsRefused as error:
        code, said = next(iter(error.recipients.values()))
        raise DeliveryFailed(
            f"{settings.host} refuses {to}: {code} {_text(said)}", _permanent(code)
        ) from error
    except smtplib.SMTPAuthenticationError as error:
        told = (
            f"{settings.host} refuses the login of {settings.user!r}: {error.smtp_code} "
            f"{_text(error.smtp_error)}"
        )
        raise DeliveryFailed(f"{told}; correct [mail] user or password_file") from error
    except smtplib.SMTPDataError as error:
        told = f"{settings.host} refuses the message: {error.smtp_code} {_text(error.smtp_error)}"
        raise DeliveryFailed(told, _permanent(error.smtp_code)) from error
    except (smtplib.SMTPException, OSError, ParcimetreError) as error:
        raise DeliveryFailed(f"{settings.host}:{settings.port}: {error}") from error


def _connected(settings: MailSettings) -> smtplib.SMTP:
    """A connection, with TLS and a verified certificate unless the settings say none."""
    where = settings.host, settings.port
    if settings.security == "none":
        return smtplib.SMTP(*where, timeout=settings.timeout_s)
    context = ssl.create_default_context(cafile=settings.ca_file)
    if settings.security == "tls":
        return smtplib.SMTP_SSL(*where, timeout=settings.timeout_s, context=context)
    server = smtplib.SMTP(*where, timeout=settings.timeout_s)
    try:
        server.starttls(context=context)
    except BaseException:
        server.close()
        raise
    return server


def _permanent(code: int) -> bool:
    return code >= 500


def _text(said: bytes | str) -> str:
    return said.decode(errors="replace") if isinstance(said, bytes) else said


def write_to_folder(files: Sequence[File], folder: str) -> None:
    """Write files to a folder, each atomically, replacing those of the same name. Raises DeliveryFailed."""
    target = Path(folder)
    try:
        target.mkdir(parents=True, exist_ok=True)
        for file in files:
            draft = target / f".{file.name}.draft"
            draft.write_bytes(file.content)
            draft.replace(target / file.name)
    except OSError as error:
        raise DeliveryFailed(
            f"cannot write into {folder}: {error.strerror or error}; give the collector's user write access"
        ) from error


def post_to_webhook(files: Sequence[File], url: str, key: str) -> None:
    """Post each file to a server, with an idempotency key. Raises DeliveryFailed."""
    try:
        with httpx.Client(timeout=HOOK_TIMEOUT_S) as client:
            for file in files:
                headers = {
                    "Content-Type": file.media_type,
                    "Idempotency-Key": f"{delivery_name(key)}-{file.name.rpartition('.')[2]}",
                    "X-Parcimetre-File": file.name.encode("ascii", "replace").decode(),
                }
                answer = client.post(url, content=file.content, headers=headers)
                if not answer.is_success:
                    final = 400 <= answer.status_code < 500 and answer.status_code not in WORTH_RETRYING
                    raise DeliveryFailed(f"{_host(url)} answers {answer.status_code}", final)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise DeliveryFailed(f"{_host(url)}: {error or type(error).__name__}") from error


def _host(url: str) -> str:
    """The host of a URL alone, since the rest may contain a secret."""
    return httpx.URL(url).host
