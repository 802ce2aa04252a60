"""Machines that speak the agents' protocol, honest or not, and the collector that they speak to."""

from parcimetre_agent.identification.hashes import keyed_hash, serial_hash
from parcimetre_server.access.presence import switch
from parcimetre_server.access.tokens import create_token
from parcimetre_server.base.periods import Span
from parcimetre_server.fleet.enrolment import create_secret
from parcimetre_server.footprint.compute import compute_footprint
from parcimetre_server.footprint.query import FootprintQuery
from parcimetre_server.organisation import audit

from ...conftest import NOW, SLOT_S, Reader

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
