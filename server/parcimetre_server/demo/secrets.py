"""Enrolment secrets of the simulated fleet: one per place, created on demand, revoked at the end."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from ..access.served_settings import open_as_served
from ..fleet.enrolment import create_secret, revoke_secret
from .fleet import ZONE
from .send import SecretOf, Simulated

VALID_S = 86_400


@contextmanager
def secrets(data_dir: Path) -> Iterator[SecretOf]:
    """What gives each device the secret of its org unit and site, in the collector's own data folder.

    Org units and sites are created with their first secret. Raises StoreUnusable where no collector keeps
    its data in the folder.
    """
    context = open_as_served(data_dir)
    made: dict[tuple[str, str], tuple[str, str]] = {}

    def secret_of(device: Simulated) -> str:
        """The secret of the device's place, made for the first device there."""
        place = (device.org_unit, device.site)
        if place not in made:
            secret, text = create_secret(context, *place, zone=ZONE, expires_at=context.now() + VALID_S)
            made[place] = (secret.id, text)
        return made[place][1]

    with closing(context.store):
        try:
            yield secret_of
        finally:
            for secret_id, _ in made.values():
                revoke_secret(context, secret_id)
