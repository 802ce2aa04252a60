"""Errors of the engine; each states what was looked up and how to fix it."""

from __future__ import annotations


class FactorsError(Exception):
    """Base of what the engine raises."""


class UnknownFactor(FactorsError):
    """No factor of that id in the set."""


class UnknownZone(FactorsError):
    """No electricity factor for that grid zone."""


class BadFactorRow(FactorsError):
    """A row of a table that cannot be defended: no source, no unit, a range that excludes its value."""


class BadLife(FactorsError):
    """A service life that is not positive."""


class BadExplanation(FactorsError):
    """A file that is no explanation, or one made with another factor set."""
