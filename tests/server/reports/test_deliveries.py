"""Deliveries by a real server for mail: parts, TLS, refusals, retries, bounces; folders and webhooks."""

import csv
import datetime
import email
import io
import json
import socket
import ssl
import threading
from dataclasses import replace
from email.policy import default
from http.server import BaseHTTPRequestHandler, HTTPServer

import openpyxl
import pypdf
import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword
from click.testing import CliRunner
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from parcimetre_server.access.opening import open_context
from parcimetre_server.base.i18n import Translator
from parcimetre_server.cli import parcimetre
from parcimetre_server.configuration.mail_settings import MailSettings
from parcimetre_server.reports import deliveries as deliveries_
from parcimetre_server.reports import message, schedules, stored
from parcimetre_server.reports.deliveries import (
    BACK_OFF_S,
    deliveries,
    list_publications,
    make_due_deliveries,
)
from parcimetre_server.reports.message import page_address
from parcimetre_server.reports.publishing import due_week, publish, republish
from parcimetre_server.store.records import Fact, WriteBatch

from tests.server.conftest import DAY_S, SLOT_S, TODAY, slot

WEEK, SENDER = "2026-W47", "parcimetre@metropole.example"


def free_port():
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Mailbox:
    """Keeps what arrives, or answers what it is told to, at once or to a recipient."""

    def __init__(self):
        self.messages, self.answer, self.to_recipient = [], "250 kept", None

    async def handle_RCPT(self, _server, _session, envelope, address, _options):
        if self.to_recipient:
            return self.to_recipient
        envelope.rcpt_tos.append(address)
        return "250 ok"

    async def handle_DATA(self, _server, _session, envelope):
        if self.answer.startswith("250"):
            self.messages.append(email.message_from_bytes(envelope.content, policy=default))
        return self.answer


def certificate(folder):
    """A certificate of this machine for itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(1).not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    pem = made.public_bytes(serialization.Encoding.PEM)
    secret = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                               serialization.NoEncryption())  # fmt: skip
    (folder / "cert.pem").write_bytes(pem)
    (folder / "key.pem").write_bytes(secret)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    return folder / "cert.pem", context


@pytest.fixture
def serving():
    """Start a server for mail with a mailbox."""
    running = []

    def start(**about):
        box = Mailbox()
        controller = Controller(box, hostname="127.0.0.1", port=free_port(), **about)
        controller.start()
        running.append(controller)
        return box, controller.port

    yield start
    for controller in running:
        controller.stop()


@pytest.fixture
def box(serving):
    """A mailbox, and the port of its server."""
    return serving()


@pytest.fixture
def out(fleet, box):
    """The fleet with its past week published, its mail going to the box, and one recipient."""
    mail = MailSettings("127.0.0.1", SENDER, box[1], "none")
    context = replace(fleet.context, settings=replace(fleet.context.settings, mail=mail))
    formats = ["pdf", "xlsx", "csv", "json"]
    schedules.add(context.store, fleet.now, None, "mail", "elu@ville.example", "fr", formats, "admin")
    publish(context, WEEK)
    fleet.context = context
    return fleet


def by_mail(context):
    """What became of the deliveries by mail."""
    return [one for one in deliveries(context.store) if one.way == "mail"]


def test_a_mail_holds_text_html_and_each_file_which_its_own_program_reads(out, box):
    make_due_deliveries(out.context)
    (sent,) = box[0].messages
    assert sent["From"] == SENDER
    assert "Rapport hebdomadaire 2026-W47" in sent["Subject"]
    assert sent["Auto-Submitted"] == "auto-generated"
    text = sent.get_body(("plain",)).get_content()
    html = sent.get_body(("html",)).get_content()
    assert "Par entité" in html
    assert "Ce qui a changé" in text
    assert max(map(len, text.splitlines())) <= 110
    assert "http" not in html.replace("http-equiv", "")
    files = {part.get_filename().rpartition(".")[2]: part.get_content() for part in sent.iter_attachments()}
    assert set(files) == {"pdf", "xlsx", "csv", "json"}
    pages = "".join(page.extract_text() for page in pypdf.PdfReader(io.BytesIO(files["pdf"])).pages)
    book = openpyxl.load_workbook(io.BytesIO(files["xlsx"]))
    told = json.loads(files["json"])
    rows = list(csv.DictReader(io.StringIO(files["csv"])))
    assert "Rapport hebdomadaire 2026-W47" in pages
    assert told["factor_set"] in pages.replace("\n", "")
    units = [float(row["value"]) for row in rows if row["section"] == "org_unit"]
    assert sum(units) == pytest.approx(told["total"]["value"])
    heading, total = book[Translator("fr")("Total")].iter_rows(values_only=True)
    assert dict(zip(heading, total, strict=True))["Électricité, kWh"] == told["total"]["energy_kwh"]


def test_a_mail_leads_to_the_reports_page_at_the_public_address(out, box):
    public_url = "https://intranet.example.org/parcimetre"
    settings = replace(out.context.settings, public_url=public_url)
    make_due_deliveries(replace(out.context, settings=settings))
    (sent,) = box[0].messages
    page = f"{public_url}/reports/weekly/{WEEK}"
    assert page in sent.get_body(("plain",)).get_content().splitlines()
    assert f'href="{page}"' in sent.get_body(("html",)).get_content()


def test_the_page_of_a_unit_is_that_of_its_path():
    page = page_address("https://intranet.example.org", WEEK, "Métropole/Ville & Port")
    assert page.endswith("/reports/weekly/2026-W47?org_unit=M%C3%A9tropole%2FVille+%26+Port")
    assert page_address("", WEEK, None) == ""


def test_a_line_feed_in_a_stored_name_ends_no_header_and_stops_no_later_mail(fleet, box):
    """A unit of an earlier release, when names were not checked."""
    bad, now = "Métropole/Ville\nBcc: spy@b.example\u202e", fleet.now
    settings = replace(fleet.context.settings, mail=MailSettings("127.0.0.1", SENDER, box[1], "none"))
    context = replace(fleet.context, settings=settings)
    body = context.store.latest_of("device", fleet.server).body
    moved = Fact("device", fleet.server, now, {**body, "org_unit": bad, "hostname": "pc\x1b[31m"})
    context.store.append([Fact("org_unit", bad, now, {}), moved])
    then = now - 3 * DAY_S
    schedules.add(context.store, then, bad, "mail", "first@b.example", "en", ["csv", "pdf", "xlsx"], "admin")
    schedules.add(context.store, then, None, "mail", "second@b.example", "fr", ["csv"], "admin")
    publish(context, WEEK)
    make_due_deliveries(context)
    assert [one.state for one in by_mail(context)] == ["sent"] * 2
    (first,) = (mail for mail in box[0].messages if mail["To"] == "first@b.example")
    assert "Ville\\u000aBcc: spy@b.example\\u202e" in first["Subject"]
    assert first["Bcc"] is None
    for mail in box[0].messages:
        texts = [part.get_content() for part in mail.walk() if part.get_content_maintype() == "text"]
        assert len(texts) == 3
        assert not [one for text in texts for one in ("\u202e", "\x1b", "\nBcc") if one in text]


def test_a_fault_in_one_delivery_stops_no_other(out, box, monkeypatch):
    schedules.add(out.context.store, out.now, None, "mail", "autre@ville.example", "fr", [], "admin")
    publish(out.context, WEEK)

    def build(text, files, sender, to, *about):
        if to.startswith("elu@"):
            raise KeyError("a fault of the program")
        return message.build_message(text, files, sender, to, *about)

    monkeypatch.setattr(deliveries_, "build_message", build)
    monkeypatch.setattr(deliveries_, "built_in_schedules", lambda _: [])
    monkeypatch.setattr(deliveries_, "schedules", lambda store: [
        replace(one, created_at=0) for one in schedules.schedules(store)])  # fmt: skip
    make_due_deliveries(out.context)
    states = {one.to: one.state for one in by_mail(out.context)}
    assert states == {"elu@ville.example": "waiting", "autre@ville.example": "sent"}


def test_a_delivery_is_made_once(out, box):
    make_due_deliveries(out.context)
    assert make_due_deliveries(out.context) == []
    assert len(box[0].messages) == 1
    assert [one.state for one in by_mail(out.context)] == ["sent"]


def test_while_nothing_is_due_no_report_is_read(out, monkeypatch):
    make_due_deliveries(out.context)
    monkeypatch.setattr(stored, "_publication_of", lambda fact: pytest.fail(f"{fact.key} was read"))
    monkeypatch.setattr(out.context.store, "latest", lambda kind, since=0, of=out.context.store.latest: (
        pytest.fail("all reports were read") if kind == "report" else of(kind, since)))  # fmt: skip
    assert make_due_deliveries(out.context) == []


def test_a_monday_that_the_collector_was_off_is_made_up_for_once(fleet, box, clock_at):
    """It is off from Sunday on for ten days: of two weeks that are due the last one is told, once."""
    settings = replace(fleet.context.settings, mail=MailSettings("127.0.0.1", SENDER, box[1], "none"))
    schedules.add(fleet.context.store, fleet.now, None, "mail", "a@b.example", "en", [], "admin")
    fleet.context.store.write([WriteBatch(fleet.laptop, [slot(fleet.now // SLOT_S * SLOT_S + 5 * DAY_S)])])
    fleet.context.store.close()
    clock_at(fleet.now + 8 * DAY_S)
    for _ in range(2):  # at its start, and at the next one
        again = open_context(settings)
        for _ in range(2):
            publish(again, due_week(again.now(), again.zone))
            make_due_deliveries(again)
        again.store.close()
    (sent,) = box[0].messages
    assert "2026-W48" in sent["Subject"]


def test_the_reports_of_a_week_are_listed_without_reading_others(out, monkeypatch):
    people = ["mail", "b@ville.example", "fr", [], "analyst"]
    schedules.add(out.context.store, 1, "Métropole/Ville", *people)
    ended = schedules.add(out.context.store, 1, "Métropole/DSI", *people)
    publish(out.context, WEEK)
    publish(out.context, "2026-W46")
    schedules.end(out.context.store, ended.id, out.now)
    everything = list_publications(out.context.store, with_deliveries=True)
    assert {one["week"] for one in everything} == {WEEK, "2026-W46"}
    monkeypatch.setattr(deliveries_, "publications", lambda _: pytest.fail("all reports were read"))
    found = list_publications(out.context.store, with_deliveries=True, week=WEEK)
    assert found == [one for one in everything if one["week"] == WEEK]
    assert len(found) == 3
    assert list_publications(out.context.store, with_deliveries=True, week="2026-W01") == []


def test_an_edition_that_is_restated_meanwhile_is_found_without_a_new_start(out, box, clock_at):
    make_due_deliveries(out.context)
    first = TODAY - 6 * DAY_S
    slots = [slot(at) for at in range(first, first + DAY_S, SLOT_S)]
    out.context.store.write([WriteBatch(out.silent, slots)])
    clock_at(out.now + DAY_S)
    assert republish(out.context)
    make_due_deliveries(out.context)
    assert make_due_deliveries(out.context) == []
    assert ["restated" in one["Subject"] or "corrig" in one["Subject"] for one in box[0].messages] == [
        False, True,
    ]  # fmt: skip


def test_the_whole_is_kept_in_the_data_folder_in_both_languages(out):
    make_due_deliveries(out.context)
    kept = sorted(path.name for path in (out.context.settings.data_dir / "reports").iterdir())
    assert kept == ["weekly-2026-W47.en.html", "weekly-2026-W47.fr.html"]


def test_a_server_that_is_busy_is_tried_again_until_it_takes_the_mail(out, box, clock_at):
    box[0].answer = "451 try later"
    make_due_deliveries(out.context)
    (waiting,) = by_mail(out.context)
    assert (waiting.state, waiting.attempts, waiting.next_at) == ("waiting", 1, out.now + BACK_OFF_S[0])
    assert "451 try later" in waiting.reason
    assert not [one for one in make_due_deliveries(out.context) if one.way == "mail"]
    box[0].answer = "250 kept"
    clock_at(waiting.next_at)
    make_due_deliveries(out.context)
    (sent,) = by_mail(out.context)
    assert (sent.state, sent.attempts, len(box[0].messages)) == ("sent", 2, 1)


def test_a_server_that_never_takes_it_is_given_up_in_the_end(out, box, clock_at):
    box[0].answer = "451 try later"
    at = out.now
    for wait_s in (0, *BACK_OFF_S):
        at += wait_s
        clock_at(at)
        make_due_deliveries(out.context)
    (given_up,) = by_mail(out.context)
    assert (given_up.state, given_up.attempts) == ("given_up", 1 + len(BACK_OFF_S))
    clock_at(at + DAY_S)
    assert not [one for one in make_due_deliveries(out.context) if one.way == "mail"]


def test_a_refused_recipient_is_seen_on_the_page_and_in_the_api_and_is_not_tried_again(out, box, client_of):
    box[0].to_recipient = "550 no such mailbox"
    make_due_deliveries(out.context)
    (refused,) = by_mail(out.context)
    assert refused.state == "refused"
    reader = client_of(out.context)
    told = reader.get("/v1/reports").json()["reports"][0]
    assert refused.reason in [sent["reason"] for sent in told["deliveries"]]
    page = reader.get(f"/reports/weekly/{WEEK}?lang=en").text
    assert "550 no such mailbox" in page
    assert "refused" in page


def test_a_restated_report_is_sent_again_and_says_the_difference(out, box, clock_at):
    make_due_deliveries(out.context)
    starts = range(TODAY - 5 * DAY_S, TODAY - 4 * DAY_S, SLOT_S)
    out.context.store.write([WriteBatch(out.silent, [slot(start) for start in starts])])
    clock_at(out.now + DAY_S)
    republish(out.context)
    make_due_deliveries(out.context)
    _, again = box[0].messages
    assert "corrigé" in again["Subject"]
    assert "Cette révision remplace celle du 24 novembre 2026" in again.get_body(("html",)).get_content()
    assert [one.edition for one in by_mail(out.context)] == [2, 1]


def test_a_later_edition_takes_the_place_of_one_that_waits(out, box, clock_at):
    box[0].answer = "451 try later"
    make_due_deliveries(out.context)
    starts = range(TODAY - 5 * DAY_S, TODAY - 4 * DAY_S, SLOT_S)
    out.context.store.write([WriteBatch(out.silent, [slot(start) for start in starts])])
    republish(out.context)
    box[0].answer = "250 kept"
    clock_at(out.now + DAY_S)
    make_due_deliveries(out.context)
    assert len(box[0].messages) == 1
    states = [
        sent["state"]
        for sent in list_publications(out.context.store, True)[0]["deliveries"]
        if sent["way"] == "mail"
    ]
    assert sorted(states) == ["sent", "superseded"]


def test_who_is_named_later_gets_the_next_report_not_the_past_one(out, clock_at):
    clock_at(out.now + 60)
    schedules.add(out.context.store, out.now + 60, None, "mail", "late@ville.example", "en", [], "admin")
    make_due_deliveries(out.context)
    assert {one.to for one in by_mail(out.context)} == {"elu@ville.example"}


def test_a_password_travels_by_tls_with_a_checked_certificate(out, serving, tmp_path, clock_at):
    ca_file, context = certificate(tmp_path)
    seen = []

    def authenticate(_server, _session, _envelope, _mechanism, data):
        known = isinstance(data, LoginPassword) and data.password == b"s3cret"
        seen.append(known)
        return AuthResult(success=known)

    box, port = serving(
        tls_context=context, require_starttls=True, authenticator=authenticate, auth_required=True
    )
    (tmp_path / "password").write_text("s3cret\n")
    mail = MailSettings("localhost", SENDER, port, "starttls", "user", tmp_path / "password", ca_file)
    trusting = replace(out.context, settings=replace(out.context.settings, mail=mail))
    doubting = replace(trusting, settings=replace(trusting.settings, mail=replace(mail, ca_file=None)))
    make_due_deliveries(doubting)
    (waiting,) = by_mail(out.context)
    assert "certificate" in waiting.reason.lower()
    assert seen == []
    clock_at(waiting.next_at)
    make_due_deliveries(trusting)
    assert (seen, len(box.messages)) == ([True], 1)


BOUNCE = """From: MAILER-DAEMON@ville.example
To: parcimetre@metropole.example
Subject: Undelivered
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="b"

--b
Content-Type: text/plain

It did not arrive.
--b
Content-Type: message/delivery-status

Reporting-MTA: dns; ville.example

Final-Recipient: rfc822; elu@ville.example
Action: {action}
Status: 5.2.2
Diagnostic-Code: smtp; 552 mailbox full

--b
Content-Type: text/rfc822-headers

Message-ID: {id}
Subject: Rapport

--b--
"""


def test_a_bounced_mail_marks_its_delivery_and_a_delayed_one_does_not(out, box):
    make_due_deliveries(out.context)
    (sent,) = box[0].messages
    run = ["report", "bounce", "--data-dir", str(out.context.settings.data_dir)]
    for action, code, state in (("delayed", 1, "sent"), ("failed", 0, "bounced")):
        notice = BOUNCE.format(action=action, id=sent["Message-ID"])
        assert CliRunner().invoke(parcimetre, run, input=notice).exit_code == code
        assert by_mail(out.context)[0].state == state
    assert "552 mailbox full" in by_mail(out.context)[0].reason


@pytest.fixture
def hook():
    """A server that keeps what is posted to it, and answers what it is told to."""
    posted, answers = [], [200]

    class Keeps(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            posted.append((self.headers["Content-Type"], self.headers["Idempotency-Key"], body))
            self.send_response(answers[0])
            self.end_headers()

        def log_message(self, *_):
            pass

    server = HTTPServer(("127.0.0.1", 0), Keeps)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/reports", posted, answers
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize(
    ("answer", "state"), [(200, "sent"), (503, "waiting"), (410, "refused"), (429, "waiting")]
)
def test_a_webhook_gets_each_file_with_a_key_and_its_answer_counts(fleet, hook, answer, state):
    url, posted, answers = hook
    answers[0] = answer
    schedules.add(fleet.context.store, 1, "Métropole/Ville", "webhook", url, "en", ["json"], "analyst")
    publish(fleet.context, WEEK)
    made = [one for one in make_due_deliveries(fleet.context) if one.way == "webhook"]
    assert [one.state for one in made] == [state]
    ((media_type, key, body),) = posted
    assert (media_type, json.loads(body)["org_unit"]) == ("application/json", "Métropole/Ville")
    assert key.endswith("-json")
    assert "guest-1" not in body.decode()


def test_a_folder_that_cannot_be_written_is_told_with_the_mend(fleet, tmp_path):
    (tmp_path / "file").write_text("in the way")
    schedules.add(
        fleet.context.store, fleet.now, None, "folder", str(tmp_path / "file"), "fr", ["csv"], "admin"
    )
    publish(fleet.context, WEEK)
    (failed,) = [one for one in make_due_deliveries(fleet.context) if one.state != "sent"]
    assert "give the collector's user write access" in failed.reason
