"""Credentials: signed here, revocable, and the key is nobody else's."""

import json
import stat
import sys

import pytest
from click.testing import CliRunner
from itsdangerous import URLSafeSerializer
from parcimetre_server.access.credentials import (
    CREDENTIAL_KEY,
    PREVIOUS_KEY_FILE,
    BadCredential,
    Credentials,
    PresentedCredential,
    RotationInProgress,
    revocation_fact,
    rotate,
)
from parcimetre_server.access.key_files import KeyUnusable
from parcimetre_server.cli import credential_key as command
from parcimetre_server.organisation.audit import entries
from parcimetre_server.store.records import DeviceId

DEVICE = DeviceId("d" * 32)
DAY_S = 86_400


def test_a_credential_speaks_for_its_device_after_a_restart_too(empty):
    token = Credentials(empty).issue(DEVICE, empty.now())
    assert Credentials(empty).verify(f"Bearer {token}") == DEVICE
    assert Credentials(empty).verify(f"bearer {token}") == DEVICE


@pytest.mark.parametrize("header", [None, "", "Bearer", "Bearer ", "Basic abc", "Bearer nonsense"])
def test_what_is_no_credential_is_refused_with_the_scheme(empty, header):
    with pytest.raises(BadCredential) as told:
        Credentials(empty).verify(header)
    assert told.value.status == 401
    assert told.value.headers["WWW-Authenticate"] == "Bearer"


def test_a_credential_altered_or_signed_with_another_key_is_refused(empty):
    mine = Credentials(empty)
    device, _, signature = mine.issue(DEVICE, empty.now()).rpartition(".")
    foreign = URLSafeSerializer("other", salt="parcimetre/device-credential").dumps([DEVICE, empty.now()])
    for token in (f"{device}x.{signature}", foreign):
        with pytest.raises(BadCredential, match="did not sign"):
            mine.verify(f"Bearer {token}")


def test_a_revocation_ends_what_was_issued_and_not_what_comes_after(empty):
    mine, now = Credentials(empty, refresh_s=0.0), empty.now()
    before = mine.issue(DEVICE, now)
    empty.store.append([revocation_fact(DEVICE, now)])
    with pytest.raises(BadCredential, match="retired"):
        mine.verify(f"Bearer {before}")
    assert mine.verify(f"Bearer {mine.issue(DEVICE, now)}") == DEVICE
    other = DeviceId("e" * 32)
    assert mine.verify(f"Bearer {mine.issue(other, now)}") == other


@pytest.mark.skipif(sys.platform == "win32", reason="not applicable: Windows has no such permission bits")
def test_the_key_is_for_its_owner_only(empty):
    Credentials(empty)
    mode = (empty.settings.data_dir / CREDENTIAL_KEY.name).stat().st_mode
    assert stat.S_IMODE(mode) == 0o600


def test_a_damaged_key_is_named_with_the_mend(empty):
    (empty.settings.data_dir / CREDENTIAL_KEY.name).write_bytes(b"short")
    with pytest.raises(KeyUnusable, match=r"damaged.*remove it"):
        Credentials(empty)


def rotated(context, days=90, **about):
    rotate(context.store, context.settings.data_dir, context.now() + days * DAY_S, context.now(), **about)


def test_after_a_rotation_the_old_credential_counts_until_the_day_and_is_due(empty):
    running, now = Credentials(empty, refresh_s=0.0), empty.now()
    old = f"Bearer {running.issue(DEVICE, now)}"
    assert not running.presented(old, now).is_due
    rotated(empty)
    assert running.presented(old, now) == PresentedCredential(DEVICE, True)
    fresh = f"Bearer {running.issue(DEVICE, now)}"
    assert running.presented(fresh, now) == PresentedCredential(DEVICE, False)
    with pytest.raises(BadCredential, match="did not sign"):
        running.presented(old, now + 90 * DAY_S)
    assert running.presented(fresh, now + 90 * DAY_S).device_id == DEVICE


def test_a_stolen_key_counts_no_longer_at_once(empty):
    stolen = Credentials(empty).issue(DEVICE, empty.now())
    rotated(empty, days=0)
    with pytest.raises(BadCredential):
        Credentials(empty).verify(f"Bearer {stolen}")


def test_a_second_rotation_while_an_earlier_key_counts_must_be_forced(empty):
    rotated(empty)
    with pytest.raises(RotationInProgress, match="--force"):
        rotated(empty)
    rotated(empty, force=True)
    assert [entry.act for entry in entries(empty.store)] == ["credential key rotated"] * 2
    assert "credential_key" in {entry.subject for entry in entries(empty.store)}


def test_a_credential_of_a_month_is_due(empty):
    mine, now = Credentials(empty), empty.now()
    held = f"Bearer {mine.issue(DEVICE, now)}"
    assert not mine.presented(held, now + 30 * DAY_S).is_due
    assert mine.presented(held, now + 31 * DAY_S).is_due


def test_the_command_rotates(empty):
    folder = str(empty.settings.data_dir)
    before = CREDENTIAL_KEY.of_folder(empty.settings.data_dir)
    done = CliRunner().invoke(command.command, ["rotate", "--data-dir", folder, "--json"])
    assert done.exit_code == 0
    assert json.loads(done.output) == {"until": "2027-02-22"}
    assert CREDENTIAL_KEY.of_folder(empty.settings.data_dir) != before
    assert (empty.settings.data_dir / PREVIOUS_KEY_FILE).read_bytes() == before
