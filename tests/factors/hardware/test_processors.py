"""Processors: the exact one or none."""

import pytest
from parcimetre_factors.hardware.processors import find_processor

SAME = [
    ("Intel(R) Core(TM) i5-8250U CPU @ 1.60GHz", "Intel Core i5-8250U"),
    ("11th Gen Intel(R) Core(TM) i7-1165G7 @ 2.80GHz", "Intel Core i7-1165G7"),
    ("Intel(R) Core(TM) i7-8700 CPU @ 3.20GHz", "Intel Core i7-8700"),
    ("Intel(R) Core(TM) i7-8700K CPU @ 3.70GHz", "Intel Core i7-8700K"),
    ("Intel(R) Xeon(R) Gold 6130 CPU @ 2.10GHz", "Intel Xeon Gold 6130"),
    ("Intel(R) Xeon(R) CPU E5-2680 v4 @ 2.40GHz", "Intel Xeon E5-2680 V4"),
    ("AMD Ryzen 5 PRO 4650U with Radeon Graphics", "AMD Ryzen 5 PRO 4650U"),
    ("AMD EPYC 7543 32-Core Processor", "AMD EPYC 7543"),
]


@pytest.mark.parametrize(("stated", "name"), SAME, ids=lambda text: text)
def test_a_processor_is_found_by_the_name_it_states(factors, stated, name):
    found = find_processor(stated, factors)
    assert found is not None
    assert found.name == name


@pytest.mark.parametrize(
    "stated",
    [
        "Intel(R) Core(TM) i5-8251U CPU @ 1.60GHz",
        "Intel(R) Core(TM) i5",
        "Intel(R) Xeon(R) Processor",
        "AMD EPYC 7543Q 32-Core Processor",
        "AMD EPYC Processor (with IBPB)",
        "QEMU Virtual CPU version 2.5+",
        "",
        None,
    ],
)
def test_a_processor_that_is_not_in_the_table_is_no_near_one(factors, stated):
    assert find_processor(stated, factors) is None


def test_every_name_of_the_table_finds_itself_or_nothing(factors):
    for row in factors.facts["cpus"]:
        found = find_processor(row["name"], factors)
        assert found is None or (str(found.tdp_w or ""), str(found.die_mm2 or "")) == (
            str(float(row["tdp_w"])) if row["tdp_w"] else "",
            str(float(row["die_mm2"])) if row["die_mm2"] else "",
        )


def test_what_the_table_does_not_say_is_none_and_not_zero(factors):
    found = find_processor("Intel Xeon Gold 6130", factors)
    assert found is not None
    assert found.tdp_w is None
    assert found.die_mm2
