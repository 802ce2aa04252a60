"""No answer of a collector stops or silences an agent."""

from pathlib import Path
from typing import Any

import pytest
from parcimetre_agent.base.errors import Unreachable
from parcimetre_agent.configuration.settings import Settings
from parcimetre_agent.identity import installation
from parcimetre_agent.recording.spool import Spool
from parcimetre_agent.sending.courier import Courier
from parcimetre_agent.sensors.machine import Machine


def _who(settings: Settings) -> installation.Identity:
    who = installation.load_identity(Path(settings.data_dir))
    assert who is not None
    return who


@pytest.mark.parametrize(
    ("stated", "kept_s"),
    [(10**12, 86_400), (0, 60), (-5, 60), (1e308, 86_400), ("soon", None), (None, None), (True, None)],
)
def test_a_period_that_a_collector_states_is_clamped_to_a_minute_and_a_day(
    settings: Settings, laptop: Path, collector, spool: Spool, stated: object, kept_s: int | None
) -> None:
    enrolled = {"device_id": "d" * 32, "credential": "c1", "config": {"upload_period_s": stated}}
    answer = {"accepted": 5, "duplicates": 0, "refused": [], "next_upload_s": stated}
    collector.replies.append((200, enrolled, {}))
    Courier(settings, Machine(laptop)).enrol()
    assert spool.get("upload_period_s") == kept_s
    collector.replies.append((200, answer, {}))
    Courier(settings, Machine(laptop)).deliver()
    assert spool.get("upload_period_s") == kept_s


ODD_ANSWERS: dict[str, dict[str, Any]] = {
    "a credential that no header carries": {"credential": "a\r\nb"},
    "a credential of another kind": {"credential": ["c2"]},
    "a key that is none": {"hash_key": "k"},
    "refusals of records that were not sent": {"refused": [{"part": "slots", "index": -1, "reason": "x"}]},
    "refusals beyond the list": {"refused": [{"part": "gaps", "index": 10**9, "reason": "x"}]},
    "refusals that are no records": {"refused": ["slots", None, {"part": 7}]},
    "no refusals": {"refused": None},
    "counts that are none": {"accepted": "many", "duplicates": -3},
}


@pytest.mark.parametrize("odd", ODD_ANSWERS.values(), ids=ODD_ANSWERS)
def test_no_answer_stops_an_agent(
    settings: Settings, laptop: Path, collector, spool: Spool, odd: dict[str, Any]
) -> None:
    Courier(settings, Machine(laptop)).enrol()
    answer = {"accepted": 5, "duplicates": 0, "refused": [], "next_upload_s": 600} | odd
    collector.replies.append((200, answer, {}))
    Courier(settings, Machine(laptop)).deliver()
    assert (spool.waiting().slots, spool.refusals()) == (0, [])
    assert (_who(settings).credential, _who(settings).hash_key) == ("c1", None)
    Courier(settings, Machine(laptop)).deliver()


@pytest.mark.parametrize("device_id", ["x" * 32, "", 7, None])
def test_an_enrolment_that_is_not_a_collectors_is_not_kept(
    settings: Settings, laptop: Path, collector, device_id: object
) -> None:
    collector.replies.append((200, {"device_id": device_id, "credential": "c1"}, {}))
    with pytest.raises(Unreachable, match="is not a Parcimètre collector"):
        Courier(settings, Machine(laptop)).deliver()
    assert _who(settings).credential is None


def test_an_answer_without_end_is_not_read_to_its_end(settings: Settings, laptop: Path, collector) -> None:
    collector.replies.append((200, {"device_id": "d" * (5 << 20)}, {}))
    with pytest.raises(Unreachable, match="more than 4 MiB"):
        Courier(settings, Machine(laptop)).deliver()
