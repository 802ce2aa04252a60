"""What the MSI says of itself, before anything is built."""

import re

import payload
import product
import pytest
import tables
from parcimetre_agent.configuration.settings import NAMES
from parcimetre_agent.sending.enrolment import BY_INSTALLER
from parcimetre_agent.service import windows_service
from parcimetre_agent.windows.registry import SETTINGS_KEY
from parcimetre_agent.windows.security import groups_with_access

OF_THE_INSTALLER = {"KEEPDATA"}


def test_public_properties_are_fewer_than_twelve_and_settings_of_the_agent() -> None:
    known = {name.removesuffix("_s").upper() for name in NAMES}
    assert len(product.PUBLIC) < 12
    assert set(product.SETTINGS) - OF_THE_INSTALLER <= known


def test_agent_and_installer_name_service_key_and_secret_alike() -> None:
    assert (product.SERVICE, product.SETTINGS_KEY) == (windows_service.NAME, SETTINGS_KEY)
    assert product.SECRET_FILE == BY_INSTALLER
    assert product.ARGUMENTS.endswith(windows_service.__name__)


def test_service_sid_is_the_one_windows_derives() -> None:
    # TrustedInstaller's SID is published by Microsoft.
    known = "S-1-5-80-956008885-3418522649-1831038044-1853292631-2271478464"
    assert product.service_sid("TrustedInstaller") == known


def test_data_folder_lets_in_no_crowd_and_inherits_nothing() -> None:
    access = product.data_access()
    assert access.startswith("D:P(")
    assert groups_with_access(access) == []
    assert "LS" not in re.findall(r";;;([^)]*)\)", access), "other services of LocalService"


def test_programs_folder_lets_nobody_else_run_its_python() -> None:
    access = product.program_access()
    assert access.startswith("D:P(")
    assert groups_with_access(access) == []
    assert re.findall(r";;;([^)]*)\)", access) == ["SY", "BA", product.service_sid(product.SERVICE)]


def test_service_runs_without_administrators_rights() -> None:
    assert product.SERVICE_ACCOUNT == r"NT AUTHORITY\LocalService"


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("python.exe", "python.exe"),
        ("python313.dll", "PARC0007.DLL|python313.dll"),
        ("_ssl.pyd", "PARC0007.PYD|_ssl.pyd"),
        ("parcimetre-agent.cmd", "PARC0007.CMD|parcimetre-agent.cmd"),
        ("python313._pth", "PARC0007.PT|python313._pth"),
        ("agent.log.1", "PARC0007.1|agent.log.1"),
    ],
)
def test_file_whose_name_does_not_fit_eight_and_three_gets_one_that_does(name: str, written: str) -> None:
    assert tables._short(name, 7) == written


def test_version_of_a_library_is_read_from_its_resource() -> None:
    resource = b"noise\xbd\x04\xef\xfe\0\0\1\0" + bytes([13, 0, 3, 0, 0xF6, 3, 0x96, 8])
    assert tables.file_version(resource) == "3.13.2198.1014"
    assert tables.file_version(b"no library") is None


def test_what_is_left_out_of_python_is_loaded_by_nothing_that_runs_on_windows() -> None:
    assert not payload.LIBRARY_LEFT_OUT & {
        "asyncio",
        "ctypes",
        "encodings",
        "json",
        "sqlite3",
        "ssl",
        "tomllib",
    }
    assert "_wmi.pyd" in payload.PYTHON_LEFT_OUT, "docs/en/agent.md promises that no WMI is started"
