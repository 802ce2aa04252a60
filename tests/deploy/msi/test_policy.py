"""The administrative template: what it writes is what the agent reads, and both languages say all of it."""

import re
from pathlib import Path
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

import product
import pytest
from parcimetre_agent.configuration.settings import resolve
from parcimetre_agent.windows.registry import POLICY_KEY, Registry

FOLDER = Path(__file__).resolve().parents[3] / "deploy" / "msi" / "admx"
LANGUAGES = ("en-US", "fr-FR")
SPACE = "{http://schemas.microsoft.com/GroupPolicy/2006/07/PolicyDefinitions}"
POLICIES = ElementTree.parse(FOLDER / "parcimetre-agent.admx").getroot()


class _Policies(Registry):
    """A registry with nothing but policies."""

    def __init__(self, written: dict[str, object]) -> None:
        self._written = written

    def values(self, path: str) -> dict[str, object]:
        """What stands in a key."""
        return self._written if path == POLICY_KEY else {}


def _texts(language: str) -> Element:
    return ElementTree.parse(FOLDER / language / "parcimetre-agent.adml").getroot()


def _written() -> dict[str, object]:
    """Each value that a policy may write, with one that it may be."""
    values: dict[str, object] = {}
    for policy in POLICIES.iter(f"{SPACE}policy"):
        if "valueName" in policy.attrib:
            values[policy.attrib["valueName"]] = 1
        for element in policy.iter():
            kind, name = element.tag.removeprefix(SPACE), element.get("valueName", "")
            if kind == "text":
                values[name] = "https://collector.example.org"
            elif kind == "decimal" and name:
                values[name] = int(element.attrib["maxValue"])
            elif kind == "enum":
                values[name] = [one.text for one in element.iter(f"{SPACE}string")][-1]
    return values


def test_policies_are_of_the_machine_and_write_where_the_agent_reads() -> None:
    for policy in POLICIES.iter(f"{SPACE}policy"):
        assert (policy.attrib["class"], policy.attrib["key"]) == ("Machine", POLICY_KEY)


def test_agent_takes_every_value_a_policy_writes() -> None:
    written = _written()
    settings = resolve({}, {}, registry=_Policies(written))
    by_policy = [name for name, origin in settings.origins.items() if origin.startswith("policy")]
    assert len(by_policy) == len(written)


def test_everything_the_installer_sets_a_policy_can_set() -> None:
    assert set(_written()) == set(product.SETTINGS) - {"KEEPDATA"}


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_text_and_every_field_is_there_and_none_is_left_over(language: str) -> None:
    admx = ElementTree.tostring(POLICIES, encoding="unicode")
    texts = _texts(language)
    for kind in ("string", "presentation"):
        wanted = set(re.findall(rf"\$\({kind}\.(\w+)\)", admx))
        found = [one.attrib["id"] for one in texts.iter(f"{SPACE}{kind}")]
        assert (wanted, len(found)) == (set(found), len(set(found)))
    fields = {one.attrib["id"] for one in POLICIES.iter() if "id" in one.attrib}
    assert {one.attrib["refId"] for one in texts.iter() if "refId" in one.attrib} == fields
