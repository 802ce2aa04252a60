"""The courier against a real HTTP server: what it sends, what it keeps, what it says."""

import json
from pathlib import Path
from typing import Any

import pytest
from parcimetre_agent.base.errors import BadSettings, Refused, Unreachable
from parcimetre_agent.configuration.settings import Settings
from parcimetre_agent.identity import installation
from parcimetre_agent.recording.slot import SlotRecord, Stretch, slot_of
from parcimetre_agent.recording.spool import Spool
from parcimetre_agent.recording.timeline import GapRecord
from parcimetre_agent.report import EnrolRequest, Report
from parcimetre_agent.sending.courier import (
    BATCH,
    DAMAGED,
    PAUSE_S,
    REPORTS_A_RUN,
    Courier,
    clock_sentence,
    main,
)
from parcimetre_agent.sending.enrolment import BY_INSTALLER
from parcimetre_agent.sending.uploads import COURIER_LIMIT_S
from parcimetre_agent.sensors.machine import Machine
from pydantic import TypeAdapter

from .conftest import T


def test_first_run_enrols_and_sends_inventory_slots_and_gaps(
    courier: Courier, collector, spool: Spool
) -> None:
    delivery = courier.deliver()
    (enrolment,), (report,) = collector.bodies("/v1/enrol"), collector.bodies("/v1/reports")
    TypeAdapter(EnrolRequest).validate_json(json.dumps(enrolment))
    TypeAdapter(Report).validate_json(json.dumps(report))
    assert enrolment["secret"] == "s3cret"
    assert "hostname" not in enrolment
    assert (len(report["slots"]), len(report["gaps"]), report["inventory"]["category"]) == (4, 1, "laptop")
    assert (delivery.accepted, spool.waiting().slots, spool.waiting().gaps) == (5, 0, 0)


def test_credential_is_shown_and_the_period_remembered(courier: Courier, collector, spool: Spool) -> None:
    courier.deliver()
    headers = collector.requests[-1][1]
    assert headers["Authorization"] == "Bearer c1"
    assert headers["Content-Encoding"] == "gzip"
    assert spool.get("upload_period_s") == 600


def test_second_run_sends_no_unchanged_inventory(
    settings: Settings, laptop: Path, collector, spool: Spool
) -> None:
    Courier(settings, Machine(laptop)).deliver()
    Courier(settings, Machine(laptop)).deliver()
    assert len(collector.bodies("/v1/enrol")) == 1
    assert "inventory" not in collector.bodies("/v1/reports")[1]


def test_display_that_is_unplugged_makes_a_new_inventory_with_the_next_report(
    settings: Settings, laptop: Path, collector, spool: Spool
) -> None:
    Courier(settings, Machine(laptop)).deliver()
    for connector in (laptop / "sys/class/drm").iterdir():
        if (connector / "edid").exists() and "eDP" not in connector.name:
            (connector / "status").write_text("disconnected\n")
    Courier(settings, Machine(laptop)).deliver()
    before, after = (report["inventory"]["displays"] for report in collector.bodies("/v1/reports"))
    assert [one["built_in"] for one in after] == [True]
    assert len(before) == 2


def test_hostname_is_sent_only_where_asked_for(settings: Settings, laptop: Path, collector) -> None:
    asked = Settings(**{**vars(settings), "send_hostname": True})
    Courier(asked, Machine(laptop)).deliver()
    assert collector.bodies("/v1/enrol")[0]["hostname"]


def test_wrong_secret_is_the_collectors_own_sentence(courier: Courier, collector, reply_problem) -> None:
    collector.replies.append(reply_problem(403, "this enrolment secret has expired; ask for a new one"))
    with pytest.raises(Refused, match="has expired; ask for a new one"):
        courier.deliver()


def test_collector_that_is_away_loses_nothing(settings: Settings, laptop: Path, spool: Spool) -> None:
    away = Settings(**{**vars(settings), "server": "http://127.0.0.1:9"})
    with pytest.raises(Unreachable, match="stays in the spool") as error:
        Courier(away, Machine(laptop)).deliver()
    assert error.value.exit_code == 1
    assert spool.waiting().slots == 4


def test_busy_collectors_retry_after_is_remembered(
    courier: Courier, collector, reply_problem, spool: Spool
) -> None:
    courier.deliver()
    collector.replies.append(reply_problem(503, "busy", Retry_After="240"))
    with pytest.raises(Unreachable):
        courier.deliver()
    assert spool.get("retry_after_s") == 240


def test_credential_no_longer_known_enrols_once_more(
    courier: Courier, collector, reply_problem, spool: Spool
) -> None:
    enrolled = 200, {"device_id": "e" * 32, "credential": "c2", "config": {"upload_period_s": 600}}, {}
    installation.store_identity(
        Path(courier._settings.data_dir), installation.Identity("a" * 32, None, "d" * 32, "old")
    )
    again = Courier(courier._settings, courier._machine)
    collector.replies += [reply_problem(401, "credential unknown"), enrolled]
    assert again.deliver().device_id == "e" * 32
    assert [path for path, _, _ in collector.requests] == ["/v1/reports", "/v1/enrol", "/v1/reports"]
    assert spool.waiting().slots == 0


def test_credential_no_longer_known_without_secret_says_so(
    courier: Courier, collector, reply_problem, laptop: Path
) -> None:
    courier.deliver()
    bare = Settings(**{**vars(courier._settings), "secret_file": None})
    collector.replies.append(reply_problem(401, "credential unknown; enrol again"))
    with pytest.raises(Refused, match="enrol again"):
        Courier(bare, Machine(laptop)).deliver()


def test_secret_of_an_installer_is_removed_once_used_and_not_missed_later(
    settings: Settings, laptop: Path, collector, reply_problem
) -> None:
    left = Path(settings.data_dir, BY_INSTALLER)
    left.write_text("[enrolment]\nsecret=s3cret\n")
    installed = Settings(**{**vars(settings), "secret_file": str(left)})
    Courier(installed, Machine(laptop)).deliver()
    assert collector.bodies("/v1/enrol")[0]["secret"] == "s3cret"
    assert not left.exists()
    collector.replies.append(reply_problem(401, "credential unknown; enrol again"))
    with pytest.raises(Refused, match="enrol again"):
        Courier(installed, Machine(laptop)).deliver()


def test_secret_of_the_administrators_own_file_stays(courier: Courier) -> None:
    courier.deliver()
    assert Path(courier._settings.secret_file or "").exists()


def test_refused_slot_is_set_aside_with_its_reason_and_the_others_are_done(
    courier: Courier, collector, spool: Spool
) -> None:
    enrolled = collector.answer("/v1/enrol", {})
    refused = [{"part": "slots", "index": 1, "reason": "in the future; set the clock"}]
    answer = {"accepted": 4, "duplicates": 0, "refused": refused, "next_upload_s": 600}
    collector.replies += [enrolled, (200, answer, {})]
    assert courier.deliver().refusals == (f"slot {T + 900}: in the future; set the clock",)
    assert spool.waiting().slots == 0
    assert spool.refusals() == [(T + 900, "in the future; set the clock")]


@pytest.mark.slow
def test_too_large_report_is_halved(courier: Courier, collector, reply_problem, spool: Spool) -> None:
    courier.deliver()
    spool.put(
        [
            slot_of(T + 900 * i, [Stretch(T + 900 * i, T + 900 * i + 900, "off", None, None, {})])
            for i in range(4)
        ],
        [],
        None,
        T,
    )
    collector.replies.append(reply_problem(413, "too large"))
    courier.deliver()
    sizes = [len(body.get("slots", [])) for body in collector.bodies("/v1/reports")]
    assert sizes[1:4] == [4, 2, 2] or sum(sizes[2:]) == 4
    assert spool.waiting().slots == 0


def _poisoned(collector, reply_problem, part: str, start: int) -> None:
    """A collector that refuses any report as a whole that carries the record."""
    usual = collector.answer

    def answer(path: str, body: dict[str, Any]) -> Any:
        if any(record["start"] == start for record in body.get(part, [])):
            return reply_problem(422, f"{part}: not understood")
        return usual(path, body)

    collector.answer = answer


def _off(number: int) -> SlotRecord:
    return slot_of(
        T + 900 * number, [Stretch(T + 900 * number, T + 900 * number + 900, "off", None, None, {})]
    )


def test_slot_that_spoils_the_report_is_found_and_the_rest_arrives(
    collector, reply_problem, settings: Settings, laptop: Path, clock, spool: Spool
) -> None:
    spool.put([_off(i) for i in range(4, 200)], [], None, T)
    _poisoned(collector, reply_problem, "slots", T + 900 * 77)
    delivery = Courier(settings, Machine(laptop), clock).deliver()
    assert delivery.refusals[-1] == f"slot {T + 900 * 77}: slots: not understood"
    assert spool.refusals() == [(T + 900 * 77, "slots: not understood")]
    assert (spool.waiting().slots, spool.waiting().gaps) == (0, 0)


def test_gap_that_spoils_the_report_is_found_and_the_rest_arrives(
    collector, reply_problem, settings: Settings, laptop: Path, clock, spool: Spool
) -> None:
    spool.put([], [GapRecord(T + 90_000, 900, "off")], None, T)
    _poisoned(collector, reply_problem, "gaps", T + 9000)
    Courier(settings, Machine(laptop), clock).deliver()
    assert [start for start, _ in spool.refusals()] == [T + 9000]
    assert (spool.waiting().slots, spool.waiting().gaps) == (0, 0)


def test_inventory_that_spoils_the_report_is_left_out_and_told(
    collector, reply_problem, courier: Courier, spool: Spool
) -> None:
    usual = collector.answer
    collector.answer = lambda path, body: (
        reply_problem(422, "inventory: no") if "inventory" in body else usual(path, body)
    )
    assert courier.deliver().refusals == ("other parts of the report: inventory: no",)
    assert (spool.waiting().slots, spool.waiting().refused) == (0, 0)


@pytest.mark.parametrize("status", [400, 422])
def test_collector_that_takes_no_report_at_all_makes_nobody_throw_records_away(
    collector, reply_problem, settings: Settings, laptop: Path, clock, spool: Spool, status: int
) -> None:
    usual = collector.answer
    collector.answer = lambda path, body: (
        reply_problem(status, "no") if path == "/v1/reports" else usual(path, body)
    )
    with pytest.raises(Refused):
        Courier(settings, Machine(laptop), clock).deliver()
    assert (spool.waiting().slots, spool.waiting().gaps, spool.waiting().refused) == (4, 1, 0)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 422])
def test_refusal_by_a_proxy_sets_nothing_aside(
    collector, courier: Courier, spool: Spool, status: int
) -> None:
    courier.deliver()
    spool.put([_off(4)], [], None, T)
    collector.answer = lambda _path, _body: (status, {"message": "blocked by policy"}, {})
    with pytest.raises(Refused, match="check --server"):
        courier.deliver()
    assert (spool.waiting().slots, spool.waiting().refused) == (1, 0)
    assert len(collector.bodies("/v1/enrol")) == 1


@pytest.mark.slow
def test_long_absence_is_caught_up_in_bounded_reports_with_pauses_and_the_rest_stays_for_the_next_run(
    collector, settings: Settings, laptop: Path, clock, spool: Spool
) -> None:
    count = BATCH * (REPORTS_A_RUN + 1)
    spool.put([_off(i) for i in range(count)], [], None, T)
    begun_s = clock.monotonic_s
    Courier(settings, Machine(laptop), clock).deliver()
    reports = collector.bodies("/v1/reports")
    assert [len(body["slots"]) for body in reports] == [BATCH] * REPORTS_A_RUN
    assert [body["waiting"] for body in reports] == [count - BATCH * (i + 1) for i in range(REPORTS_A_RUN)]
    assert PAUSE_S[0] * (REPORTS_A_RUN - 1) <= clock.monotonic_s - begun_s < COURIER_LIMIT_S
    Courier(settings, Machine(laptop), clock).deliver()
    sent = [slot["start"] for body in collector.bodies("/v1/reports") for slot in body.get("slots", [])]
    assert sent == [T + 900 * i for i in range(count)]


def test_what_was_lost_is_told_once_and_again_when_there_is_more(
    collector, settings: Settings, laptop: Path, clock, spool: Spool
) -> None:
    for start in (T, T, T + 900):
        spool.set_aside([start], "no")
        Courier(settings, Machine(laptop), clock).deliver()
        Courier(settings, Machine(laptop), clock).deliver()
    told = [body["losses"] for body in collector.bodies("/v1/reports") if "losses" in body]
    assert [losses["refused"] for losses in told] == [1, 2, 3]
    assert told[-1]["set_aside"] == [{"start": T, "reason": "no"}, {"start": T + 900, "reason": "no"}]


def test_cost_adds_up_over_the_reports(collector, settings: Settings, laptop: Path, clock) -> None:
    for _ in range(3):
        Courier(settings, Machine(laptop), clock).deliver()
        clock.run(3600)
    costs = [body["self_cost"] for body in collector.bodies("/v1/reports")]
    assert [cost["sum_period_s"] for cost in costs] == [0, 3600, 7200]
    for name in ("cpu_s", "bytes_sent"):
        assert costs[-1]["sum_" + name] == pytest.approx(sum(cost[name] for cost in costs))


def test_damaged_spool_is_told_apart_from_a_busy_one(settings: Settings, spool: Spool, capsys) -> None:
    Path(spool.path).write_bytes(b"\xff" * 9000)
    assert main(settings.to_json()) == DAMAGED
    assert "cannot use the spool" in capsys.readouterr().err


def test_record_that_contradicts_itself_is_not_sent(courier: Courier, collector, spool: Spool) -> None:
    with spool._transaction() as db:
        db.execute(
            "update slots set body = replace(body, '\"off_s\":900', '\"off_s\":100') where start = ?", (T,)
        )
    courier.deliver()
    assert len(collector.bodies("/v1/reports")[0]["slots"]) == 3
    assert "the states add up to 100 s" in spool.refusals()[0][1]


def test_clones_spool_is_not_sent_under_a_new_name(
    settings: Settings, laptop: Path, collector, spool: Spool
) -> None:
    installation.store_identity(
        Path(settings.data_dir), installation.Identity("a" * 32, "f" * 64, "d" * 32, "old")
    )
    (laptop / "sys/class/dmi/id/product_uuid").write_text("4c4c4544-0035-3010-8051-b9c04f303332")
    Courier(settings, Machine(laptop)).deliver()
    assert "slots" not in collector.bodies("/v1/reports")[0]
    assert collector.bodies("/v1/enrol")[0]["hardware"]["install_id"] != "a" * 32


def test_no_secret_no_server_and_empty_secret_are_named(settings: Settings, laptop: Path, collector) -> None:
    for change, sentence in (
        ({"server": None}, "give --server URL"),
        ({"secret_file": None}, "give the enrolment secret with --secret-file"),
        ({"secret_file": "/nowhere/secret"}, "check --secret-file"),
    ):
        with pytest.raises(BadSettings, match=sentence):
            Courier(Settings(**{**vars(settings), **change}), Machine(laptop)).deliver()


def test_answer_that_is_no_json_names_the_address(courier: Courier, collector) -> None:
    collector.answer = lambda *_: (200, ["not", "a", "collector"], {})
    with pytest.raises(Unreachable, match="is not a Parcimètre collector"):
        courier.deliver()


@pytest.mark.parametrize(("ahead_s", "said"), [(3600, "3600 s ahead"), (-300, "300 s behind"), (60, None)])
def test_clock_that_disagrees_is_told_with_its_mend(ahead_s: float, said: str | None) -> None:
    sentence = clock_sentence(ahead_s)
    assert (sentence is None) if said is None else (said in str(sentence) and "timedatectl" in str(sentence))


def test_a_new_credential_in_the_answer_is_kept_and_shown_from_then_on(
    courier: Courier, settings: Settings, collector, spool: Spool
) -> None:
    courier.enrol()
    answer = {"accepted": 5, "duplicates": 0, "refused": [], "next_upload_s": 3600, "credential": "renewed"}
    collector.replies.append((200, answer, {}))
    courier.deliver()
    kept = installation.load_identity(Path(settings.data_dir))
    assert kept is not None
    assert kept.credential == "renewed"
    Courier(settings, Machine(Path("/"))).deliver()
    assert collector.requests[-1][1]["Authorization"] == "Bearer renewed"
