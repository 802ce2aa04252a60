"""What stands in a built MSI and Wine does not obey, and what holds of every build."""

import re
import subprocess
from pathlib import Path

import build
import product
import pytest
import wxs


@pytest.fixture(scope="module")
def msi(msis: dict[str, Path]) -> Path:
    """One of the builds."""
    return msis["1.0.0"]


def _cabinet(msi: Path) -> bytes:
    return subprocess.run(["msiinfo", "extract", msi, wxs.CABINET], capture_output=True, check=True).stdout


def test_msi_is_small(msi: Path) -> None:
    assert msi.stat().st_size <= 11_000_000


def test_two_builds_make_the_same_cabinet_and_are_told_apart(msis: dict[str, Path]) -> None:
    first, second = msis.values()
    assert _cabinet(first) == _cabinet(second)
    codes = {build.rows(one, "_SummaryInformation")["9"] for one in (first, second)}
    assert len(codes) == 2


def test_only_python_is_a_program(msi: Path) -> None:
    names = [row.split("\t")[1].split("|")[-1] for row in build.rows(msi, "File").values()]
    assert [name for name in names if name.endswith(".exe")] == ["python.exe"]


def test_libraries_have_their_version_so_that_an_upgrade_replaces_them(msi: Path) -> None:
    for row in build.rows(msi, "File").values():
        _, name, _, version, *_ = row.split("\t")
        if name.endswith(("python313.dll", "sqlite3.dll", "python.exe")):
            assert re.fullmatch(r"\d+\.\d+\.\d+\.\d+", version), name


def test_properties_pass_to_the_elevated_installation_and_the_secret_is_hidden(msi: Path) -> None:
    properties = build.rows(msi, "Property")
    assert set(product.PUBLIC) <= set(properties["SecureCustomProperties"].split(";"))
    assert properties["MsiHiddenProperties"] == product.SECRET


def test_service_starts_late_with_few_rights_and_again_when_it_fails(msi: Path) -> None:
    (service,) = build.rows(msi, "ServiceInstall").values()
    assert {product.SERVICE, product.SERVICE_ACCOUNT, product.ARGUMENTS} <= set(service.split("\t"))
    (late,) = build.rows(msi, "MsiServiceConfig").values()
    assert late.split("\t")[:4] == [product.SERVICE, "1", "3", "1"]
    orders = " ".join(build.rows(msi, "CustomAction").values())
    for order in ("sidtype", "privs", "failure", "failureflag"):
        assert f"sc.exe {order} {product.SERVICE} " in orders


def test_data_folder_is_locked_to_the_service(msi: Path) -> None:
    locks = [row.split("\t")[:3] for row in build.rows(msi, "MsiLockPermissionsEx").values()]
    assert ["DATADIR", "CreateFolder", product.data_access()] in locks
    assert ["INSTALLDIR", "CreateFolder", product.program_access()] in locks


def test_upgrade_before_the_enrolment_does_not_take_the_secret_away(msi: Path) -> None:
    sequence = build.rows(msi, "InstallExecuteSequence")
    assert ("WriteIniValues" in sequence, "RemoveIniValues" in sequence) == (True, False)


def test_old_version_is_removed_within_the_transaction(msi: Path) -> None:
    sequence = {name: row.split("\t")[-1] for name, row in build.rows(msi, "InstallExecuteSequence").items()}
    places = [
        int(sequence[name]) for name in ("InstallInitialize", "RemoveExistingProducts", "ProcessComponents")
    ]
    assert places == sorted(places)
