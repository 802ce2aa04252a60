"""Names without invisible characters, and stored ones shown with them escaped."""

import json
import unicodedata

import pytest
from parcimetre_server.base.names import (
    MOST_CHARACTERS,
    device_name,
    name_fault,
    shown,
    shown_lines,
    text_fault,
)

GOOD = [
    "Hôtel de Ville",
    "Direction générale (DGS) – pôle 2",
    "Ελλάδα",
    "日本語",
    "l'école d’à côté",
    "v1.2",
    "…x",
]
WITHIN = "/\\\n\t\x1b\x9b\u202e\u2066\u200b\u2028\ufeff\u00ad\U000e0041\udc80"
BAD = ["", "  ", ".", "..", "x" * (MOST_CHARACTERS + 1), *(f"a{one}b" for one in WITHIN)]
INVISIBLE = [chr(i) for i in range(0x110000) if unicodedata.category(chr(i)) in ("Cc", "Zl", "Zp", "Cs")]
BIDI = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"


@pytest.mark.parametrize("name", GOOD)
def test_a_name_of_any_script_is_valid_and_shown_as_it_is(name):
    assert name_fault(name) is None
    assert shown(name) == shown_lines(name) == device_name(name, 255) == name


@pytest.mark.parametrize("name", BAD)
def test_a_name_that_could_be_taken_for_something_else_is_not(name):
    assert name_fault(name)


def test_every_control_line_end_half_and_bidi_character_is_refused_and_escaped():
    for one in (*INVISIBLE, *BIDI):
        assert text_fault(one, 10), hex(ord(one))
        assert shown(one) != one, hex(ord(one))
        assert one not in shown(f"a{one}b")
        assert device_name(f"a{one}b", 9) == ("a_b")


def test_what_is_shown_is_valid_inside_json_and_the_same_text():
    text = "a\u202e\x9b\U000e0041b"
    assert json.loads(shown(json.dumps([text], ensure_ascii=False))) == [text]
    assert shown("a\nb\t") == "a\\u000ab\\u0009"
    assert shown_lines("a\nb\t\x1b") == "a\nb\t\\u001b"


def test_the_name_of_a_device_is_never_lost():
    assert device_name(" HP/Laser\x1b[31m \u202e2", 255) == "HP_Laser_[31m _2"
    assert device_name("x" * 300, 255) == "x" * 255
