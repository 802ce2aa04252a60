"""Mail message of a report (RFC 5322): plain text, HTML, and the recipient's files."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import formatdate
from urllib.parse import urlencode

from ..base.i18n import N_, Translator
from ..base.names import shown
from .formats import File
from .mail_body import mail_html, mail_text
from .wording import ReportText


def build_message(
    letter: ReportText,
    files: Iterable[File],
    sender: str,
    to: str,
    key: str,
    at: int,
    restated: bool,
    page: str = "",
) -> EmailMessage:
    """Return the message of one delivery; its id follows from `key`, so that duplicates are recognised.

    `page` is the address of the report's page, empty if the collector's public address is not stated.
    """
    mail = EmailMessage(policy=SMTP)
    translator = Translator(letter.language)
    subject = N_("{title}, corrected: {value} ({whose})") if restated else N_("{title}: {value} ({whose})")
    value = f"{letter.value} {letter.unit}" if letter.value else "–"
    title = translator(subject, title=letter.title, value=value, whose=letter.whose)
    mail["Subject"] = shown(title).replace("\u00a0", " ")
    mail["From"], mail["To"] = sender, shown(to)
    mail["Date"], mail["Message-ID"] = formatdate(at), message_id(key, sender)
    mail["Auto-Submitted"], mail["Content-Language"] = "auto-generated", letter.language
    mail.set_content(mail_text(letter, page))
    mail.add_alternative(mail_html(letter, page), subtype="html")
    for file in files:
        maintype, _, subtype = file.media_type.partition(";")[0].partition("/")
        if maintype == "text":
            mail.add_attachment(file.content.decode(), subtype=subtype, filename=file.name)
        else:
            mail.add_attachment(file.content, maintype, subtype, filename=file.name)
    return mail


def page_address(public_url: str, week: str, org_unit: str | None) -> str:
    """Return the address of a report's page, empty without a public address."""
    query = f"?{urlencode({'org_unit': org_unit})}" if org_unit else ""
    return f"{public_url}/reports/weekly/{week}{query}" if public_url else ""


def message_id(key: str, sender: str) -> str:
    """Return the Message-ID of a delivery, which a bounce refers to."""
    return f"<{delivery_name(key)}@{sender.rpartition('@')[2].strip('<> ') or 'parcimetre'}>"


def delivery_name(key: str) -> str:
    """Return the name of a delivery in ids: 32 hexadecimal digits."""
    return hashlib.sha256(key.encode()).hexdigest()[:32]
