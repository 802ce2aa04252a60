"""The report as a message of mail (RFC 5322): text, HTML, and the files that the recipient wants."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import formatdate

from ..base.i18n import N_, Translator
from .formats import File
from .mail_body import mail_html, mail_text
from .wording import ReportText


def message(
    letter: ReportText, files: Iterable[File], sender: str, to: str, key: str, at: int, restated: bool
) -> EmailMessage:
    """The message of one delivery; `key` names it, so that the same one sent twice can be told as such."""
    made = EmailMessage(policy=SMTP)
    say = Translator(letter.language)
    subject = N_("{title}, corrected: {value} ({whose})") if restated else N_("{title}: {value} ({whose})")
    value = f"{letter.value} {letter.unit}" if letter.value else "–"
    made["Subject"] = say(subject, title=letter.title, value=value, whose=letter.whose).replace("\u00a0", " ")
    made["From"], made["To"] = sender, to
    made["Date"], made["Message-ID"] = formatdate(at), message_id(key, sender)
    made["Auto-Submitted"], made["Content-Language"] = "auto-generated", letter.language
    made.set_content(mail_text(letter))
    made.add_alternative(mail_html(letter), subtype="html")
    for file in files:
        maintype, _, subtype = file.media_type.partition(";")[0].partition("/")
        if maintype == "text":
            made.add_attachment(file.content.decode(), subtype=subtype, filename=file.name)
        else:
            made.add_attachment(file.content, maintype, subtype, filename=file.name)
    return made


def message_id(key: str, sender: str) -> str:
    """The id of the message of a delivery, by which a bounce names it."""
    return f"<{name_of(key)}@{sender.rpartition('@')[2].strip('<> ') or 'parcimetre'}>"


def name_of(key: str) -> str:
    """What stands for a delivery in ids."""
    return hashlib.sha256(key.encode()).hexdigest()[:32]
