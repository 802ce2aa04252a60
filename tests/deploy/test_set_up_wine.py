"""What is fetched for Wine is what was pinned, or nothing."""

import json
import sys
import urllib.request
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools"))

import set_up_wine
import windows_python


def _index(*names: str) -> bytes:
    files = [{"filename": name, "url": f"https://files.example.org/{name}"} for name in names]
    return json.dumps({"files": files}).encode()


@pytest.mark.parametrize(
    ("names", "sentence"),
    [([set_up_wine.PIN.archive], "does not have the pinned hash"), (["other.tar.gz"], "pin another version")],
    ids=["changed", "gone"],
)
def test_archive_that_is_not_the_pinned_one_is_not_installed(
    names: list[str], sentence: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fetch(request: urllib.request.Request) -> bytes:
        return b"changed" if request.full_url.startswith("https://files.") else _index(*names)

    monkeypatch.setattr(windows_python, "fetch", fetch)
    with pytest.raises(SystemExit, match=sentence):
        windows_python.fetched(set_up_wine.PIN)


def test_without_root_the_reason_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(set_up_wine, "WINE", tmp_path / "wine64")
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    assert "apt-get install wine64" in (set_up_wine.install_wine() or "")
