"""The organisation's key: under it every hash of a serial number or firmware identifier is stored.

New hash = HMAC(key of the organisation, hash of the product), so that the collector keys anew what older
agents send and what was stored. It guards against guessing by whoever reads a copy of the store, not against
who holds an enrolment secret, which the key is handed out with. It never rotates: a machine that is re-imaged
could not be recognised any more. The store has its SHA-256, so that another key is noticed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import cached_property

from parcimetre_agent.identification.hashes import rekeyed
from parcimetre_agent.identification.organisation_key import key_text, parsed_key, split_secret

from ..store.records import Fact
from .context import Context
from .key_files import KeyFile, KeyUnusable
from .scoped_store import whole

RESTORE = "restore it from a backup, from another collector, or with `parcimetre hash-key restore`"
HASH_KEY = KeyFile("hash.key", "hash_key", "take it from an enrolment secret: `parcimetre hash-key restore`")
SETTING = "hash_key"


class OrganisationKey:
    """The key of a collector, made and read when it is first needed."""

    def __init__(self, context: Context) -> None:
        """Read nothing yet."""
        self._context = context

    @cached_property
    def bytes(self) -> bytes:
        """The key. Raises KeyUnusable."""
        return organisation_key(self._context)

    @property
    def text(self) -> str:
        """The key as agents get it."""
        return key_text(self.bytes)

    def rekeyed(self, product_hash: str) -> str:
        """Return a hash of the product's form in the organisation's form."""
        return rekeyed(product_hash, self.bytes)


def organisation_key(context: Context) -> bytes:
    """Return the key of the data folder, made on first use. Raises KeyUnusable if it is not the store's."""
    store, folder = whole(context.store), context.settings.data_dir
    stated = store.latest_of("setting", SETTING)
    if stated is not None and not (folder / HASH_KEY.name).exists():
        raise KeyUnusable(
            f"{folder} has no {HASH_KEY.name}, but the hashes of this store were made with one: {RESTORE}"
        )
    key = HASH_KEY.in_force(store, folder)
    digest = hashlib.sha256(key).hexdigest()
    if stated is None:
        store.append([Fact("setting", SETTING, context.now(), {"digest": digest, "rekeyed_at": None})])
    elif stated.body["digest"] != digest:
        raise KeyUnusable(
            f"{folder / HASH_KEY.name} is not the key that the hashes of this store were made with: {RESTORE}"
        )
    return key


def restore(context: Context, text: str) -> None:
    """Write a lost key again, from the text of an enrolment secret or of the key. Raises KeyUnusable."""
    key = split_secret(text)[1] or parsed_key(text.strip())
    stated = context.store.latest_of("setting", SETTING)
    if key is None:
        raise KeyUnusable(
            "the file has no key: give the text of an enrolment secret, ps_... with a dot and 43 characters "
            "behind it, or the hash_key of an agent's identity.json"
        )
    if stated is not None and stated.body["digest"] != hashlib.sha256(key).hexdigest():
        raise KeyUnusable("this is another key than the one that the hashes of this store were made with")
    HASH_KEY.restore(context.settings.data_dir, key)


def organisation_hash(context: Context) -> Callable[[str], str]:
    """Return the function that puts a hash of the product's form into the organisation's form."""
    return OrganisationKey(context).rekeyed
