"""Errors of any engine of the store."""

from __future__ import annotations

from ..base.errors import ParcimetreError


class StoreUnusable(ParcimetreError):
    """The store cannot be opened, read or written as it is."""

    status = 503
    kind = "store-unusable"


class NewerVersion(StoreUnusable):
    """A record that a newer Parcimètre wrote: nothing of it is read."""

    def __init__(self, kind: str, key: str, version: int, newest: int) -> None:
        """Name the kind and key of the record, its version, and the newest one that is read here."""
        super().__init__(
            f"the record {key!r} of kind {kind!r} has version {version}, and this Parcimètre reads versions "
            f"up to {newest}: install the Parcimètre that wrote it or a newer one, or restore a backup made "
            "before that one ran"
        )
        self.record_kind, self.key, self.version, self.newest = kind, key, version, newest
