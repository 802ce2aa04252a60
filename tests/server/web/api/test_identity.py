"""Nobody speaks for another: attacks with any unit's secret and the published hashing key, over HTTP."""

import json
from dataclasses import asdict

import pytest
from click.testing import CliRunner
from parcimetre_agent.identification.hashes import keyed_hash, serial_hash
from parcimetre_server.cli.devices import command as devices_command
from parcimetre_server.fleet.deletion import delete
from parcimetre_server.fleet.server_twins import join_servers
from parcimetre_server.operations.doctor.content import findings
from parcimetre_server.organisation import audit
from parcimetre_server.store.records import DeviceId

from ...conftest import DAY_S, NOW, SLOT_S
from .identity_world import DISPLAY, LAST, SERIAL, A, B, M, slots


def test_a_known_serial_number_does_not_take_a_device_over(world, victim):
    before = world.energy_kwh(NOW - 20 * DAY_S, NOW)
    thief = world.machine(B, "2")
    assert thief.enrols(hostname="mine-now").status_code == 200
    assert thief.id != victim.id
    thief.reports(slots=slots(LAST - 10 * DAY_S, LAST - 10 * DAY_S + 900 * SLOT_S, watts=500.0))
    assert world.device(victim.id)["name"] == "victim"
    assert world.device(victim.id)["org_unit"] == A
    assert world.energy_kwh(NOW - 20 * DAY_S, NOW) == pytest.approx(before)
    assert victim.reports()["accepted"] == 0, "its credential is still valid"
    assert world.acts(thief.id) == [
        ("device enrolled", world.secret_id(B)),
        ("join waits", world.secret_id(B)),
    ]


def test_the_slots_of_who_waits_are_stored_and_count_once_the_earlier_device_is_silent(
    world, victim, clock_at
):
    other = world.machine(B, "2")
    other.enrols()
    clock_at(NOW + 2 * DAY_S)
    other.reports(slots=slots(LAST - DAY_S, LAST + 2 * DAY_S, watts=40.0))
    assert world.energy_kwh(LAST, LAST + 2 * DAY_S, org_unit=B) == pytest.approx(48 * 0.04)
    assert world.energy_kwh(LAST - 3 * DAY_S, LAST) == pytest.approx(72 * 0.02), "never both"
    victim.reports(slots=slots(LAST, LAST + DAY_S))
    assert world.energy_kwh(LAST, LAST + 2 * DAY_S) == pytest.approx(24 * 0.02 + 24 * 0.04)


def test_devices_of_both_org_units_are_counted_as_one(world, victim, clock_at):
    other = world.machine(B, "2")
    other.enrols()
    clock_at(NOW + DAY_S)
    other.reports(slots=slots(LAST, LAST + DAY_S), inventory=other.inventory())
    together = world.making(LAST - DAY_S, LAST + DAY_S)
    alone = [world.making(LAST - DAY_S, LAST + DAY_S, device=key) for key in (victim.id, other.id)]
    assert 0 < together < 0.75 * sum(alone)


def test_a_machine_that_was_reimaged_gets_its_device_back_with_its_units_secret_or_one_above(world, victim):
    for unit, install in ((A, "2"), (M, "3")):
        again = world.machine(unit, install)
        again.enrols(hostname="victim")
        assert again.id == victim.id
        assert world.device(victim.id)["org_unit"] == A
        assert world.acts(victim.id)[-1] == ("device enrolled again", world.secret_id(unit))
    proofs = [one.after.get("proof") for one in audit.entries(world.store, victim.id)]
    assert proofs == [None, "org unit", "org unit"]


def test_the_credential_proves_which_device_it_is_with_the_secret_of_any_unit(world, victim, clock_at):
    clock_at(NOW + SLOT_S)
    victim.secret = world.secrets[B]
    before, shown = victim.id, victim.credential
    victim.enrols(shows=shown)
    assert victim.id == before
    assert world.device(before)["org_unit"] == B
    assert world.energy_kwh(NOW - 3 * DAY_S, LAST, org_unit=A) == pytest.approx(72 * 0.02, rel=0.02)
    assert audit.entries(world.store, before)[-1].after["proof"] == "credential"


@pytest.mark.parametrize("shows", ["nonsense", "revoked", "of another device"])
def test_a_credential_that_is_not_valid_or_of_other_hardware_proves_nothing(shows, world, victim):
    thief = world.machine(B, "2")
    if shows == "revoked":
        world.reader.get("/healthz")
        from parcimetre_server.fleet.retirement import revoke

        world.reader.app.state.credentials.refresh_s = 0
        revoke(world.store, victim.id, world.context.now())
        text = victim.credential
    elif shows == "of another device":
        other = world.machine(B, "3", fingerprint=keyed_hash("machine", "another"))
        other.enrols()
        text = other.credential
    else:
        text = "nonsense"
    assert thief.enrols(shows=text).status_code == 200
    assert thief.id != victim.id


def test_a_clone_of_a_disk_is_a_device_of_its_own_even_with_the_credential_of_the_disk(world, victim):
    clone = world.machine(A, "1", fingerprint=keyed_hash("machine", "the other machine"))
    clone.enrols(shows=victim.credential)
    assert clone.id != victim.id
    assert world.reader.get("/v1/joins").json()["joins"] == []


def test_who_waits_gets_its_own_device_back_and_makes_no_third_one(world, victim):
    other = world.machine(B, "2")
    other.enrols()
    first = other.id
    again = world.machine(B, "3")
    again.enrols()
    assert again.id == first
    assert len(world.reader.get("/v1/devices").json()["items"]) == 2


class TestDeciding:
    """An admin of both org units approves or refuses."""

    @pytest.fixture
    def other(self, world, victim, clock_at):  # noqa: ARG002
        clock_at(NOW + DAY_S)
        made = world.machine(B, "2")
        made.enrols()
        made.reports(slots=slots(LAST - 5 * DAY_S, LAST - 4 * DAY_S) + slots(LAST, LAST + DAY_S))
        return made

    def test_only_an_admin_of_both_units_sees_it_and_decides(self, world, other):
        for reader in (world.admin(A), world.admin(B)):
            assert reader.get("/v1/joins").json() == {"joins": []}
            assert reader.post(f"/v1/joins/{other.id}/approve").status_code == 404
        for role in ("viewer", "analyst"):
            assert world.admin(M, role).get("/v1/joins").status_code == 403
        assert any("1 devices wait to be joined" in str(one) for one in findings(world.context))
        (listed,) = world.admin(M).get("/v1/joins").json()["joins"]
        assert (listed["id"], listed["state"], listed["what"]) == (other.id, "waiting", "machine")
        assert (listed["earlier_unit"], listed["later_unit"]) == (A, B)
        assert listed["secret"] == world.secret_id(B)

    def test_approved_they_are_one_device_from_the_first_slot_on(self, world, victim, other):
        assert world.admin(M).post(f"/v1/joins/{other.id}/approve").json()["state"] == "approved"
        assert [one["id"] for one in world.reader.get("/v1/devices").json()["items"]] == [victim.id]
        assert world.energy_kwh(LAST - 5 * DAY_S, LAST + DAY_S) == pytest.approx(5 * 24 * 0.02)
        assert world.device(victim.id)["org_unit"] == B
        assert world.energy_kwh(LAST - 5 * DAY_S, LAST, org_unit=A) == pytest.approx(4 * 24 * 0.02, rel=0.01)
        acts = world.acts(other.id)
        assert [act for act, _ in acts] == [
            "device enrolled",
            "join waits",
            "devices merged",
            "join approved",
        ]
        assert audit.entries(world.store, other.id)[-1].who == "admin of e"

    def test_an_approval_is_undone(self, world, victim, other):
        admin = world.admin(M)
        admin.post(f"/v1/joins/{other.id}/approve")
        assert admin.post(f"/v1/joins/{other.id}/undo").json()["state"] == "waiting"
        assert {one["id"] for one in world.reader.get("/v1/devices").json()["items"]} == {victim.id, other.id}
        assert world.device(victim.id)["org_unit"] == A
        assert world.device(other.id)["org_unit"] == B
        assert admin.post(f"/v1/joins/{other.id}/approve").json()["state"] == "approved"

    def test_refused_they_are_two_devices_and_both_count(self, world, other):
        admin = world.admin(M)
        assert admin.post(f"/v1/joins/{other.id}/refuse").json()["state"] == "refused"
        assert world.energy_kwh(LAST - 5 * DAY_S, LAST + DAY_S) == pytest.approx(5 * 24 * 0.02)
        assert admin.get("/v1/joins").json()["joins"] == []
        assert len(admin.get("/v1/joins", params={"state": "all"}).json()["joins"]) == 1
        assert admin.post(f"/v1/joins/{other.id}/refuse").status_code == 409

    def test_a_deleted_device_leaves_no_join(self, world, victim, other):
        delete(world.store, victim.id, "a test", world.context.now())
        assert world.store.latest("join") == {}
        assert [one["id"] for one in world.reader.get("/v1/devices").json()["items"]] == [other.id]

    def test_the_command_lists_decides_and_undoes(self, world, victim, other):
        def run(*words):
            folder = str(world.context.settings.data_dir)
            answer = CliRunner().invoke(devices_command, ["joins", *words, "--data-dir", folder, "--json"])
            assert answer.exit_code == 0, answer.output
            return json.loads(answer.output)

        (row,) = run()
        assert (row["id"], row["earlier"], row["later_unit"]) == (other.id, victim.id, B)
        assert run("approve", other.id[:10])["state"] == "approved"
        assert run() == []
        assert run("undo", other.id[:10])["state"] == "waiting"
        assert run("refuse", other.id)["state"] == "refused"

    def test_the_page_lists_it_and_its_buttons_decide(self, world, victim, other):
        page = world.reader.get("/admin/joins")
        assert page.status_code == 200
        assert "victim" in page.text
        key = page.text.split('name="form_key" value="', 1)[1].split('"', 1)[0]
        form = {"form_key": key, "join": other.id, "step": "approve"}
        answer = world.reader.post("/admin/joins", data=form)
        assert answer.status_code == 303
        assert [one["id"] for one in world.reader.get("/v1/devices").json()["items"]] == [victim.id]
        assert "undo" in world.reader.get("/admin/joins").text
        assert world.reader.get("/admin").status_code == 200


class TestMonitors:
    """A monitor's hash moves no monitor of another org unit."""

    @pytest.fixture
    def monitor(self, world, victim):
        victim.reports(inventory=victim.inventory(displays=[DISPLAY]))
        (found,) = [
            one for one in world.reader.get("/v1/devices").json()["items"] if one["category"] == "monitor"
        ]
        return found["id"]

    @pytest.fixture
    def thief(self, world, monitor):  # noqa: ARG002
        made = world.machine(B, "2", fingerprint=keyed_hash("machine", "the thief's"))
        made.enrols()
        made.reports(inventory=made.inventory(displays=[DISPLAY]), slots=slots(LAST - 4 * DAY_S, LAST))
        return made

    def test_it_stays_and_nothing_is_counted_of_it(self, world, victim, monitor, thief):
        found = world.device(monitor)
        assert (found["org_unit"], found["driven_by"]) == (A, victim.id)
        drivers = world.reader.get(f"/v1/devices/{monitor}").json()["drivers"]
        assert [one["id"] for one in drivers] == [victim.id]
        assert world.acts(monitor) == [("monitor claimed", world.secret_id(A))]
        assert world.acts(thief.id)[-1] == ("join waits", world.secret_id(B))
        thief.reports(inventory=thief.inventory(displays=[DISPLAY], memory=[{"size_mib": 8192}]))
        assert world.device(monitor)["org_unit"] == A, "however often it is sent"

    @pytest.mark.usefixtures("thief")
    def test_an_admin_of_both_units_moves_it_and_moves_it_back(self, world, monitor):
        admin = world.admin(M)
        (join,) = admin.get("/v1/joins").json()["joins"]
        assert join["what"] == "monitor"
        assert admin.post(f"/v1/joins/{join['id']}/approve").status_code == 200
        assert world.device(monitor)["org_unit"] == B
        assert admin.post(f"/v1/joins/{join['id']}/undo").status_code == 200
        assert world.device(monitor)["org_unit"] == A

    def test_within_a_unit_it_goes_from_computer_to_computer(self, world, monitor):
        colleague = world.machine(A, "3", fingerprint=keyed_hash("machine", "the colleague's"))
        colleague.enrols()
        colleague.reports(inventory=colleague.inventory(displays=[DISPLAY]))
        assert world.device(monitor)["driven_by"] == colleague.id
        assert world.acts(monitor)[-1] == ("monitor claimed", world.secret_id(A))


class TestServers:
    """A server is merged with what a gateway reads of it if maker, model and serial number agree."""

    def server(self, world, unit, install, relayed=False, maker=None, model=None, serial=SERIAL):
        """A server that reports itself, or one behind a gateway."""
        made = world.machine(unit, install, fingerprint=keyed_hash("machine", install))
        assert made.enrols(category="server").status_code == 200
        system = {"maker": maker or "Dell Inc.", "model": model or "PowerEdge R650"}
        system["serial_hash"] = serial_hash("Dell Inc.", serial) or keyed_hash("serial", "Dell Inc.", serial)
        made.reports(
            slots=slots(LAST - DAY_S, LAST, watts=250.0),
            inventory=made.inventory("server", system, "none" if relayed else "Linux"),
        )
        return made

    @pytest.mark.parametrize(
        "differs", [{"maker": "Contoso"}, {"model": "PowerEdge R250"}, {"serial": "OTHER1"}]
    )
    def test_a_fake_server_that_only_knows_the_serial_number_is_not_merged(self, differs, world):
        real = self.server(world, A, "4")
        fake = self.server(world, A, "5", relayed=True, **differs)
        before = world.energy_kwh(LAST - DAY_S, LAST)
        assert join_servers(world.context) == 0
        assert world.energy_kwh(LAST - DAY_S, LAST, device=real.id) == pytest.approx(24 * 0.25)
        assert world.energy_kwh(LAST - DAY_S, LAST) == pytest.approx(before)
        assert fake.id in {one["id"] for one in world.reader.get("/v1/devices").json()["items"]}

    @pytest.mark.parametrize("filler", ["System Serial Number", "1234567890", "XXXXXXXX"])
    def test_placeholders_are_no_serial_numbers(self, filler, world):
        self.server(world, A, "4", serial=filler)
        self.server(world, A, "5", relayed=True, serial=filler)
        assert join_servers(world.context) == 0

    def test_the_same_server_of_one_unit_is_merged_whatever_its_maker_is_called(self, world):
        real = self.server(world, A, "4")
        self.server(world, A, "5", relayed=True, maker="Dell")
        assert join_servers(world.context) == 1
        assert [one["id"] for one in world.reader.get("/v1/devices").json()["items"]] == [real.id]

    def test_a_server_and_its_bmc_of_two_units_are_listed_as_one_machine_and_not_summed(
        self, world, clock_at
    ):
        real = self.server(world, A, "4")
        clock_at(NOW + 60)
        bmc = self.server(world, B, "5", relayed=True)
        assert join_servers(world.context) == 0
        assert world.energy_kwh(LAST - DAY_S, LAST) == pytest.approx(24 * 0.25)
        (join,) = world.admin(M).get("/v1/joins").json()["joins"]
        assert (join["earlier"], join["later"], join["what"]) == (real.id, bmc.id, "server")
        assert join_servers(world.context) == 0
        assert len(world.admin(M).get("/v1/joins").json()["joins"]) == 1
        assert world.admin(M).post(f"/v1/joins/{bmc.id}/approve").status_code == 200
        assert [one["id"] for one in world.reader.get("/v1/devices").json()["items"]] == [real.id]
        assert world.device(real.id)["org_unit"] == A


class TestGateways:
    """A device is reported by a gateway only if that gateway shows its credential, in its own org units."""

    @pytest.fixture
    def gateway(self, world):
        made = world.machine(A, "6", fingerprint=keyed_hash("machine", "gateway"))
        made.enrols()
        return made

    def printer(self, world, unit, install="7", serial="PRN1"):
        return world.machine(unit, install, fingerprint=serial_hash("HP", serial))

    def test_no_device_names_the_gateway_of_another_unit(self, world, gateway):
        own = world.machine(B, "8", fingerprint=keyed_hash("machine", "attacker"))
        own.enrols()
        for shown in (None, own.credential):
            answer = self.printer(world, B).enrols(category="printer", relayed_by=gateway.id, shows=shown)
            assert answer.status_code == 403
            assert "did not show its own credential" in answer.json()["detail"]
        assert len(world.reader.get("/v1/devices").json()["items"]) == 2

    def test_a_gateway_reports_no_device_of_another_unit(self, world, gateway):
        answer = self.printer(world, B).enrols(
            category="printer", relayed_by=gateway.id, shows=gateway.credential
        )
        assert answer.status_code == 403
        assert "not of the gateway's org unit" in answer.json()["detail"]

    def test_with_its_own_credential_it_does_and_proves_them_again(self, world, gateway):
        printer = self.printer(world, A)
        about = {"category": "printer", "relayed_by": gateway.id}
        assert printer.enrols(shows=gateway.credential, **about).status_code == 200
        first = printer.id
        assert printer.enrols(shows=gateway.credential, **about).status_code == 200
        assert printer.id == first
        assert audit.entries(world.store, first)[-1].after["proof"] == "credential"

    def test_an_older_gateway_goes_on_with_the_devices_that_it_has(self, world, gateway):
        printer = self.printer(world, A)
        about = {"category": "printer", "relayed_by": gateway.id}
        printer.enrols(shows=gateway.credential, **about)
        first = printer.id
        assert printer.enrols(**about).status_code == 200
        assert printer.id == first
        assert self.printer(world, A, "8", "PRN2").enrols(**about).status_code == 403


def test_every_device_has_its_place(world, victim):
    """The summary of a device says that it waits."""
    other = world.machine(B, "2")
    other.enrols()
    assert world.device(DeviceId(other.id))["not_counted"] == "waits_to_be_joined"
    assert world.device(victim.id)["not_counted"] is None
    assert asdict(world.made[A][0])["planned"] is None
