"""Attacks of one enrolled device: bodies that are long to unpack, parse or validate."""

import gzip
import json
import time

import httpx
import pytest


def body_of(device, inside: bytes) -> bytes:
    """A compressed report with something more in it."""
    head = {"schema": 1, "device_id": device.device_id, "sent_at": int(time.time()), "agent_version": "1"}
    return gzip.compress(json.dumps(head)[:-1].encode() + b"," + inside + b"}")


INSIDE = {
    "repeated keys": b'"aaaaaa":1,' * 1_400_000 + b'"b":1',
    "keys in a slot": b'"slots":[{' + b'"aaaaaa":1,' * 400_000 + b'"b":1}]',
    "empty slots": b'"slots":[' + b"{}," * 900_000 + b"{}]",
    "nested lists": b'"x":[' + b"[]," * 900_000 + b"1]",
    "deep": b'"x":' + b"[" * 100_000 + b"]" * 100_000,
    "a long number": b'"sent_at":' + b"9" * 4_000_000,
    "many errors": b'"slots":[' + b",".join([b'{"start":-1,' + b'"a":1,' * 8 + b'"b":1}'] * 999) + b"]",
}


@pytest.mark.parametrize("inside", INSIDE)
def test_reports_of_one_device_that_are_long_to_validate(siege, inside):
    device = siege.device()
    body = body_of(device, INSIDE[inside])
    headers = {"Content-Encoding": "gzip", "Authorization": f"Bearer {device.credential}"}
    statuses = set()
    with httpx.Client(base_url=siege.url, trust_env=False, timeout=60) as client:
        siege.endures(
            lambda: statuses.add(client.post("/v1/reports", content=body, headers=headers).status_code)
        )
    assert statuses <= {200, 409, 413, 422, 429}
