"""A job once, on whichever of several collectors holds its lease, and on another should that one end.

A lease lasts a minute and is renewed while the job runs; its end is on the store's clock. A collector that
was suspended for longer may find that another ran the job meanwhile: jobs bear being run twice.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

from ..base.errors import ParcimetreError
from .interface import Lease, Store

LOG = logging.getLogger(__name__)
LEASE_S = 60.0
RENEWALS = 3  # in one lease


def run_once(
    store: Store, job: str, occasion: str, holder: str, work: Callable[[], bool], lease_s: float = LEASE_S
) -> float:
    """Run a job unless it is done for that occasion or another collector is at it.

    `work` says whether it was done. Returns the seconds after which to look again, 0 when there is no need.
    """
    found = store.lease(job)
    if found.done == occasion:
        return 0.0
    if found.left_s > 0 and found.holder != holder:
        return found.left_s + 1
    mine = Lease(found.term + 1, holder, lease_s, found.done)
    if not store.take_lease(job, mine):
        return lease_s
    done = found.done
    with _renewed(store, job, mine) as held:
        if work():
            done = occasion
    if not store.take_lease(job, Lease(held().term + 1, holder, 0.0, done)):
        LOG.warning("another collector took over the job %s while it ran here", job)
    return 0.0


@contextmanager
def _renewed(store: Store, job: str, lease: Lease) -> Iterator[Callable[[], Lease]]:
    """Renew a lease from time to time in a thread; gives the last one that was in force."""
    held, over = [lease], threading.Event()

    def renew() -> None:
        """Until the job is over, or another has the lease."""
        while not over.wait(lease.left_s / RENEWALS):
            later = replace(lease, term=held[-1].term + 1)
            try:
                if not store.take_lease(job, later):
                    return
            except ParcimetreError as error:
                LOG.warning("the lease of the job %s could not be renewed: %s", job, error)
            else:
                held.append(later)

    thread = threading.Thread(target=renew, name=f"lease-{job}", daemon=True)
    thread.start()
    try:
        yield lambda: held[-1]
    finally:
        over.set()
        thread.join()
