"""The factors that ship; properties are tested without a clock, which a busy machine would fail."""

import pytest
from hypothesis import settings

settings.register_profile("parcimetre", deadline=None)
settings.load_profile("parcimetre")


@pytest.fixture(scope="session")
def factors():
    """The shipped set."""
    from parcimetre_factors.tables.factor_set import load_factor_set

    return load_factor_set()
