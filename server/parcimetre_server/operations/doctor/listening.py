"""Whether a collector answers where the settings say that it listens."""

from __future__ import annotations

import json
from http.client import HTTPConnection, HTTPException

from . import Finding, failed, ok, warning

PATIENCE_S = 10
ANYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104


def findings(host: str, port: int) -> Finding:
    """Ask /readyz there."""
    where = f"{host} port {port}"
    connection = HTTPConnection(ANYWHERE.get(host, host), port, timeout=PATIENCE_S)
    try:
        connection.request("GET", "/readyz")
        answer = connection.getresponse()
        told = json.loads(answer.read())
    except OSError as error:
        mend = "start `parcimetre serve`, or give its --host and --port or --config"
        return warning("collector", f"nothing answers on {where}: {error.strerror or error}", mend)
    except (HTTPException, ValueError):
        return failed(
            "collector", f"the program that answers on {where} is not a collector", "choose another --port"
        )
    finally:
        connection.close()
    if answer.status == 200 and told.get("status") == "ok":
        return ok("collector", f"answers on {where} and is ready")
    detail = told.get("detail") if isinstance(told, dict) else None
    return failed("collector", f"answers on {where}, but is not ready", str(detail or "see its log"))
