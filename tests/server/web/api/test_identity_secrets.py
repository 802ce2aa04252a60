"""Hashes under the organisation's key, secrets that show and revoke their devices, expiring credentials."""

import json

import pytest
from click.testing import CliRunner
from parcimetre_agent.identification.hashes import asset_hash, keyed_hash, rekeyed, serial_hash
from parcimetre_agent.identification.organisation_key import split_secret
from parcimetre_server.access.credentials import EXPIRES_S, RENEW_S
from parcimetre_server.access.organisation_key import organisation_key
from parcimetre_server.cli.enrolment_secret import command as secret_command
from parcimetre_server.fleet.enrolment import create_secret
from parcimetre_server.operations.doctor.content import findings

from ...conftest import DAY_S, NOW
from .identity_world import DISPLAY, FINGERPRINT, SERIAL, A, B, M


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
