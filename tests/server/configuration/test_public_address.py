"""The public address: what is accepted, its path as prefix, and a sentence for what is not usable."""

import pytest
from parcimetre_server.base.errors import BadSetting
from parcimetre_server.configuration.public_address import path_prefix, public_address


@pytest.mark.parametrize(
    ("given", "address", "prefix"),
    [
        ("", "", ""),
        ("https://parcimetre.example.org", "https://parcimetre.example.org", ""),
        ("https://Intranet/parcimetre/", "https://intranet/parcimetre", "/parcimetre"),
        ("http://[::1]:8443/a/b.c~d-e_f", "http://[::1]:8443/a/b.c~d-e_f", "/a/b.c~d-e_f"),
    ],
)
def test_the_path_of_the_public_address_is_the_prefix(given, address, prefix):
    assert public_address(given) == address
    assert path_prefix(address) == prefix


@pytest.mark.parametrize(
    "given",
    [
        "intranet/parcimetre",
        "ftp://intranet/parcimetre",
        "https:///parcimetre",
        "https://intranet:port/parcimetre",
        "https://[::1/parcimetre",
        "https://name:word@intranet/parcimetre",
        "https://intranet/parcimetre?x=1",
        "https://intranet/parcimetre#x",
        "https://intranet/a//b",
        "https://intranet//evil.example",
        "https://intranet/../b",
        "https://intranet/parcim%C3%A8tre",
        "https://intranet/a;b",
        "https://intranet/a b",
        'https://intranet/"><script>',
        "https://intranet/a\nSet-Cookie",
    ],
)
def test_an_address_that_is_not_usable_is_refused_with_its_text(given):
    with pytest.raises(BadSetting) as refused:
        public_address(given)
    assert repr(given) in str(refused.value)
