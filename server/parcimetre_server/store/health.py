"""The state of the machine under the collector: its store's room, its own processor time and memory."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import psutil

from ..base.errors import ParcimetreError
from ..base.exposition import Metric, counter, gauge
from .embedded import store_bytes
from .interface import Store

LEAST_FREE = 100 * 1024 * 1024


class NotReady(ParcimetreError):
    """The collector runs, but could not store what it is sent."""

    status = 503
    kind = "not-ready"


def free_bytes(data_dir: Path) -> int:
    """Room that is left on the disk of the data folder."""
    return shutil.disk_usage(data_dir).free


def assert_ready(store: Store, data_dir: Path) -> None:
    """Write nothing, durably, to see that it could be done. Raises NotReady and StoreUnusable."""
    store.append([])
    if (free := free_bytes(data_dir)) < LEAST_FREE:
        raise NotReady(
            f"only {free >> 20} MiB are free on the disk of {data_dir}, {LEAST_FREE >> 20} MiB are "
            "needed: free disk space"
        )


def metrics(data_dir: Path) -> Iterator[Metric]:
    """Store, disk and process, as families."""
    process = psutil.Process()
    used = process.cpu_times()
    yield gauge("parcimetre_store_bytes", "Size of the embedded store's files.", store_bytes(data_dir))
    yield gauge(
        "parcimetre_disk_free_bytes", "Free space on the disk of the data folder.", free_bytes(data_dir)
    )
    yield counter("process_cpu_seconds_total", "Processor time of the collector.", used.user + used.system)
    yield gauge(
        "process_resident_memory_bytes", "Resident memory of the collector.", process.memory_info().rss
    )
    yield gauge("process_start_time_seconds", "Start time of the collector.", process.create_time())
