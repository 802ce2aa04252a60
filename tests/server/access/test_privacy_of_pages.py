"""What pages keep to themselves: groups of few devices from viewers, host names from all but admins."""

import re
from itertools import product

import pytest
from fastapi.responses import HTMLResponse
from parcimetre_server.web.app import routers

A = "Métropole/Aubeclair"
SMALL, DEVICE = f"{A}/Police", "a0a0a0" + "0" * 26
PLACES = {"{week}": "2026-W48", "{id}": DEVICE}
PAGES = sorted(
    {route.path for router in routers() for route in router.routes if route.response_class is HTMLResponse}
)


def page(reader, path, **asked):
    for place, value in PLACES.items():
        path = path.replace(place, value)
    assert "{" not in path, f"say what to put into {path}"
    return reader.get(path, params=asked)


def test_a_viewer_finds_no_group_of_few_devices_and_no_device_on_any_page(asking):
    reader = asking("viewer")
    everywhere = ({}, {"org_unit": SMALL}, {"org_unit": A, "period": "30d"})
    for path, asked in product(PAGES, everywhere):
        text = page(reader, path, **asked).text
        assert not re.search(r"Police</a>", text), (path, asked)
        assert "hostofa" not in text
        assert DEVICE[:12] not in text.replace(DEVICE, "" if "{id}" in path else DEVICE)


@pytest.mark.slow
def test_host_names_are_on_pages_of_admins_alone(asking):
    reader = asking("analyst")
    for path, asked in product(PAGES, ({}, {"q": "hostof"}, {"device": DEVICE})):
        assert "hostofa" not in page(reader, path, **asked).text, (path, asked)


def test_an_admin_of_the_small_group_sees_it_and_its_host_names(asking):
    reader = asking("admin")
    assert "Police</a>" in reader.get("/").text
    assert "hostofa6" in reader.get("/devices", params={"org_unit": SMALL}).text
    assert "hostofa6" in reader.get("/devices.csv", params={"org_unit": SMALL}).text
    assert "hostofa" not in asking("analyst").get("/devices.csv").text
