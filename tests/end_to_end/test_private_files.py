"""The data folder is its account's alone, whatever umask `serve` is started with."""

import stat
import sys

import pytest

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="not applicable: permissions of POSIX")


def modes(folder):
    """The permissions of a folder and all in it."""
    found = [folder, *folder.rglob("*")]
    return {path.relative_to(folder).as_posix(): stat.S_IMODE(path.lstat().st_mode) for path in found}


def test_a_new_folder_and_one_of_an_earlier_release_are_private(tmp_path, collector_at, enrol_at):
    folder = tmp_path / "collector"
    collector = collector_at(folder)
    machine = enrol_at(collector, collector.secret()["secret"])
    assert {"store.sqlite3", "store.sqlite3-wal", "credential.key"} <= modes(folder).keys()
    assert not [name for name, mode in modes(folder).items() if mode & 0o077]
    assert machine.device_id
    collector.stop()
    (folder / "reports").mkdir(exist_ok=True)
    (folder / "reports" / "old.html").write_text("x", encoding="utf-8")
    for path in (folder, *folder.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_text("x", encoding="utf-8")
    elsewhere.chmod(0o644)
    (folder / "link").symlink_to(elsewhere)
    told = collector.command("doctor").stdout
    assert "can be read by other users" in told
    collector.start()
    found = modes(folder)
    found.pop("link")
    assert found["."] == 0o700
    assert found["reports/old.html"] == 0o600
    assert not [name for name, mode in found.items() if mode & 0o077]
    assert stat.S_IMODE(elsewhere.stat().st_mode) == 0o644
    assert "no longer are" in collector.log.read_text()
