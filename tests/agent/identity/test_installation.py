"""Identity survives restarts, not cloning."""

import json
from pathlib import Path

import pytest
from parcimetre_agent.base.errors import BadDataDir
from parcimetre_agent.identification.fillers import RULES
from parcimetre_agent.identity import installation
from parcimetre_agent.identity.fingerprint import fingerprint, fingerprint_of, identifiers
from parcimetre_agent.identity.installation import Identity

UUID = "4c4c4544-0035-3010-8051-b9c04f303332"


def _machine(root: Path, uuid: str) -> Path:
    folder = root / "sys/class/dmi/id"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "product_uuid").write_text(uuid)
    return root


def test_identity_is_kept_and_only_this_account_may_read_it(tmp_path: Path) -> None:
    first, dropped = installation.current_identity(tmp_path, _machine(tmp_path, UUID))
    installation.store_identity(tmp_path, first)
    assert not dropped
    assert installation.current_identity(tmp_path, tmp_path) == (first, False)
    assert (tmp_path / installation.FILE_NAME).stat().st_mode & 0o777 == 0o600


def test_cloned_disk_starts_anew(tmp_path: Path) -> None:
    original = Identity("a" * 32, fingerprint(_machine(tmp_path, UUID)), "d" * 32, "credential")
    installation.store_identity(tmp_path, original)
    fresh, dropped = installation.current_identity(tmp_path, _machine(tmp_path, UUID.replace("4c", "5d")))
    assert dropped
    assert fresh.install_id != original.install_id
    assert (fresh.device_id, fresh.credential) == (None, None)


def test_losing_the_right_to_read_serials_is_no_clone(tmp_path: Path) -> None:
    original = Identity("a" * 32, "f" * 64, "d" * 32, "credential", rules=RULES)
    installation.store_identity(tmp_path, original)
    assert installation.current_identity(tmp_path, tmp_path / "nothing") == (original, False)


@pytest.mark.parametrize(
    "uuid", ["00000000-0000-0000-0000-000000000000", "03000200-0400-0500-0006-000700080009"]
)
def test_shared_uuids_are_no_fingerprint(tmp_path: Path, uuid: str) -> None:
    assert fingerprint(_machine(tmp_path, uuid)) is None


def test_unwritable_folder_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(BadDataDir, match=r"cannot write .*; give the folder to this account"):
        installation.store_identity(tmp_path / "absent", Identity("a" * 32))


def _serial(root: Path, text: str, name: str = "product_serial") -> Path:
    (root / "sys/class/dmi/id" / name).write_text(text)
    return root


def test_machine_whose_account_may_since_read_more_is_no_clone(tmp_path: Path) -> None:
    known, _ = installation.current_identity(tmp_path, _machine(tmp_path, UUID))
    installation.store_identity(tmp_path, known)
    again, dropped = installation.current_identity(tmp_path, _serial(tmp_path, "PF3ABCDE"))
    assert not dropped
    assert (again.install_id, again.fingerprint) == (known.install_id, fingerprint(tmp_path))
    assert again.fingerprint != known.fingerprint


def test_uuid_alone_tells_nobody_apart_across_models(tmp_path: Path) -> None:
    one, other = _machine(tmp_path / "a", UUID), _machine(tmp_path / "b", UUID)
    assert fingerprint(one) == fingerprint(other)
    _serial(one, "ThinkCentre M70q", "product_name")
    assert fingerprint(one) != fingerprint(other)


def test_serial_number_is_enough_whatever_the_model_is_called(tmp_path: Path) -> None:
    before = fingerprint(_serial(_machine(tmp_path, UUID), "PF3ABCDE"))
    assert fingerprint(_serial(tmp_path, "ThinkCentre", "product_name")) == before


def test_no_network_address_and_no_host_name_is_part_of_it(tmp_path: Path, monkeypatch) -> None:
    before = fingerprint(_machine(tmp_path, UUID))
    (tmp_path / "sys/class/net/eth0").mkdir(parents=True)
    (tmp_path / "sys/class/net/eth0/address").write_text("52:54:00:12:34:56")
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/hostname").write_text("pc-17")
    assert fingerprint(tmp_path) == before


def _stored(folder: Path, **fields: object) -> None:
    """What an agent of bb8efdf left: four fields, no rules."""
    before = {"install_id": "a" * 32, "fingerprint": None, "device_id": "d" * 32, "credential": "kept"}
    (folder / installation.FILE_NAME).write_text(json.dumps(before | fields))


@pytest.mark.parametrize("written", ["PF3ABCDE", "0123456789"], ids=["a serial number", "a filler of today"])
def test_an_agent_of_before_keeps_its_id_and_credential_whatever_is_a_filler_since(
    tmp_path: Path, written: str
) -> None:
    _serial(_machine(tmp_path, UUID), written)
    before = fingerprint_of(identifiers(tmp_path), rules=1)
    _stored(tmp_path, fingerprint=before)
    who, dropped = installation.current_identity(tmp_path, tmp_path)
    assert not dropped
    assert (who.install_id, who.device_id, who.credential) == ("a" * 32, "d" * 32, "kept")
    assert (who.fingerprint, who.rules, who.reported) == (fingerprint(tmp_path), RULES, before)
    assert who.is_hardware_due is (written == "0123456789")
    installation.store_identity(tmp_path, who)
    assert installation.current_identity(tmp_path, tmp_path) == (who, False)


def test_an_agent_of_before_on_a_cloned_disk_is_found_out_under_the_rules_of_before(tmp_path: Path) -> None:
    _stored(tmp_path, fingerprint=fingerprint_of(identifiers(_machine(tmp_path, UUID)), rules=1))
    _machine(tmp_path, UUID.replace("4c", "5d"))
    who, dropped = installation.current_identity(tmp_path, tmp_path)
    assert dropped
    assert who.credential is None


def test_a_uuid_that_became_a_filler_is_a_fingerprint_no_more_and_no_clone(tmp_path: Path) -> None:
    shared = "00020003-0004-0005-0006-000700080009"
    before = fingerprint_of(identifiers(_machine(tmp_path, shared)), rules=1)
    _stored(tmp_path, fingerprint=before)
    who, dropped = installation.current_identity(tmp_path, tmp_path)
    assert not dropped
    assert (who.credential, who.fingerprint, who.reported) == ("kept", None, before)
    assert who.is_hardware_due


def test_rules_of_before_stay_noted_while_nothing_can_be_read(tmp_path: Path) -> None:
    _stored(tmp_path, fingerprint="f" * 64)
    who, dropped = installation.current_identity(tmp_path, tmp_path / "nothing")
    assert not dropped
    assert (who.fingerprint, who.rules) == ("f" * 64, 1)


def test_an_identity_of_a_newer_agent_is_read_and_never_taken_for_a_clone(tmp_path: Path) -> None:
    _stored(tmp_path, fingerprint="f" * 64, rules=RULES + 1, novelty=True)
    who, dropped = installation.current_identity(tmp_path, _machine(tmp_path, UUID))
    assert not dropped
    assert (who.install_id, who.credential) == ("a" * 32, "kept")
