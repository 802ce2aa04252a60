"""The adversary of the access tests against `parcimetre serve`: no device is recovered over a real socket."""

import time

import httpx
import numpy as np
import pytest
from parcimetre_server.access.opening import open_context
from parcimetre_server.base.periods import DAY_S, Span, cut, whole_days
from parcimetre_server.configuration.settings import Settings

from ..server.access import adversary, random_worlds
from .conftest import Collector

pytestmark = pytest.mark.slow


def five_days(zone):
    """The first second of the last days that are over, none of which is shorter or longer than others."""
    now = int(time.time())
    while True:
        days = whole_days(Span(now - random_worlds.DAYS * DAY_S, now), zone, now)
        edges = cut(days, "day", zone).edges[-random_worlds.DAYS - 1 :]
        if (np.diff(edges) == DAY_S).all():
            return int(edges[0])
        now -= 7 * DAY_S


@pytest.mark.parametrize("seed", range(2))
def test_a_viewer_of_a_running_collector_recovers_no_device(tmp_path, seed):
    context = open_context(Settings(tmp_path / "data", organisation="M"), create=True)
    found = random_worlds.filled(context, np.random.default_rng(seed), five_days(context.zone))
    collector = Collector(tmp_path / "data", trusting=False)
    collector.start()
    headers = {"authorization": f"Bearer {found.token}"}
    try:
        with httpx.Client(base_url=collector.url, headers=headers, timeout=60) as found.reader:
            attacker = adversary.Adversary(found).attack()
    finally:
        collector.stop()
        context.store.close()
    assert attacker.figures > 100
    assert len(attacker.equations["energy"]) > 50
    assert attacker.recovered() == []
