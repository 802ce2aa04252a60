"""The data folder is this account's, and says when it is not."""

from pathlib import Path

import pytest
from parcimetre_agent.configuration.data_dir import others_with_access, prepare


def test_new_folder_is_open_to_nobody_else(tmp_path: Path) -> None:
    assert others_with_access(str(prepare(str(tmp_path / "a" / "data")))) == []


@pytest.mark.parametrize(("mode", "crowds"), [(0o750, ["its group"]), (0o705, ["everybody"])])
def test_folder_that_others_can_look_into_is_reported(tmp_path: Path, mode: int, crowds: list[str]) -> None:
    tmp_path.chmod(mode)
    assert others_with_access(str(tmp_path)) == crowds


def test_absent_folder_is_open_to_nobody(tmp_path: Path) -> None:
    assert others_with_access(str(tmp_path / "none")) == []
