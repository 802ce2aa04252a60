"""Whether polls wake a printer."""

import pytest
from parcimetre_agent.gateway.waking import WakingHistory


@pytest.mark.parametrize(
    ("looks", "is_known", "by_polls"),
    [("", False, False), ("ww", False, False), ("www", True, True), ("wsww", False, False),
     ("sss", True, False), ("ssssw", True, False), ("wwws", True, True)],
)  # fmt: skip
def test_three_times_running_decide(looks, is_known, by_polls):
    waking = WakingHistory()
    for look in looks:
        waking = waking.seen(look == "w")
    assert (waking.is_known, waking.by_polls) == (is_known, by_polls)
