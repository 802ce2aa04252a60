"""`parcimetre serve`: the collector."""

from __future__ import annotations

import contextlib
import gc
import logging
import signal
import socket
import ssl
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click
from parcimetre_factors.service_life.amortisation import Policy

from ..base.errors import ParcimetreError
from ..configuration.settings import EUR_PER_KWH, KEEP_RECORD_DAYS
from . import options

if TYPE_CHECKING:
    from fastapi import FastAPI

    from ..configuration.settings import Displays

LOG = logging.getLogger("parcimetre")
BACKLOG = 2048
SELDOM = (10_000, 20, 20)  # objects between searches for cycles: of requests, hardly any is in one
FILE = click.Path(dir_okay=False, path_type=Path)
EPILOG = """\b
Examples:
  parcimetre serve --data-dir /var/lib/parcimetre
  parcimetre serve --config /etc/parcimetre/parcimetre.toml --host 0.0.0.0
"""


class BadTls(ParcimetreError):
    """Certificate files that are not usable for HTTPS."""


@dataclass(frozen=True)
class Tls:
    """Certificate files of HTTPS; with `client_ca`, clients need a certificate signed by it."""

    cert: Path
    key: Path
    client_ca: Path | None

    @classmethod
    def of(cls, cert: Path | None, key: Path | None, client_ca: Path | None) -> Tls | None:
        """Return the files of the options, None if none was given. Raises BadTls."""
        if cert is None and key is None and client_ca is None:
            return None
        if cert is None or key is None:
            raise BadTls(
                "HTTPS needs both --tls-cert and --tls-key; give the certificate and its private key"
            )
        try:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(cert, key)
            if client_ca is not None:
                context.load_verify_locations(client_ca)
        except (OSError, ssl.SSLError) as error:
            raise BadTls(
                f"cannot serve HTTPS with {cert}, {key} and {client_ca or 'no client CA'}: "
                f"{error.strerror or error}; give matching PEM files that this user may read"
            ) from error
        return cls(cert, key, client_ca)


class CannotListen(ParcimetreError):
    """An address that the collector cannot listen on."""


@click.command(epilog=EPILOG)
@options.config
@options.data_dir
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", type=click.IntRange(0, 65535), default=8787, show_default=True,
              help="Port to listen on; 0: any free port.")  # fmt: skip
@click.option("--time-zone", default="Europe/Paris", show_default=True,
              help="Time zone of the organisation: its days and weeks.")  # fmt: skip
@click.option("--organisation", default="", help="Name shown on pages and reports.")
@click.option("--upload-period", "upload_period_s", type=click.IntRange(60, 86_400), default=3600,
              show_default=True, help="Seconds between two reports of an agent.")  # fmt: skip
@click.option("--read-from-network", is_flag=True,
              help="Allow readers with a token or a login from other machines.")  # fmt: skip
@click.option("--require-login", is_flag=True,
              help="Require a token or a login on this machine too.")  # fmt: skip
@click.option("--amortisation", type=click.Choice([str(policy) for policy in Policy]), default="service_life",
              show_default=True, help="How embodied impact is spread on pages and in reports.")  # fmt: skip
@click.option("--displays", type=click.Choice(["fleet", "all", "none"]), default="fleet", show_default=True,
              help="Which displays count; fleet leaves out those seen at home only.")  # fmt: skip
@click.option("--eur-per-kwh", type=click.FloatRange(0, 100), default=EUR_PER_KWH, show_default=True,
              help="Price of electricity in reports, in euros per kWh.")  # fmt: skip
@click.option("--log-format", type=click.Choice(["text", "json"]), default="text", show_default=True,
              help="How a line of the log on stderr looks.")  # fmt: skip
@click.option("--access-log", is_flag=True, help="Log every request: method, route, answer and duration.")
@click.option("--reports-per-hour", type=click.IntRange(1), default=60, show_default=True,
              help="How often a device may report in the long run.")  # fmt: skip
@click.option("--report-burst", type=click.IntRange(1), default=30, show_default=True,
              help="How many reports a device may send at once, for example after weeks away.")  # fmt: skip
@options.keep_slots_days
@options.keep_hours_days
@click.option("--silent-after-hours", type=click.IntRange(1), default=48, show_default=True,
              help="Hours without a report after which a device is silent.")  # fmt: skip
@click.option("--public-url", default="",
              help="Address for browsers and agents; its path is the prefix behind a proxy.")  # fmt: skip
@click.option("--trusted-proxies", default="",
              help="Reverse proxies (addresses or networks, separated by commas) whose X-Forwarded-For names "
              "the client of a failed attempt.")  # fmt: skip
@click.option("--keep-access-record-days", type=click.IntRange(1, 3650), default=KEEP_RECORD_DAYS,
              show_default=True, help="Days for which looks at single devices stay recorded.")  # fmt: skip
@click.option("--keep-names-days", type=click.IntRange(1, 3650), default=KEEP_RECORD_DAYS, show_default=True,
              help="Days for which names of persons stay in the audit log.")  # fmt: skip
@click.option("--tls-cert", type=FILE, help="Certificate (PEM, with its chain) to serve HTTPS with.")
@click.option("--tls-key", type=FILE, help="Its private key (PEM).")
@click.option("--client-ca", type=FILE,
              help="Answer only clients with a certificate of this CA (PEM).")  # fmt: skip
def command(
    data_dir: Path, host: str, port: int, time_zone: str, organisation: str, upload_period_s: int,
    read_from_network: bool, require_login: bool, amortisation: str, displays: Displays,
    eur_per_kwh: float, log_format: str, access_log: bool, reports_per_hour: int, report_burst: int,
    keep_slots_days: int, keep_hours_days: int, silent_after_hours: int, public_url: str,
    trusted_proxies: str, keep_access_record_days: int, keep_names_days: int,
    tls_cert: Path | None, tls_key: Path | None, client_ca: Path | None,
) -> None:  # fmt: skip
    """Start the collector: agents report to it, people read its pages.

    Settings come from the command line, else from PARCIMETRE_SERVE_..., else from the TOML file, else from
    the defaults below. The file's table [login] configures an OpenID provider (documentation: access). Its
    table [mail] configures the mail server for reports (documentation: reports).
    """
    from ..access.opening import open_context
    from ..access.served_settings import store_served_settings
    from ..base import log
    from ..configuration.login_settings import login_settings
    from ..configuration.mail_settings import mail_settings
    from ..configuration.public_address import public_address
    from ..configuration.settings import Settings, networks_of
    from ..fleet.monitors_at_home import store_displays_rule
    from ..operations.jobs import start_jobs
    from ..web.app import build

    log.configure(log_format)
    meta = click.get_current_context().meta
    public_url = public_address(public_url)
    login = login_settings(meta.get(options.LOGIN), public_url)
    settings = Settings(
        data_dir,
        host,
        port,
        time_zone,
        organisation,
        upload_period_s,
        read_from_network,
        Policy(amortisation),
        access_log,
        displays,
        require_login=require_login,
        login=login,
        reports_per_hour=reports_per_hour,
        report_burst=report_burst,
        eur_per_kwh=eur_per_kwh,
        mail=mail_settings(meta.get(options.MAIL)),
        keep_slots_days=keep_slots_days,
        keep_hours_days=keep_hours_days,
        silent_after_hours=silent_after_hours,
        public_url=public_url or (login.public_url if login else ""),
        trusted_proxies=networks_of(trusted_proxies),
        keep_access_record_days=keep_access_record_days,
        keep_names_days=keep_names_days,
    )
    tls = Tls.of(tls_cert, tls_key, client_ca)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with _listening(host, port) as listener:
        context = open_context(settings, create=True)
        with contextlib.closing(context.store):
            store_displays_rule(context)
            store_served_settings(context)
            app = build(context, start_jobs)
            shown = f"[{host}]" if ":" in host else host
            scheme = "https" if tls else "http"
            _run(app, listener, f"{scheme}://{shown}:{listener.getsockname()[1]}/", tls)
    LOG.info("stopped")


def _run(app: FastAPI, listener: socket.socket, address: str, tls: Tls | None) -> None:
    """Serve until SIGTERM or SIGINT; reports received by then are stored and answered."""
    import uvicorn

    class Server(uvicorn.Server):
        """Server that logs its address once it listens."""

        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            """Start, then log the address."""
            await super().startup(sockets)
            LOG.info("ready at %s", address)

    config = uvicorn.Config(
        app,
        http="httptools",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=10,
        ssl_certfile=tls.cert if tls else None,
        ssl_keyfile=tls.key if tls else None,
        ssl_ca_certs=None if tls is None or tls.client_ca is None else str(tls.client_ca),
        ssl_cert_reqs=ssl.CERT_REQUIRED if tls and tls.client_ca else ssl.CERT_NONE,
    )
    server = Server(config)
    gc.set_threshold(*SELDOM)
    gc.freeze()
    with contextlib.suppress(KeyboardInterrupt, SystemExit):
        server.run(sockets=[listener])
    if not server.started:
        sys.exit(1)


def _listening(host: str, port: int) -> socket.socket:
    """Return a listening socket. Raises CannotListen."""
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        listener = socket.socket(family)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(BACKLOG)
    except OSError as error:
        raise CannotListen(
            f"cannot listen on {host} port {port}: {error.strerror}; stop the program that uses it "
            "or choose another --host or --port"
        ) from error
    return listener
