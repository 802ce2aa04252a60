"""Credentials: signed here, revocable, and the key is nobody else's."""

import stat
import sys

import pytest
from itsdangerous import URLSafeSerializer
from parcimetre_server import credentials
from parcimetre_server.credentials import KEY_FILE, BadCredential, Credentials, KeyUnusable, revocation
from parcimetre_server.store import DeviceId

DEVICE = DeviceId("d" * 32)


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


def test_a_revocation_ends_what_was_issued_and_not_what_comes_after(empty, monkeypatch):
    monkeypatch.setattr(credentials, "REFRESH_S", 0.0)
    mine, now = Credentials(empty), empty.now()
    before = mine.issue(DEVICE, now)
    empty.store.append([revocation(DEVICE, now)])
    with pytest.raises(BadCredential, match="retired"):
        mine.verify(f"Bearer {before}")
    assert mine.verify(f"Bearer {mine.issue(DEVICE, now)}") == DEVICE
    other = DeviceId("e" * 32)
    assert mine.verify(f"Bearer {mine.issue(other, now)}") == other


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such permission bits")
def test_the_key_is_for_its_owner_only(empty):
    Credentials(empty)
    mode = (empty.settings.data_dir / KEY_FILE).stat().st_mode
    assert stat.S_IMODE(mode) == 0o600


def test_a_damaged_key_is_named_with_the_mend(empty):
    (empty.settings.data_dir / KEY_FILE).write_bytes(b"short")
    with pytest.raises(KeyUnusable, match=r"damaged.*remove it"):
        Credentials(empty)
