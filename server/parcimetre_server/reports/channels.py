"""The ways out of the house: a server that takes mail, a folder, a webhook. Each says why it took nothing."""

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
from .message import name_of

HOOK_TIMEOUT_S = 30.0
WORTH_RETRYING = (408, 425, 429)
MOST_REASON = 300


class NotTaken(ParcimetreError):
    """A report that was not taken; `final` where another attempt would be refused as well."""

    def __init__(self, reason: str, final: bool = False) -> None:
        """Keep a line of the reason."""
        super().__init__(" ".join(reason.split())[:MOST_REASON])
        self.final = final


def by_mail(sent: EmailMessage, settings: MailSettings | None) -> None:
    """Hand a message to the server. Raises NotTaken."""
    if settings is None:
        raise NotTaken(
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
        raise NotTaken(f"{settings.host} refuses {to}: {code} {_text(said)}", _permanent(code)) from error
    except smtplib.SMTPAuthenticationError as error:
        told = (
            f"{settings.host} refuses the login of {settings.user!r}: {error.smtp_code} "
            f"{_text(error.smtp_error)}"
        )
        raise NotTaken(f"{told}; correct [mail] user or password_file") from error
    except smtplib.SMTPDataError as error:
        told = f"{settings.host} refuses the message: {error.smtp_code} {_text(error.smtp_error)}"
        raise NotTaken(told, _permanent(error.smtp_code)) from error
    except (smtplib.SMTPException, OSError, ParcimetreError) as error:
        raise NotTaken(f"{settings.host}:{settings.port}: {error}") from error


def _connected(settings: MailSettings) -> smtplib.SMTP:
    """A connection, with TLS unless the settings say none; its certificate was checked."""
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


def into_folder(files: Sequence[File], folder: str) -> None:
    """Put files into a folder, each whole or not at all, in the place of those of the same name.

    Raises NotTaken.
    """
    target = Path(folder)
    try:
        target.mkdir(parents=True, exist_ok=True)
        for file in files:
            draft = target / f".{file.name}.draft"
            draft.write_bytes(file.content)
            draft.replace(target / file.name)
    except OSError as error:
        raise NotTaken(f"cannot write into {folder}: {error.strerror or error}; "
                       "give the collector's user write access") from error  # fmt: skip


def to_webhook(files: Sequence[File], url: str, key: str) -> None:
    """Post each file to a server, with a key by which it can tell one that it had. Raises NotTaken."""
    try:
        with httpx.Client(timeout=HOOK_TIMEOUT_S) as client:
            for file in files:
                headers = {
                    "Content-Type": file.media_type,
                    "Idempotency-Key": f"{name_of(key)}-{file.name.rpartition('.')[2]}",
                    "X-Parcimetre-File": file.name.encode("ascii", "replace").decode(),
                }
                answer = client.post(url, content=file.content, headers=headers)
                if not answer.is_success:
                    final = 400 <= answer.status_code < 500 and answer.status_code not in WORTH_RETRYING
                    raise NotTaken(f"{_host(url)} answers {answer.status_code}", final)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise NotTaken(f"{_host(url)}: {error or type(error).__name__}") from error


def _host(url: str) -> str:
    """The server alone: an address may hold a secret, which is no business of the log."""
    return httpx.URL(url).host
