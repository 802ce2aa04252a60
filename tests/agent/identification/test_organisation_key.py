"""Hashes under the organisation's key, and the key's text forms."""

import hashlib
import hmac

import pytest
from parcimetre_agent.identification.hashes import asset_hash, keyed_hash, rekeyed, serial_hash
from parcimetre_agent.identification.organisation_key import key_text, parsed_key, split_secret, with_key

KEY = bytes(range(32))


def test_a_rekeyed_hash_is_the_hmac_of_its_digits():
    product = serial_hash("LENOVO", "PF3ABCDE") or ""
    assert rekeyed(product, KEY) == hmac.new(KEY, product.encode(), hashlib.sha256).hexdigest()
    assert rekeyed(product, KEY) != rekeyed(product, bytes(32))


@pytest.mark.parametrize("written", ["PF3ABCDE", "pf3abcde", " pf3 abc de\t"])
def test_an_asset_hash_is_that_of_the_serial_number_alone_whatever_its_case_and_blanks(written):
    assert asset_hash(written) == keyed_hash("asset", "PF3ABCDE")


@pytest.mark.parametrize("filler", [None, "", "Default string", "0000000"])
def test_a_placeholder_has_no_asset_hash(filler):
    assert asset_hash(filler) is None


def test_a_key_has_43_characters_and_comes_back_from_them():
    assert len(key_text(KEY)) == 43
    assert parsed_key(key_text(KEY)) == KEY


@pytest.mark.parametrize(
    "text", ["", "x" * 43, key_text(KEY)[:-1], key_text(KEY) + "=", "é" * 43, "a b" * 14 + "a"]
)
def test_what_is_not_a_key_is_none(text):
    assert parsed_key(text) is None


def test_a_secret_is_split_from_the_key_behind_it():
    assert split_secret(with_key("ps_abc-_1", KEY) + "\n") == ("ps_abc-_1", KEY)
    assert split_secret(" ps_abc \n") == ("ps_abc", None)
    assert split_secret("ps_abc.damaged") == ("ps_abc.damaged", None)
