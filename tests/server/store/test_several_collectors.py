"""Several collectors on one store: one key, one device for a machine, one fleet on every page."""

import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner
from parcimetre_agent.report import EnrolRequest, HardwareIdentity
from parcimetre_server.access.credentials import CREDENTIAL_KEY, Credentials
from parcimetre_server.access.key_files import KeyUnusable
from parcimetre_server.access.opening import open_context
from parcimetre_server.access.organisation_key import HASH_KEY, organisation_key
from parcimetre_server.base import clock
from parcimetre_server.base.errors import BadSetting
from parcimetre_server.cli import org
from parcimetre_server.configuration.settings import Settings, StoreAddress
from parcimetre_server.fleet.enrolment import Enrolment, create_secret


@pytest.fixture
def collectors(urls, tmp_path):
    """Two collectors, each with a data folder of its own."""
    password = tmp_path / "password"
    password.write_text("s3cret\n")
    settings = [Settings(tmp_path / name, store=StoreAddress(urls, password)) for name in ("one", "two")]
    opened = [open_context(each, create=True) for each in settings]
    yield opened
    for context in opened:
        context.store.close()


def share_key(collectors):
    Credentials(collectors[0])
    organisation_key(collectors[0])
    folders = [Path(context.settings.data_dir) for context in collectors]
    for key in (CREDENTIAL_KEY, HASH_KEY):
        shutil.copy(folders[0] / key.name, folders[1] / key.name)


def test_a_credential_of_one_collector_is_good_at_the_other(collectors):
    share_key(collectors)
    one, other = map(Credentials, collectors)
    assert other.verify(f"Bearer {one.issue('d' * 32, clock.now())}") == "d" * 32


def test_a_collector_without_the_others_key_does_not_make_its_own(collectors):
    Credentials(collectors[0])
    with pytest.raises(KeyUnusable, match=r"the store's other collectors have one: copy credential\.key"):
        Credentials(collectors[1])


def test_a_collector_with_another_key_does_not_start(collectors):
    Credentials(collectors[0])
    (Path(collectors[1].settings.data_dir) / CREDENTIAL_KEY.name).write_bytes(b"x" * 32)
    with pytest.raises(KeyUnusable, match="differs from the key of the store's other collectors"):
        Credentials(collectors[1])


def test_a_machine_that_enrols_again_elsewhere_is_the_same_device(collectors):
    share_key(collectors)
    _, secret = create_secret(collectors[0], "Ville")
    one, other = map(Enrolment, collectors)
    known = HardwareIdentity("1" * 32, "none", fingerprint="2" * 64)
    new = HardwareIdentity("3" * 32, "none", fingerprint="4" * 64)

    def enrol(at, hardware):
        return at.enrol(EnrolRequest(1, secret, hardware, "laptop", "0.1.0"))

    device = enrol(one, known)
    assert enrol(other, known) == device
    assert enrol(one, new) == enrol(other, new) != device


def test_commands_read_the_store_that_option_or_environment_name(collectors, urls, tmp_path):
    create_secret(collectors[0], "Métropole/Ville")
    folder = ["--data-dir", str(tmp_path / "one")]
    named = ["--store", urls, "--store-password-file", str(tmp_path / "password")]
    by_option = CliRunner().invoke(org.command, ["list", *folder, *named])
    environment = {"PARCIMETRE_STORE": urls, "PARCIMETRE_STORE_PASSWORD": "s3cret"}
    by_environment = CliRunner().invoke(org.command, ["list", *folder], env=environment)
    assert "Métropole/Ville" in by_option.output
    assert by_environment.output == by_option.output
    without = CliRunner().invoke(org.command, ["list", *folder])
    assert "there is no store in" in str(without.exception)


def test_a_password_file_that_cannot_be_read_is_named(urls, tmp_path):
    with pytest.raises(BadSetting, match="cannot read the store's password from"):
        open_context(Settings(tmp_path, store=StoreAddress(urls, tmp_path / "none")))
