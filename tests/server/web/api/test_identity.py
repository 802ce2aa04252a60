"""Nobody speaks for another: attacks with any unit's secret and the published hashing key, over HTTP."""

import json
from dataclasses import asdict

import pytest
from click.testing import CliRunner
from parcimetre_agent.identification.hashes import asset_hash, keyed_hash, rekeyed, serial_hash
from parcimetre_agent.identification.organisation_key import split_secret
from parcimetre_server.access.credentials import EXPIRES_S, RENEW_S
from parcimetre_server.access.organisation_key import organisation_key
from parcimetre_server.access.presence import switch
from parcimetre_server.access.tokens import create_token
from parcimetre_server.base.periods import Span
from parcimetre_server.cli.devices import command as devices_command
from parcimetre_server.cli.enrolment_secret import command as secret_command
from parcimetre_server.fleet.deletion import delete
from parcimetre_server.fleet.enrolment import create_secret
from parcimetre_server.fleet.server_twins import join_servers
from parcimetre_server.footprint.compute import compute_footprint
from parcimetre_server.footprint.query import FootprintQuery
from parcimetre_server.operations.doctor.content import findings
from parcimetre_server.organisation import audit
from parcimetre_server.store.records import DeviceId

from ...conftest import DAY_S, NOW, SLOT_S, Reader

M, A, B = "Métropole", "Métropole/A", "Métropole/B"
SERIAL = "9HTF2X3"
FINGERPRINT = keyed_hash("machine", "9htf2x3", "uuid of the machine", "board of the machine")
LAST = NOW // SLOT_S * SLOT_S
DISPLAY = {
    "maker": "DEL", "product": "a0d4", "built_in": False, "name": "DELL P2419H", "week": 12, "year": 2020,
    "width_mm": 527, "height_mm": 296, "serial_hash": serial_hash("DEL", "F5X1"),
}  # fmt: skip


def slots(first, last, watts=20.0):
    """Slots with the display on, and a meter at the wall."""
    energy = {"source": "pdu", "scope": "wall_ac", "quality": "measured", "duration_s": 900}
    return [
        {"start": start, "display_on_s": 900, "display_off_s": 0, "asleep_s": 0, "off_s": 0, "unknown_s": 0,
         "energy": [{**energy, "energy_j": watts * 900}]}
        for start in range(first, last, SLOT_S)
    ]  # fmt: skip


class Machine:
    """Whoever speaks the agents' protocol: it has what it was told, and sends what it wants."""

    def __init__(self, world, unit, install="1", **hardware):
        self.world, self.secret = world, world.secrets[unit]
        self.hardware = {
            "install_id": install * 32,
            "virtual": "none",
            "fingerprint": FINGERPRINT,
            **hardware,
        }
        self.id = self.credential = None

    def enrols(self, schema=1, shows=None, **about):
        """Enrol, and take what the answer gives."""
        request = {
            "schema": schema, "secret": self.secret, "hardware": self.hardware, "category": "laptop",
            "agent_version": "0.1.0", **about,
        }  # fmt: skip
        headers = {"Authorization": f"Bearer {shows}"} if shows else {}
        answer = self.world.reader.post("/v1/enrol", json=request, headers=headers)
        if answer.status_code == 200:
            self.id, self.credential = answer.json()["device_id"], answer.json()["credential"]
        return answer

    def reports(self, schema=1, **about):
        """Send a report."""
        now = self.world.context.now()
        body = {"schema": schema, "device_id": self.id, "sent_at": now, "agent_version": "0.1.0", **about}
        answer = self.world.reader.post(
            "/v1/reports", json=body, headers={"Authorization": f"Bearer {self.credential}"}
        )
        assert answer.status_code == 200, answer.text
        assert answer.json()["refused"] == []
        return answer.json()

    def inventory(self, category="laptop", system=None, os="Linux", **about):
        """An inventory to send."""
        return {
            "taken_at": self.world.context.now(), "category": category, "virtual": "none",
            "system": system or {"maker": "Dell Inc.", "model": "Latitude 5420"}, "os": {"name": os},
            "cpus": [{"model": "11th Gen Intel(R) Core(TM) i5-1145G7 @ 2.60GHz", "units": 1, "cores": 4}],
            "memory": [{"size_mib": 16_384}], "disks": [{"size_bytes": 512_000_000_000, "kind": "ssd"}],
            **about,
        }  # fmt: skip


class World:
    """A collector with three org units, a secret of each, and clients."""

    def __init__(self, context, client_of):
        self.context, self.store = context, context.store
        self.made = {unit: create_secret(context, unit, f"Site of {unit[-1]}") for unit in (M, A, B)}
        self.secrets = {unit: text for unit, (_, text) in self.made.items()}
        self.reader = client_of(context)
        switch(self.store, True, "figures of hours", NOW)
        self.figures = Reader(self.reader.app, create_token(context, "figures", "presence", None)[1])

    def machine(self, unit, *about, **more):
        """A machine with the secret of a unit."""
        return Machine(self, unit, *about, **more)

    def admin(self, unit, role="admin"):
        """A reader of one unit."""
        _, text = create_token(self.context, f"{role} of {unit[-1]}", role, unit)
        return Reader(self.reader.app, text)

    def energy_kwh(self, first, last, **query):
        """Energy that totals have of a period."""
        return compute_footprint(self.context, FootprintQuery(Span(first, last), **query)).total().energy_kwh

    def making(self, first, last, **query):
        """Impact of manufacturing that totals have of a period, kg CO2 eq."""
        rows = compute_footprint(self.context, FootprintQuery(Span(first, last), **query)).rows("stage")
        return sum(row.value for row in rows if row.group == "manufacturing")

    def device(self, device_id):
        """A device as the API has it."""
        return self.reader.get(f"/v1/devices/{device_id}").json()["device"]

    def acts(self, subject):
        """What the audit log has of a subject."""
        return [(one.act, one.after.get("secret")) for one in audit.entries(self.store, subject)]

    def secret_id(self, unit):
        """The id of a unit's secret."""
        return self.made[unit][0].id


@pytest.fixture
def world(empty, client_of):
    return World(empty, client_of)


@pytest.fixture
def victim(world):
    """A machine of A that reported for three days, up to now."""
    made = world.machine(A)
    made.enrols(hostname="victim")
    made.reports(slots=slots(LAST - 3 * DAY_S, LAST), inventory=made.inventory())
    return made


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


class TestHashes:
    """Hashes are stored under the organisation's key, whichever form an agent sends."""

    def test_a_secret_comes_with_the_key_and_both_forms_are_one_device(self, world):
        secret, key = split_secret(world.secrets[A])
        assert key == organisation_key(world.context)
        old = world.machine(A)
        old.enrols()
        new = world.machine(A, "2", fingerprint=rekeyed(FINGERPRINT, key))
        new.secret = secret
        answer = new.enrols(schema=2, hash_form="organisation")
        assert new.id == old.id
        assert "hash_key" not in answer.json()

    def test_nothing_that_can_be_guessed_is_stored(self, world, victim):
        system = {"maker": "Dell Inc.", "serial_hash": serial_hash("Dell Inc.", SERIAL)}
        victim.reports(inventory=victim.inventory(system=system, displays=[DISPLAY]))
        bad = victim.inventory(system=system, displays=[DISPLAY]) | {"taken_at": "yesterday"}
        body = {
            "schema": 1,
            "device_id": victim.id,
            "sent_at": NOW,
            "agent_version": "0.1.0",
            "inventory": bad,
        }
        answer = world.reader.post(
            "/v1/reports", json=body, headers={"Authorization": f"Bearer {victim.credential}"}
        )
        assert len(answer.json()["refused"]) == 1
        bytes_stored = b"".join(file.read_bytes() for file in world.context.settings.data_dir.glob("store*"))
        for product in (FINGERPRINT, system["serial_hash"], DISPLAY["serial_hash"]):
            assert product.encode() not in bytes_stored
        assert rekeyed(FINGERPRINT, organisation_key(world.context)).encode() in bytes_stored

    @pytest.mark.parametrize(("schema", "gets"), [(1, False), (2, True)])
    def test_an_agent_that_can_use_the_key_gets_it_with_the_answer(self, schema, gets, world):
        machine = world.machine(A)
        text = world.secrets[A].partition(".")[2]
        assert machine.enrols(schema=schema).json().get("hash_key") == (text if gets else None)
        assert machine.reports(schema=schema).get("hash_key") == (text if gets else None)
        assert "hash_key" not in machine.reports(schema=2, hash_form="organisation")

    def test_asset_hashes_are_stored_and_an_upgraded_agent_states_who_it_is_once(self, world, victim):
        key = organisation_key(world.context)
        now = {
            "install_id": "1" * 32, "virtual": "none", "fingerprint": keyed_hash("machine", "by new rules"),
            "earlier_fingerprint": FINGERPRINT, "asset_hash": asset_hash(SERIAL), "maker": "Dell Inc.",
        }  # fmt: skip
        keyed = {
            name: rekeyed(now[name], key) for name in ("fingerprint", "earlier_fingerprint", "asset_hash")
        }
        victim.reports(schema=2, hash_form="organisation", hardware=now | keyed)
        stored = world.store.latest_of("device", victim.id).body
        assert stored["fingerprint"] == keyed["fingerprint"]
        assert stored["asset_hash"] == rekeyed(asset_hash(" 9htf 2x3"), key)
        again = world.machine(A, "2", fingerprint=now["fingerprint"])
        again.enrols()
        assert again.id == victim.id

    @pytest.mark.usefixtures("victim")
    def test_a_report_takes_no_fingerprint_of_another_device(self, world):
        other = world.machine(A, "2", fingerprint=keyed_hash("machine", "other"))
        other.enrols()
        stated = {"install_id": "2" * 32, "virtual": "none", "fingerprint": FINGERPRINT}
        other.reports(schema=2, hardware=stated)
        key = organisation_key(world.context)
        assert world.store.latest_of("device", other.id).body["fingerprint"] != rekeyed(FINGERPRINT, key)


class TestSecrets:
    """After a leak one page shows and revokes all that came by a secret."""

    def test_its_devices_are_listed_and_revoked_with_it(self, world, victim):
        world.reader.app.state.credentials.refresh_s = 0
        secret_id = world.secret_id(A)
        page = world.reader.get(f"/admin/secrets/{secret_id}")
        assert "victim" in page.text
        key = page.text.split('name="form_key" value="', 1)[1].split('"', 1)[0]
        assert world.reader.post(f"/admin/secrets/{secret_id}", data={"form_key": key}).status_code == 303
        answer = world.reader.post(
            "/v1/reports", json={}, headers={"Authorization": f"Bearer {victim.credential}"}
        )
        assert answer.status_code == 401
        assert victim.enrols().status_code == 403
        assert ("device revoked", secret_id) in world.acts(victim.id)

    def test_one_command_shows_and_one_revokes_all_of_it(self, world, victim):
        def run(*words):
            folder = str(world.context.settings.data_dir)
            answer = CliRunner().invoke(secret_command, [*words, "--data-dir", folder, "--json"])
            assert answer.exit_code == 0, answer.output
            return json.loads(answer.output)

        world.reader.app.state.credentials.refresh_s = 0
        (row,) = run("devices", world.secret_id(A)[:6])
        assert (row["id"], row["is_revoked"]) == (victim.id, False)
        assert run("revoke", world.secret_id(A), "--with-devices")["devices"] == [victim.id]
        assert run("devices", world.secret_id(A))[0]["is_revoked"] is True
        assert {one["id"]: one["devices"] for one in run("list")}[world.secret_id(A)] == 1
        refused = world.reader.post(
            "/v1/reports", json={}, headers={"Authorization": f"Bearer {victim.credential}"}
        )
        assert refused.status_code == 401

    def test_a_device_that_came_by_it_before_is_listed_still(self, world, victim):
        again = world.machine(M, "2")
        again.enrols(hostname="victim")
        assert again.id == victim.id
        for unit in (A, M):
            assert "victim" in world.reader.get(f"/admin/secrets/{world.secret_id(unit)}").text

    def test_another_units_admin_has_no_such_page(self, world):
        answer = world.admin(B).get(f"/admin/secrets/{world.secret_id(A)}")
        assert answer.status_code == 404

    def test_a_hard_limit_holds_for_new_devices_only(self, world):
        _, text = create_secret(world.context, A, most=2)
        machines = [world.machine(A, str(i), fingerprint=keyed_hash("machine", str(i))) for i in range(1, 4)]
        for one in machines:
            one.secret = text
        assert [one.enrols().status_code for one in machines] == [200, 200, 403]
        assert machines[0].enrols().status_code == 200

    def test_twice_the_planned_number_is_a_warning(self, world, caplog):
        secret, text = create_secret(world.context, A, planned=1)
        for i in range(1, 4):
            machine = world.machine(A, str(i), fingerprint=keyed_hash("machine", str(i)))
            machine.secret = text
            assert machine.enrols().status_code == 200
        warnings = [one.getMessage() for one in caplog.records if secret.id in one.getMessage()]
        assert len(warnings) == 1
        assert "has enrolled 2 devices, 1 were planned" in warnings[0]
        assert "twice as many devices as planned" in world.reader.get("/admin?lang=en").text
        found = [one for one in findings(world.context) if one.state == "warning"]
        assert any(f"{secret.id} of {A} has enrolled 3 devices, 1 were planned" in str(one) for one in found)


class TestCredentials:
    """Credentials renew themselves, and outlive the spool."""

    def test_it_is_renewed_after_400_days_and_refused_after_500(self, world, victim, clock_at):
        assert 400 * DAY_S < EXPIRES_S
        clock_at(NOW + 450 * DAY_S)
        before, answer = victim.credential, victim.reports()
        assert answer["credential"] != before
        clock_at(NOW + EXPIRES_S + DAY_S)
        refused = world.reader.post("/v1/reports", json={}, headers={"Authorization": f"Bearer {before}"})
        assert refused.status_code == 401
        assert "expired" in refused.json()["detail"]
        victim.credential = answer["credential"]
        assert victim.reports()["accepted"] == 0
        assert RENEW_S < EXPIRES_S


def test_every_device_has_its_place(world, victim):
    """The summary of a device says that it waits."""
    other = world.machine(B, "2")
    other.enrols()
    assert world.device(DeviceId(other.id))["not_counted"] == "waits_to_be_joined"
    assert world.device(victim.id)["not_counted"] is None
    assert asdict(world.made[A][0])["planned"] is None
