"""Python is what was pinned and signed by whom it should be, or nothing is built."""

import shutil
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
