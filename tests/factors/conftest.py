"""The factors that ship."""

import shutil

import pytest
from parcimetre_factors.factor import SHIPPED, load_factor_set


@pytest.fixture(scope="session")
def factors():
    """The shipped set."""
    return load_factor_set()


@pytest.fixture
def tables(tmp_path):
    """A copy of the shipped tables, to change."""
    return shutil.copytree(SHIPPED, tmp_path / "data")
