"""The tables that ship, to change."""

import shutil

import pytest
from parcimetre_factors.tables.factor_set import SHIPPED


@pytest.fixture
def tables(tmp_path):
    """A copy of the shipped tables, to change."""
    return shutil.copytree(SHIPPED, tmp_path / "data")
