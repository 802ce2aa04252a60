"""Check the data folder: permissions, free disk space, and the keys that sign credentials and sessions."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from ...access.credentials import CREDENTIAL_KEY
from ...access.key_files import KEY_BYTES, KeyFile
from ...access.organisation_key import HASH_KEY
from ...access.sessions import SESSION_KEY
from ...base.private_files import OTHERS, open_to_others
from ...store.health import LEAST_FREE
from . import Finding, failed, ok, warning

FEW_FREE = 10 * LEAST_FREE


def findings(data_dir: Path) -> Iterator[Finding]:
    """Yield findings about folder, disk and keys; only the first if there is no folder."""
    if not data_dir.is_dir():
        mend = f"start `parcimetre serve --data-dir {data_dir}` once, or name another folder with --data-dir"
        yield failed("data folder", f"{data_dir} is not there", mend)
        return
    yield _folder(data_dir)
    yield _disk(data_dir)
    yield _key("signing key", CREDENTIAL_KEY, data_dir)
    if (data_dir / SESSION_KEY.name).exists():
        yield _key("session key", SESSION_KEY, data_dir)
    else:
        yield ok("session key", "none yet: it is made when somebody opens a page")
    if (data_dir / HASH_KEY.name).exists():
        yield _key("hash key", HASH_KEY, data_dir)
    else:
        yield ok("hash key", "none yet: it is made when the collector starts")


def _folder(data_dir: Path) -> Finding:
    if not os.access(data_dir, os.R_OK | os.W_OK | os.X_OK):
        mend = f"grant access: chown -R USER {data_dir}, or run this as the collector's user"
        return failed("data folder", f"{data_dir} cannot be read and written by this user", mend)
    exposed = list(open_to_others(data_dir))
    if data_dir in exposed:
        mend = f"chmod 700 {data_dir}: it contains the activity of each machine"
        return warning("data folder", f"{data_dir} can be read by other users", mend)
    if exposed:
        mend = (
            f"chmod -R go= {data_dir}; the collector corrects its own account's files when it starts, so "
            "they may belong to another account: chown them"
        )
        told = (
            f"{len(exposed)} files in {data_dir} have permissions for other users, first: {exposed[0].name}"
        )
        return warning("data folder", told, mend)
    return ok("data folder", f"{data_dir}")


def _disk(data_dir: Path) -> Finding:
    free = shutil.disk_usage(data_dir).free
    told, mend = f"{free / 2**30:.1f} GiB free", f"free space on the disk of {data_dir}"
    if free < LEAST_FREE:
        return failed("disk", told, mend)
    return warning("disk", told, mend) if free < FEW_FREE else ok("disk", told)


def _key(what: str, key: KeyFile, data_dir: Path) -> Finding:
    file = data_dir / key.name
    restore = f"restore it from a backup, or remove it and {key.restart}"
    try:
        size, mode = len(file.read_bytes()), file.stat().st_mode
    except OSError as error:
        mend = f"start the collector once, or {restore}"
        return failed(what, f"{file}: {error.strerror}", mend)
    if size != KEY_BYTES:
        return failed(what, f"{file} has {size} bytes instead of {KEY_BYTES}", restore)
    if os.name == "posix" and mode & OTHERS:
        return warning(what, f"{file} can be read by other users", f"chmod 600 {file}")
    return ok(what, str(file))
