"""A backup holds all that was there at one moment, and a damaged one is not restored."""

import gzip
import io
import stat
import sys
import tarfile

import pytest
from click.testing import CliRunner
from parcimetre_server.access.credentials import Credentials
from parcimetre_server.access.served_settings import open_as_served
from parcimetre_server.base.periods import DAY_S
from parcimetre_server.cli import parcimetre
from parcimetre_server.operations.backups import BadBackup, CannotBackUp, create, restore, verify


@pytest.fixture
def made(fleet, tmp_path):
    """A backup of the fleet, with a key, a factor table of its own and a report."""
    folder = fleet.context.settings.data_dir
    Credentials(fleet.context)
    for name in ("factors/adopted/components.csv", "reports/weekly-2026-W46.en.html"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("id\n", encoding="utf-8")
    return create(folder, tmp_path, fleet.now)


def content(folder):
    return {
        file.relative_to(folder).as_posix(): file.read_bytes()
        for file in folder.rglob("*")
        if file.is_file() and not file.name.startswith("store.sqlite3")
    }


def test_what_is_restored_is_what_was_backed_up(fleet, made, tmp_path):
    assert made.name == "parcimetre-2026-11-24T100707Z.tar.gz"
    target = tmp_path / "elsewhere" / "data"
    found = restore(made, target)
    assert found.made_at == fleet.now
    assert content(target) == content(fleet.context.settings.data_dir)
    (target / "factors/adopted/components.csv").unlink()
    (target / "factors/adopted").rmdir()
    again = open_as_served(target)
    span = fleet.today - 9 * DAY_S, fleet.now
    for key in (fleet.laptop, fleet.server, fleet.guest, fleet.silent):
        before, after = fleet.context.store.activity(key, *span), again.store.activity(key, *span)
        assert after.start.tolist() == before.start.tolist()
        assert [m.energy_j.tolist() for m in after.measured] == [m.energy_j.tolist() for m in before.measured]
    assert again.store.history("device") == fleet.context.store.history("device")
    again.store.close()


@pytest.mark.skipif(sys.platform == "win32", reason="not applicable: Windows has other permissions")
def test_a_backup_is_for_its_owner_alone(fleet, made, tmp_path):
    assert stat.S_IMODE(made.stat().st_mode) == 0o600
    restore(made, tmp_path / "restored")
    assert stat.S_IMODE((tmp_path / "restored" / "credential.key").stat().st_mode) == 0o600


def test_a_folder_in_use_is_not_overwritten_unless_forced_and_then_kept_aside(fleet, made, tmp_path):
    target = tmp_path / "restored"
    target.mkdir()
    (target / "mine").write_text("x", encoding="utf-8")
    with pytest.raises(CannotBackUp, match="--force"):
        restore(made, target)
    assert content(target) == {"mine": b"x"}
    restore(made, target, force=True)
    assert (target / "store.sqlite3").exists()
    assert content(target / "before-restore-1") == {"mine": b"x"}
    restore(made, target, force=True)
    assert (target / "before-restore-2" / "credential.key").exists()
    assert content(target / "before-restore-1") == {"mine": b"x"}


def repacked(file, change):
    """The backup with other members."""
    with tarfile.open(file, "r:gz") as packed:
        members = {member.name: packed.extractfile(member).read() for member in packed}
    change(members)
    with tarfile.open(file, "w:gz") as packed:
        for name, body in members.items():
            about = tarfile.TarInfo(name)
            about.size = len(body)
            packed.addfile(about, io.BytesIO(body))


def damaged_store(members):
    members["store.sqlite3"] = members["store.sqlite3"][:5000] + b"XXXX" + members["store.sqlite3"][5004:]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (damaged_store, "the checksum of store.sqlite3 does not match"),
        (lambda members: members.pop("credential.key"), "the checksum of credential.key does not match"),
        (lambda members: members.pop("manifest.json"), "not a Parcimètre backup"),
        (lambda members: members.update({"extra": b"x"}), "unexpected or missing extra"),
        (lambda members: members.update({"../outside": b"x"}), "not a regular file"),
        (lambda members: members.update({"/tmp/outside": b"x"}), "not a regular file"),
    ],
    ids=["bit", "file lost", "no manifest", "file added", "way out", "absolute"],
)
def test_a_backup_that_was_changed_is_neither_verified_nor_restored(made, tmp_path, change, told):
    verify(made)
    repacked(made, change)
    for attempt in (lambda: verify(made), lambda: restore(made, tmp_path / "restored")):
        with pytest.raises(BadBackup, match=told):
            attempt()
    assert not (tmp_path / "restored").exists()
    assert not (tmp_path.parent / "outside").exists()


BROKEN = [b"", b"no archive", gzip.compress(b"no archive")]


@pytest.mark.parametrize("body", BROKEN, ids=["empty", "text", "gzip"])
def test_what_is_no_backup_is_named(tmp_path, body):
    file = tmp_path / "x.tar.gz"
    file.write_bytes(body)
    with pytest.raises(BadBackup, match="not a Parcimètre backup"):
        verify(file)
    with pytest.raises(BadBackup, match="does not exist: give one"):
        verify(tmp_path / "nowhere")


def test_a_backup_cut_short_is_refused(made):
    made.write_bytes(made.read_bytes()[:-2000])
    with pytest.raises(BadBackup):
        verify(made)


def test_without_a_store_there_is_nothing_to_back_up(tmp_path):
    with pytest.raises(CannotBackUp, match="--data-dir"):
        create(tmp_path / "nowhere", tmp_path, 0)


def test_a_backup_that_cannot_be_written_leaves_nothing_behind(fleet, tmp_path):
    with pytest.raises(CannotBackUp, match="cannot write"):
        create(fleet.context.settings.data_dir, tmp_path / "nowhere" / "x.tar.gz", fleet.now)


def test_the_commands_create_verify_and_restore(fleet, tmp_path):
    folder = str(fleet.context.settings.data_dir)

    def run(*words):
        return CliRunner().invoke(parcimetre, ["backup", *words], catch_exceptions=False)

    file = str(tmp_path / "b.tar.gz")
    assert run("create", file, "--data-dir", folder).exit_code == 0
    assert "is intact" in run("verify", file).output
    assert "start the collector" in run("restore", file, "--data-dir", str(tmp_path / "new")).output


def test_a_store_in_clickhouse_is_not_backed_up_as_if_it_were_in_the_folder(tmp_path):
    address = "clickhouse+http://x@db1:8123/p"
    asked = ["backup", "create", "--data-dir", str(tmp_path), "--store", address, str(tmp_path)]
    outcome = CliRunner().invoke(parcimetre, asked)
    assert isinstance(outcome.exception, CannotBackUp)
    assert "store migrate" in str(outcome.exception)
