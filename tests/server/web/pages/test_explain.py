"""The page of explanations: the figure, its factors, and the file that computes it again."""

import re
from urllib.parse import unquote

import pytest


def test_the_file_to_download_holds_the_tree_of_the_figure_on_the_page(reader, fleet):
    text = reader.get(f"/explain?device={fleet.laptop}&period=7d&lang=en").text
    address, name = re.search(r'href="(/v1/explain[^"]+)" download="([^"]+)"', text).groups()
    told = reader.get(unquote(address.replace("&amp;", "&"))).json()
    assert name == f"explain-{fleet.laptop}-gwp-{told['factor_set'][:8]}.json"
    assert told["term"]["value"] == told["value"] > 0
    for factor in told["factors"]:
        assert factor["id"] in text
        assert factor["source"]["url"].replace("&", "&amp;") in text


def test_an_org_unit_is_the_sum_of_its_devices_each_with_a_tree_of_its_own(reader, fleet):
    text = reader.get("/explain?org_unit=M%C3%A9tropole/DSI&criterion=adpe").text
    links = re.findall(r'href="(/explain\?[^"]*device=[^"]+)"', text)
    assert len(links) == 2
    for link in links:
        assert reader.get(link.replace("&amp;", "&")).status_code == 200
        assert "criterion=adpe" in link


@pytest.mark.parametrize("query", ["device=nobody", "device={laptop}&from=2026-13-01"])
def test_what_cannot_be_explained_is_said_in_a_sentence(reader, fleet, query):
    answer = reader.get("/explain?" + query.format(laptop=fleet.laptop))
    assert answer.status_code in (400, 404)
    assert answer.json()["detail"]
