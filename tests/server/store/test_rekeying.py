"""A store and agents of bb8efdf go on: keyed anew, nobody enrols anew, and nothing is counted twice."""

import json
from contextlib import closing
from dataclasses import replace

import pytest
from click.testing import CliRunner
from parcimetre_agent.identification.hashes import rekeyed
from parcimetre_agent.identification.organisation_key import key_text
from parcimetre_server.access.credentials import Credentials
from parcimetre_server.access.key_files import KeyUnusable
from parcimetre_server.access.organisation_key import HASH_KEY, organisation_key
from parcimetre_server.access.served_settings import open_as_served
from parcimetre_server.cli.hash_key import command
from parcimetre_server.fleet.enrolment import create_secret
from parcimetre_server.fleet.rekeying import rekey_store
from parcimetre_server.operations.backups import create, restore
from parcimetre_server.store.interface import Store
from parcimetre_server.store.records import DeviceId, Fact

from .recorded_store import FIRST, NOW, RECORDED

FIGURES = json.loads((RECORDED / "figures.json").read_text(encoding="utf-8"))
HASHES = ("serial_hash", "fingerprint")


def hashes_in(value):
    """All hashes that a body has, at any depth."""
    if isinstance(value, dict):
        for name, item in value.items():
            if name in HASHES and isinstance(item, str):
                yield item
            else:
                yield from hashes_in(item)
    elif isinstance(value, list):
        for item in value:
            yield from hashes_in(item)


def stated(store):
    """Every hash that any fact has."""
    facts = [
        fact for kind in ("device", "inventory", "monitor", "dead_letter") for fact in store.history(kind)
    ]
    return {one for fact in facts for one in hashes_in(fact.body)}


def listed(reader):
    """The ids of all devices."""
    answer = reader.get("/v1/devices", params={"limit": 1000})
    assert answer.status_code == 200, answer.text
    return {one["id"] for one in answer.json()["items"]}


def test_every_hash_of_the_history_is_keyed_anew_and_none_of_the_former_remains_in_the_files(recorded):
    store, folder = recorded.store, recorded.settings.data_dir
    before = stated(store)
    assert len(before) > 10
    count = rekey_store(recorded)
    assert count > 30
    key = organisation_key(recorded)
    assert stated(store) == {rekeyed(one, key) for one in before}
    files = b"".join(file.read_bytes() for file in folder.glob("store*"))
    assert not [one for one in before if one.encode() in files]
    assert rekey_store(recorded) == 0, "a hash is never keyed twice"
    with closing(open_as_served(folder).store) as again:
        assert stated(again) == {rekeyed(one, key) for one in before}


def test_a_rekeying_that_was_killed_goes_on(recorded, monkeypatch):
    before, store = stated(recorded.store), recorded.store
    whole = type(store).rewrite

    def killed(self, kind, change):
        if kind == "monitor":
            raise OSError("killed")
        return whole(self, kind, change)

    monkeypatch.setattr(type(store), "rewrite", killed)
    with pytest.raises(OSError, match="killed"):
        rekey_store(recorded)
    monkeypatch.setattr(type(store), "rewrite", whole)
    rekey_store(recorded)
    key = organisation_key(recorded)
    assert stated(store) == {rekeyed(one, key) for one in before}


def test_no_figure_moved_and_no_fact_was_lost(recorded, client_of):
    rekey_store(recorded)
    counts = {kind: len(recorded.store.history(kind)) for kind in FIGURES["facts"]}
    assert counts == FIGURES["facts"] | {"setting": counts["setting"]}
    reader = client_of(recorded)
    query = {"criterion": "gwp", "from": str(FIRST), "to": str(NOW), "group_by": "device"}
    found = {row["group"]: row for row in reader.get("/v1/footprint", params=query).json()["rows"]}
    known = FIGURES["footprint gwp"]["device"]
    assert found.keys() == known.keys()
    for device, (energy_kwh, value, *_) in known.items():
        assert found[device]["energy_kwh"] == pytest.approx(energy_kwh, rel=1e-9)
        assert found[device]["value"] == pytest.approx(value, rel=1e-9)


class TestAgents:
    """Agents of before, in the old form, and upgraded ones."""

    @pytest.fixture
    def upgraded(self, recorded):
        """The collector after the upgrade, with what its agents sent before."""
        sent = {
            kind: {key: fact.body for key, fact in recorded.store.latest(kind).items()}
            for kind in ("device", "inventory")
        }
        rekey_store(recorded)
        return recorded, sent

    def reporting(self, upgraded):
        """The devices with an agent of their own, each with its inventory as it was sent."""
        recorded, sent = upgraded
        for key, body in sent["inventory"].items():
            device = recorded.store.latest_of("device", key)
            if device is not None and device.body["retired_at"] is None:
                stated = {name: value for name, value in body.items() if name != "hash_form"}
                yield DeviceId(key), json.loads(json.dumps(stated))

    @pytest.mark.parametrize("form", ["product", "organisation"])
    def test_their_reports_make_no_device_and_no_monitor_anew(self, form, upgraded, client_of):
        recorded, _ = upgraded
        reader, credentials = client_of(recorded), Credentials(recorded)
        before, key = listed(reader), organisation_key(recorded)
        monitors = recorded.store.latest("monitor").keys()
        reporting = list(self.reporting(upgraded))
        assert len(reporting) > 10
        assert any(
            display.get("serial_hash") for _, body in reporting for display in body.get("displays", ())
        )
        for device, inventory in reporting:
            body = {"schema": 1, "device_id": device, "sent_at": NOW, "agent_version": "0.2.0"}
            if form == "organisation":
                body |= {"schema": 2, "hash_form": form}
                for thing in (inventory["system"], *inventory.get("displays", ())):
                    if "serial_hash" in thing:
                        thing["serial_hash"] = rekeyed(thing["serial_hash"], key)
            credential = credentials.issue(device, NOW)
            answer = reader.post(
                "/v1/reports",
                json=body | {"inventory": inventory | {"memory": [{"size_mib": 4096}]}},
                headers={"Authorization": f"Bearer {credential}"},
            )
            assert answer.status_code == 200, answer.text
            assert answer.json()["refused"] == []
        assert listed(reader) == before
        assert recorded.store.latest("monitor").keys() == monitors
        assert recorded.store.latest("join") == {}

    def test_a_reimaged_machine_gets_its_device_back(self, upgraded, client_of):
        recorded, sent = upgraded
        reader = client_of(recorded)
        before = listed(reader)
        asked = 0
        for key, body in sent["device"].items():
            stored = recorded.store.latest_of("device", key)
            is_own = body["relayed_by"] is None and body["retired_at"] is None and body["fingerprint"]
            if not is_own or key not in before or recorded.store.history("transfer", key):
                continue
            _, text = create_secret(recorded, stored.body["org_unit"], stored.body["site"])
            hardware = {
                "install_id": "e" * 32,
                "virtual": body["virtual"],
                "fingerprint": body["fingerprint"],
            }
            answer = reader.post(
                "/v1/enrol",
                json={"schema": 1, "secret": text, "hardware": hardware, "category": body["category"],
                      "agent_version": "0.1.0"},
            )  # fmt: skip
            assert answer.json()["device_id"] == key
            asked += 1
        assert asked > 3
        assert listed(reader) == before


def test_the_key_is_in_the_backup_and_without_it_the_collector_says_so(recorded, tmp_path):
    rekey_store(recorded)
    folder, key = recorded.settings.data_dir, organisation_key(recorded)
    restored = tmp_path / "restored"
    restore(create(folder, tmp_path / "backup.tar.gz", NOW), restored)
    assert (restored / HASH_KEY.name).read_bytes() == key
    assert (folder / HASH_KEY.name).stat().st_mode & 0o077 == 0
    (folder / HASH_KEY.name).unlink()
    with pytest.raises(KeyUnusable, match="restore it from a backup"):
        organisation_key(recorded)
    assert not (folder / HASH_KEY.name).exists(), "another key would be of no use"
    (folder / HASH_KEY.name).write_bytes(b"x" * 32)
    with pytest.raises(KeyUnusable, match="is not the key"):
        organisation_key(recorded)
    lost = tmp_path / "secret.txt"
    for text, status in (
        (f"ps_other.{key_text(b'y' * 32)}", 1),
        ("ps_none", 1),
        (f"ps_one.{key_text(key)}", 0),
    ):
        lost.write_text(text)
        args = ["restore", str(lost), "--data-dir", str(folder)]
        assert CliRunner().invoke(command, args, catch_exceptions=True).exit_code == status
    assert organisation_key(recorded) == key


def test_bodies_are_rewritten_in_their_place_on_every_engine(store: Store):
    def site(key, zone, at):
        return Fact("site", key, at, {"zone": zone})

    store.append([site("A", "FR", 5), site("B", "FR", 6), site("A", "DE", 7), site("C", "BE", 8)])
    mark = [(fact.key, fact.recorded_at) for fact in store.history("site")]

    def to_spain(fact):
        return {"zone": "ES"} if fact.body["zone"] == "FR" else {"zone": fact.body["zone"] + "2"}

    def once(fact):
        return None if fact.body["zone"] in ("ES", "DE2", "BE2") else to_spain(fact)

    assert store.rewrite("site", once) == 4
    assert store.rewrite("site", once) == 0
    found = store.history("site")
    assert [(fact.key, fact.recorded_at) for fact in found] == mark
    assert [fact.body["zone"] for fact in found] == ["ES", "ES", "DE2", "BE2"]
    assert {key: fact.body["zone"] for key, fact in store.latest("site").items()} == {
        "A": "DE2", "B": "ES", "C": "BE2",
    }  # fmt: skip
    store.append([replace(site("A", "IT", 9))])
    assert store.latest_of("site", "A").body == {"zone": "IT"}
