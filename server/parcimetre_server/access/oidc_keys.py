"""Keys of an OpenID provider (JWK Set, RFC 7517): those that verify a token, and why others are skipped."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from joserfc import jwk, jws
from joserfc.errors import JoseError

from .oidc_errors import UNKNOWN_KEY, LoginRefused, ProviderFault, shown

KEY_TYPES: Mapping[str, str] = {
    **dict.fromkeys(("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"), "RSA"),
    **dict.fromkeys(("ES256", "ES384", "ES512"), "EC"),
    **dict.fromkeys(("EdDSA", "Ed25519"), "OKP"),
}
ALGORITHMS = sorted(KEY_TYPES)
REGISTRY = jws.JWSRegistry(algorithms=ALGORITHMS, strict_check_header=False)  # RFC 7515, section 4
REGISTRY.max_header_length = 8192  # bytes: a certificate chain (x5c) fits
MOST_KEYS = 100
LEAST_RSA_BITS = 2048  # RFC 7518, section 3.3


@dataclass(frozen=True)
class ProviderKeys:
    """Keys that can verify a signature, and for each of the others why it is skipped."""

    usable: tuple[jwk.Key, ...]
    skipped: tuple[str, ...]


def provider_keys(document: Mapping[str, Any]) -> ProviderKeys:
    """Return the keys of a JWK Set; unusable ones are skipped (RFC 7517, section 5). Raises ProviderFault."""
    found = document.get("keys")
    if not isinstance(found, list):
        raise ProviderFault("the provider's jwks_uri does not answer with a JWK Set: no list of keys")
    usable, skipped = [], []
    for given in found[:MOST_KEYS]:
        key = _key(given)
        if isinstance(key, str):
            skipped.append(f"{shown(given.get('kid') if isinstance(given, Mapping) else given, 60)}: {key}")
        else:
            usable.append(key)
    return ProviderKeys(tuple(usable), tuple(skipped))


def verified_payload(token: str, keys: ProviderKeys) -> bytes:
    """Return the content of a token that one of the keys signed. Raises LoginRefused."""
    if token.count(".") == 4:
        reason = "the token is encrypted (JWE): switch encryption off for this client at the provider"
        raise LoginRefused.because(UNKNOWN_KEY, reason)
    try:
        header = jws.extract_compact(token.encode(), registry=REGISTRY).headers()
    except (JoseError, ValueError, TypeError, KeyError, RecursionError) as error:
        raise LoginRefused.because(UNKNOWN_KEY, f"the token has no valid header: {error}") from error
    for key in _candidates(keys, header):
        try:
            payload = jws.deserialize_compact(token, key, registry=REGISTRY).payload
        except (JoseError, ValueError, TypeError, KeyError):
            continue
        if payload is not None:
            return payload
    raise LoginRefused.because(UNKNOWN_KEY, _no_key(keys, header))


def _key(given: object) -> jwk.Key | str:
    """Return a key, or why it cannot verify a signature."""
    if not isinstance(given, Mapping):
        return "not a JSON object"
    if reason := _unsuitable(given):
        return reason
    try:
        key = jwk.import_key({str(name): value for name, value in given.items()})
        key.check_key_op("verify")
    except Exception as error:  # noqa: BLE001  the edge: any error of a library about somebody else's key
        return f"not valid: {shown(str(error), 80)}"
    return key


def _unsuitable(given: Mapping[str, Any]) -> str | None:
    """Return why a key is of no use for signatures, None if its members do not rule it out."""
    kind, use, algorithm = (given.get(name) for name in ("kty", "use", "alg"))
    if kind not in KEY_TYPES.values():
        return f"key type {shown(kind, 40)} is not supported"
    if use not in (None, "sig"):
        return f"for use {shown(use, 40)}"
    if algorithm not in (None, *KEY_TYPES):
        return f"algorithm {shown(algorithm, 40)} is not supported"
    if kind == "RSA" and len(str(given.get("n", ""))) * 6 < LEAST_RSA_BITS - 6:
        return f"an RSA key of fewer than {LEAST_RSA_BITS} bits"
    return None


def _candidates(keys: ProviderKeys, header: Mapping[str, Any]) -> list[jwk.Key]:
    """Return the keys that may have signed: of the id that the token names, if any, and of its algorithm."""
    algorithm, key_id = header.get("alg"), header.get("kid")
    return [
        key
        for key in keys.usable
        if KEY_TYPES.get(str(algorithm)) == key.key_type
        and key.alg in (None, algorithm)
        and (key_id is None or key.kid in (None, key_id))
    ]


def _no_key(keys: ProviderKeys, header: Mapping[str, Any]) -> str:
    """Return why no key verified a token, for the log."""
    algorithm, key_id = header.get("alg"), header.get("kid")
    if algorithm not in KEY_TYPES:
        return f"the token is signed with {shown(algorithm, 40)}; set one of {', '.join(ALGORITHMS)} there"
    wanted = f"algorithm {algorithm}, kid {shown(key_id, 60)}"
    told = f"no key of the provider's jwks_uri verifies the token ({wanted})"
    usable = ", ".join(shown(key.kid, 60) for key in keys.usable) or "none"
    return f"{told}; usable keys: {usable}; skipped: {'; '.join(keys.skipped) or 'none'}"
