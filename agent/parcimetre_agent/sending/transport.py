"""HTTP to the collector: the system's proxy, a private CA, a client certificate, limits on waiting.

Only short-lived processes load this module; httpx takes more memory than all of the resident.
"""

from __future__ import annotations

import email.utils
import gzip
import json
import ssl
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

sys.modules.setdefault("httpx._main", None)  # type: ignore[arg-type]  # None forbids httpx its terminal client: rich and click cost 0.15 s of CPU and 6 MiB

import httpx  # noqa: E402

from .. import __version__  # noqa: E402
from ..base.errors import BadSettings, Refused, Unreachable  # noqa: E402
from ..configuration.settings import Settings  # noqa: E402

TIMEOUT = httpx.Timeout(30.0, connect=15.0)
LONGEST_WAIT_S = 86_400.0
MOST_ANSWERED = 4 << 20  # bytes of an answer, unpacked
_OF_TRANSFER = ("content-encoding", "content-length", "transfer-encoding")
_COME_BACK = (408, 425, 429)
_IN_BETWEEN = (407, 511)
_PROXY_FIX = (
    "set HTTPS_PROXY=http://name:password@proxy:port for the agent, or NO_PROXY; the data stays in the spool"
)


@dataclass(frozen=True)
class CollectorAnswer:
    """The collector's answer. `sent_bytes` counts request line, headers and body; `date_s` is its clock."""

    body: dict[str, Any]
    sent_bytes: int
    date_s: float | None


def open_client(settings: Settings) -> httpx.Client:
    """A client for the collector in force. Raises BadSettings when none is set or a certificate is bad."""
    if settings.server is None:
        raise BadSettings("no collector is set; give --server URL or set PARCIMETRE_AGENT_SERVER")
    headers = {"User-Agent": f"parcimetre-agent/{__version__}", "Accept": "application/json"}
    return httpx.Client(
        base_url=settings.server, verify=_trust(settings), proxy=settings.proxy,
        timeout=TIMEOUT, headers=headers, trust_env=True,
    )  # fmt: skip


def post(
    client: httpx.Client, path: str, document: Mapping[str, Any], credential: str | None = None
) -> CollectorAnswer:
    """Send a document as compressed JSON.

    Raises Refused when the collector says no, Unreachable when it does not answer or says to come back.
    """
    headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
    if credential is not None:
        headers["Authorization"] = f"Bearer {credential}"
    body = gzip.compress(encode(document), 9, mtime=0)
    try:
        response = _exchange(client, path, body, headers)
    except httpx.HTTPError as error:
        raise Unreachable(_unreachable_sentence(error, str(client.base_url))) from None
    if response.is_success:
        return CollectorAnswer(_json(response), _size(response.request), _date_s(response))
    detail = _detail(response)
    if response.status_code in _IN_BETWEEN or response.is_redirect:
        raise Unreachable(_fix_of_redirect(response), _retry_after_s(response))
    if response.status_code in _COME_BACK or response.status_code >= 500:
        raise Unreachable(
            f"the collector cannot accept the report now: {detail}; it stays in the spool",
            _retry_after_s(response),
        )
    problem = _problem(response)
    raise Refused(response.status_code, detail, problem is not None, _kind(problem or {}))


def _exchange(client: httpx.Client, path: str, body: bytes, headers: Mapping[str, str]) -> httpx.Response:
    """Post a body; the whole answer, whose length is bounded. Raises Unreachable for a longer one."""
    content = bytearray()
    with client.stream("POST", path, content=body, headers=headers) as response:
        for part in response.iter_bytes():
            content += part
            if len(content) > MOST_ANSWERED:
                raise Unreachable(
                    f"{response.url} answers with more than {MOST_ANSWERED >> 20} MiB: it is not a "
                    "Parcimètre collector; check --server"
                )
    plain = [(name, value) for name, value in response.headers.multi_items() if name not in _OF_TRANSFER]
    return httpx.Response(
        response.status_code, headers=plain, content=bytes(content), request=response.request
    )


def check_reachable(client: httpx.Client) -> None:
    """Check that a web server answers at the collector's address. Raises Unreachable."""
    try:
        client.get("/")
    except httpx.HTTPError as error:
        raise Unreachable(_unreachable_sentence(error, str(client.base_url))) from None


def encode(document: Mapping[str, Any]) -> bytes:
    """Compact JSON, as it goes over the wire."""
    return json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode()


def _trust(settings: Settings) -> ssl.SSLContext | bool:
    """The system's trust store plus the private CA; nothing to trust where there is no TLS."""
    if settings.server is None or not settings.server.startswith("https://"):
        return False
    context = ssl.create_default_context()
    # On by default since Python 3.13, it refuses private authorities whose certificate states no key usage.
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    try:
        if settings.ca_file:
            context.load_verify_locations(settings.ca_file)
        if settings.client_cert:
            context.load_cert_chain(settings.client_cert, settings.client_key)
    except (OSError, ssl.SSLError) as error:
        raise BadSettings(f"ca_file or client_cert cannot be used: {error}; give PEM files") from None
    return context


def _unreachable_sentence(error: httpx.HTTPError, server: str) -> str:
    reason = str(error) or type(error).__name__
    if isinstance(error, httpx.ProxyError):
        return f"the proxy to {server} refuses the connection: {reason}; {_PROXY_FIX}"
    if "CERTIFICATE_VERIFY_FAILED" in reason:
        return f"the certificate of {server} is not trusted ({reason}): give its CA with --ca-file"
    return f"cannot reach {server}: {reason}; check --server and the network, the data stays in the spool"


def _json(response: httpx.Response) -> dict[str, Any]:
    try:
        body = response.json()
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise Unreachable(
            f"{response.url} is not a Parcimètre collector: its answer is not JSON; check --server"
        )
    return body


def _fix_of_redirect(response: httpx.Response) -> str:
    """What to do about an answer that is not the collector's own: a proxy's, or another address."""
    if response.is_redirect:
        there = response.headers.get("Location", "another address")
        return f"{response.url} redirects to {there}: give the collector's own address with --server"
    return f"the proxy to {response.url} requires a name and password: {_PROXY_FIX}"


def _problem(response: httpx.Response) -> dict[str, Any] | None:
    """The problem document of an answer; a proxy or another web server sends none."""
    try:
        problem = response.json()
    except ValueError:
        return None
    return problem if isinstance(problem, dict) and (problem.get("detail") or problem.get("title")) else None


def _kind(problem: Mapping[str, Any]) -> str:
    """The collector's word for a refusal."""
    return str(problem.get("type") or "").rpartition("/")[2]


def _detail(response: httpx.Response) -> str:
    """The problem document's sentence, else the status line."""
    problem = _problem(response)
    if problem is not None:
        return str(problem.get("detail") or problem.get("title"))
    return f"HTTP {response.status_code} {response.reason_phrase} from {response.url}; check --server"


def _retry_after_s(response: httpx.Response) -> float:
    """Seconds of a Retry-After header, given as such or as a date; 0 without one."""
    value = response.headers.get("Retry-After", "")
    if value.isascii() and value.isdigit():
        return min(float(value), LONGEST_WAIT_S)
    due_s, now_s = _parsed_date_s(value), _date_s(response)
    if due_s is None or now_s is None:
        return 0.0
    return min(max(0.0, due_s - now_s), LONGEST_WAIT_S)


def _date_s(response: httpx.Response) -> float | None:
    return _parsed_date_s(response.headers.get("Date", ""))


def _parsed_date_s(value: str) -> float | None:
    try:
        return email.utils.parsedate_to_datetime(value).timestamp()
    except (TypeError, ValueError):
        return None


def _size(request: httpx.Request) -> int:
    """Bytes of request line, headers and body."""
    headers = sum(len(name) + len(value) + 4 for name, value in request.headers.raw)
    line = len(request.method) + len(request.url.raw_path) + 12
    return line + headers + 2 + len(request.content)
