"""Energy of a whole server from its BMC over Redfish (DMTF), once a quarter hour; off until configured.

The file bmc.json names the BMC; what asks it is loaded when there is one.
"""
# ruff: noqa: PTH118, PTH123

from __future__ import annotations

import json
import os
import sys
from typing import Any

from ..base.outcome import Denied, Failed, NoData, Outcome, from_os_error

SOURCE, QUALITY = "bmc_redfish", "measured"  # those of metering.redfish, which this must not load
EVERY_S = 900
FILE_NAME = "bmc.json"
FOLDER = (
    os.path.join(os.environ.get("PROGRAMDATA", r"C:\ProgramData"), "Parcimetre")
    if sys.platform == "win32"
    else "/etc/parcimetre"
)
GRANT = "give bmc.json to the agent's account, and to the BMC a user who may read: docs/en/agent.md#redfish"


def read(root: str = FOLDER) -> Outcome[list[Any]]:
    """Energy counters, or the mean over the BMC's interval."""
    path = os.path.join(root, FILE_NAME)
    try:
        with open(path, encoding="utf-8") as file:
            if sys.platform != "win32" and os.fstat(file.fileno()).st_mode & 0o007:
                return Failed(f"{path} can be read by everybody; run: chmod 0400 {path}")
            settings = json.load(file)
    except FileNotFoundError:
        return NoData(f"no BMC is configured in {path}")
    except OSError as error:
        return from_os_error(error, GRANT)
    except ValueError as error:
        return Failed(f"{path} is not JSON: {error}")
    if not isinstance(settings, dict) or not isinstance(settings.get("url"), str):
        return Failed(
            f'{path} names no "url"; write it as {{"url": "https://bmc", "user": .., "password": ..}}'
        )
    return _read(settings)


def _read(settings: dict[str, Any]) -> Outcome[list[Any]]:
    import http.client

    from ..metering import redfish

    try:
        bmc = redfish.RedfishConnection(_access(settings))
    except (OSError, ValueError) as error:
        return Failed(f"cannot use the BMC's url, ca_file or fingerprint: {error}")
    try:
        return redfish.energy(bmc.get)
    except redfish.UnexpectedStatus as answer:
        return Denied(str(answer), GRANT) if answer.status in redfish.DENIED else Failed(str(answer))
    except (OSError, http.client.HTTPException, redfish.NotRedfish, redfish.UntrustedCertificate) as error:
        return Failed(f"{settings['url']}: {error}")
    finally:
        bmc.close()


def _access(settings: dict[str, Any]) -> Any:
    """What bmc.json says. Raises ValueError."""
    from urllib.parse import urlsplit

    from ..metering.redfish import FINGERPRINT, BmcAccess

    url, fingerprint = urlsplit(settings["url"]), settings.get("fingerprint")
    if url.scheme not in ("http", "https") or not url.hostname:
        raise ValueError(f"{settings['url']!r} is not a valid address (example: https://host)")
    if fingerprint is not None and not (isinstance(fingerprint, str) and FINGERPRINT.fullmatch(fingerprint)):
        raise ValueError("fingerprint is not sha256: and 64 hexadecimal digits")
    return BmcAccess(
        url.hostname, url.port, settings.get("user") or "", settings.get("password") or "",
        settings.get("ca_file"), fingerprint, url.scheme == "https",
    )  # fmt: skip
