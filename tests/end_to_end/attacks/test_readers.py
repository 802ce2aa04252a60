"""Attacks of one reader: questions that would be long to answer."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import httpx

QUESTIONS = [
    "/v1/footprint?interval=slot&from=2023-01-01",
    "/v1/footprint?interval=slot&from=2024-06-01&group_by=device",
    "/v1/footprint?interval=hour&from=2023-01-01&group_by=stage",
    "/v1/printing?interval=slot&from=2023-01-01",
    "/v1/explain?from=2010-01-01",
    "/v1/outlets?from=2010-01-01",
    "/v1/grid/FR?from=2010-01-01",
    "/?period=own&from=2010-01-01&to=2026-01-01",
]


def test_questions_of_many_years_from_many_connections(siege):
    siege.report()
    headers, statuses = siege.token("admin"), Counter[int]()
    limits = httpx.Limits(max_connections=60)
    with httpx.Client(
        base_url=siege.url, trust_env=False, timeout=60, headers=headers, limits=limits
    ) as client:

        def attack() -> None:
            with ThreadPoolExecutor(30) as pool:
                answers = pool.map(client.get, QUESTIONS * 6)
                statuses.update(answer.status_code for answer in answers)

        siege.endures(attack, threads=1)
    assert statuses.keys() <= {200, 400, 403, 503}
    assert statuses[400] > 0
