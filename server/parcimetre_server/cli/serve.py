"""`parcimetre serve`: the collector."""

from __future__ import annotations

import contextlib
import gc
import logging
import signal
import socket
import ssl
import sys
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from parcimetre_factors.service_life.amortisation import Policy

from ..base.errors import ParcimetreError
from ..configuration.settings import EUR_PER_KWH, KEEP_RECORD_DAYS
from . import options

if TYPE_CHECKING:
    from fastapi import FastAPI

    from ..configuration.settings import Settings
    from ..operations.doctor import Finding

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
@click.option("--trust-this-machine", is_flag=True,
              help="Let anyone on this machine read and administer without a login. Only to try it: never "
              "behind a reverse proxy.")  # fmt: skip
@click.option("--allowed-hosts", default="", metavar="NAMES",
              help="Names by which readers may address this collector, separated by commas, beside numeric "
              "addresses, localhost, this machine's names and the login's public address.")  # fmt: skip
@options.superseded
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
@click.pass_context
def command(ctx: click.Context, /, **given: Any) -> None:
    """Start the collector: agents report to it, people read its pages.

    Settings come from the command line, else from PARCIMETRE_SERVE_..., else from the TOML file, else from
    the defaults below. The file's table [login] configures an OpenID provider (documentation: access). Its
    table [mail] configures the mail server for reports (documentation: reports).
    """
    from ..access.opening import open_context
    from ..access.served_settings import store_served_settings
    from ..base import log
    from ..base.private_files import restrict, restrict_new_files
    from ..fleet.monitors_at_home import store_displays_rule
    from ..fleet.rekeying import rekey_store
    from ..operations.doctor.readers import who_can_read
    from ..operations.jobs import start_jobs
    from ..web.app import build

    log.configure(given["log_format"])
    for name, told in options.superseded_settings(ctx.meta).items():
        LOG.warning("%s %s; remove it", name, told)
    settings = settings_of(given, ctx.meta)
    tls = Tls.of(given["tls_cert"], given["tls_key"], given["client_ca"])
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    restrict_new_files()
    with _listening(settings.host, settings.port) as listener:
        context = open_context(settings, create=True)
        corrected = restrict(settings.data_dir)
        if corrected:
            LOG.info(
                "%s: %d files were open to other accounts and no longer are",
                settings.data_dir,
                len(corrected),
            )
        with contextlib.closing(context.store):
            rekey_store(context)
            store_displays_rule(context)
            store_served_settings(context)
            app = build(context, start_jobs)
            shown = f"[{settings.host}]" if ":" in settings.host else settings.host
            scheme = "https" if tls else "http"
            readers = who_can_read(context)
            _run(app, listener, f"{scheme}://{shown}:{listener.getsockname()[1]}/", readers, tls)
    LOG.info("stopped")


def settings_of(given: Mapping[str, Any], meta: Mapping[str, Any]) -> Settings:
    """Return the settings that options and tables of the file give. Raises BadSetting."""
    from ..configuration.login_settings import login_settings
    from ..configuration.mail_settings import mail_settings
    from ..configuration.public_address import public_address
    from ..configuration.settings import Settings, host_names_of, networks_of

    public_url = public_address(given["public_url"])
    login = login_settings(meta.get(options.LOGIN), public_url)
    as_given = {field.name: given[field.name] for field in fields(Settings) if field.name in given}
    read = {
        "amortisation": Policy(given["amortisation"]),
        "allowed_hosts": host_names_of(given["allowed_hosts"]),
        "login": login,
        "mail": mail_settings(meta.get(options.MAIL)),
        "public_url": public_url or (login.public_url if login else ""),
        "trusted_proxies": networks_of(given["trusted_proxies"]),
    }
    return Settings(**(as_given | read))


def _run(app: FastAPI, listener: socket.socket, address: str, readers: Finding, tls: Tls | None) -> None:
    """Serve until SIGTERM or SIGINT; reports received by then are stored and answered."""
    import uvicorn

    from ..web.connections import Connections, descriptors, guard

    connections = Connections(descriptors())

    class Server(uvicorn.Server):
        """Server that bounds its connections, and logs its address and who can read there once it listens."""

        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            """Start, then log the address and its readers."""
            guard(self.config, connections)
            await super().startup(sockets)
            LOG.info("ready at %s", address)
            level = logging.INFO if readers.state == "ok" else logging.WARNING
            LOG.log(level, "%s", "; ".join(filter(None, (readers.told, readers.mend))))

    config = uvicorn.Config(
        app,
        http="httptools",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        ws="none",
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
