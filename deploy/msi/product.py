"""What the product is to Windows: its names, identifiers, public properties and the account that runs it."""

from __future__ import annotations

import hashlib
import struct
import uuid

NAME = "Parcimetre Agent"
MAKER = "Parcimetre"
SERVICE = "ParcimetreAgent"
SERVICE_TITLE = "Parcimetre agent"
SERVICE_TEXT = "Measures this machine's use and power for the Parcimetre collector."
SERVICE_ACCOUNT = r"NT AUTHORITY\LocalService"
"""Not the virtual account NT SERVICE\\ParcimetreAgent: that one needs the right to log on as a service, which
many domains give to named accounts alone. The service's own SID keeps its data from other services."""
ARGUMENTS = "-m parcimetre_agent.service.windows_service"
SETTINGS_KEY = r"SOFTWARE\Parcimetre\Agent"
DATA_FOLDER = "Parcimetre"
SECRET_FILE = "enrolment.ini"
DATA_FILES = (
    "agent.log", "agent.log.1", SECRET_FILE, "identity.json", "last-inventory.json", "last-report.json",
    "resident.lock", "spool.sqlite", "spool.sqlite-shm", "spool.sqlite-wal", "spool.sqlite.damaged",
)  # fmt: skip
"""What the agent writes; named one by one because Wine's RemoveFiles knows no wildcard."""
_IDENTIFIERS = uuid.UUID("b1a9d8a4-6d2f-4f0e-9f6c-2f0f3c1f7d55")
"""Never to be changed: what Windows knows the product by is derived from it."""


SETTINGS = (
    "SERVER", "SECRET_FILE", "CA_FILE", "CLIENT_CERT", "PROXY", "SEND_HOSTNAME", "DISPLAYS", "UPLOAD_PERIOD",
    "ALLOW_HTTP", "KEEPDATA",
)  # fmt: skip
"""Public properties that are kept in the registry, each under its own name, and so over upgrades."""
SECRET = "ENROLMENT_SECRET"
PUBLIC = (*SETTINGS, SECRET)


def guid(of: str) -> str:
    """The identifier of a part of the product; the same in every build."""
    return "{" + str(uuid.uuid5(_IDENTIFIERS, of)).upper() + "}"


def key(prefix: str, path: str) -> str:
    """The key of a row, from a path in the package."""
    return prefix + hashlib.sha256(path.encode()).hexdigest()[:24]


def service_sid(name: str) -> str:
    """The SID that Windows gives to a service of this name: S-1-5-80, then SHA-1 of the name in capitals."""
    digest = hashlib.sha1(name.upper().encode("utf-16-le"), usedforsecurity=False).digest()
    return "S-1-5-80-" + "-".join(map(str, struct.unpack("<5I", digest)))


def data_access() -> str:
    """Who may what in the data folder, as SDDL: Windows and administrators all, the service read and write.

    The owner's right to change this list is taken away: files belong to LocalService, as other services do.
    """
    everything, change, read_list = "FA", "0x1301bf", "RC"
    entries = (
        (everything, "SY"), (everything, "BA"), (change, service_sid(SERVICE)), (read_list, "OW"),
    )  # fmt: skip
    return "D:P" + "".join(f"(A;OICI;{rights};;;{who})" for rights, who in entries)


def program_access() -> str:
    """Return the SDDL of the programs' folder: full rights for Windows and administrators, read and run
    for the service.

    No user has a right in it, so that nobody else can run or even read the Python there.
    """
    everything, read_and_run = "FA", "0x1200a9"
    entries = ((everything, "SY"), (everything, "BA"), (read_and_run, service_sid(SERVICE)))
    return "D:P" + "".join(f"(A;OICI;{rights};;;{who})" for rights, who in entries)
