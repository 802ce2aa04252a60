"""An adversary with a viewer's token recovers no device of random fleets from all figures it can get."""

from unittest import mock

import pytest
from parcimetre_server.footprint import redaction

from tests.server.access import adversary


@pytest.mark.slow
@pytest.mark.parametrize("first", range(0, 100, 10))
def test_no_device_is_recovered_from_what_a_viewer_is_shown(first):
    figures, missed = 0, 0
    for seed in range(first, first + 10):
        found, recovered = adversary.attack(seed, share=0.08)
        assert recovered == [], f"world {seed}"
        figures += found.figures
        missed += len(found.unexplained)
    assert figures > 50
    assert missed <= 0.05 * figures, "the adversary has to know of which devices figures are sums"


WHO_LEFT = 714, 903, 1104, 1156, 1246, 1788, 1868
"""Worlds in which two days of which only one has a device say its embodied impact, by their difference."""


@pytest.mark.parametrize("seed", WHO_LEFT)
def test_who_leaves_is_not_recovered_from_what_is_missing_then(seed):
    found, recovered = adversary.attack(seed, share=0.15)
    assert found.separated_evenly(), "but for the factor, the adversary knows what is missing"
    assert recovered == []


def test_without_factors_who_leaves_is_recovered_from_what_is_missing_then():
    with (
        mock.patch.object(redaction, "embodied_factor", return_value=1.0),
        mock.patch.object(adversary, "embodied_factor", return_value=1.0),
    ):
        recovered = adversary.attack(903, share=0.15)[1]
    assert (("gwp", None), f"{4:032x}", 3, "manufacturing") in recovered
