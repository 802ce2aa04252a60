"""What any engine says when it cannot serve."""

from __future__ import annotations

from ..base.errors import ParcimetreError


class StoreUnusable(ParcimetreError):
    """The store cannot be opened, read or written as it is."""

    status = 503
    kind = "store-unusable"
