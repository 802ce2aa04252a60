"""The table of roles in the documents is the one of the code."""

import re
from pathlib import Path

import pytest
from parcimetre_server.base.i18n import Translator
from parcimetre_server.base.scope import CAPABILITIES, ROLES, Scope
from parcimetre_server.presentation.role_table import as_markdown

DOCS = Path(__file__).parents[3] / "docs"


@pytest.mark.parametrize("language", ["en", "fr"])
def test_the_documented_roles_are_those_of_the_code(language):
    text = (DOCS / language / "access.md").read_text(encoding="utf-8")
    (told,) = re.findall(r"<!-- roles -->\n(.*?)\n<!-- end -->", text, re.DOTALL)
    assert told == as_markdown(Translator(language))


def test_no_role_has_the_access_record_and_devices_or_presence_and_administration():
    for role in ROLES:
        assert not CAPABILITIES[role] >= {"access_record", "devices"}
        assert not CAPABILITIES[role] >= {"presence", "administration"}


def test_reports_of_a_role_are_for_those_who_see_as_much():
    readers = {of: {role for role in ROLES if Scope(None, role).includes_reports_for(of)} for of in ROLES}
    assert readers["viewer"] == set(ROLES)
    assert readers["analyst"] == {"analyst", "technician", "presence", "admin"}
    assert readers["admin"] == {"technician", "admin"}
