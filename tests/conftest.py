"""The factors that ship."""

import pytest


@pytest.fixture(scope="session")
def factors():
    """The shipped set."""
    from parcimetre_factors.factor import load_factor_set

    return load_factor_set()
