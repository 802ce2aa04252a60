"""An adversary with a viewer's token recovers no device of random fleets from all figures it can get."""

import pytest

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
