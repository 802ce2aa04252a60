"""Sets of factors: what may enter, what is refused, what names a set."""

import csv
import math

import pytest
from parcimetre_factors.errors import BadFactorRow, UnknownFactor
from parcimetre_factors.tables.factor_set import COLUMNS, SHIPPED, load_factor_set

ROW = {
    "id": "component.test.gwp", "subject": "test", "stage": "manufacturing", "criterion": "gwp", "value": "2",
    "low": "1", "high": "4", "range_basis": "source", "unit": "kg CO2 eq", "per": "server", "zone": "",
    "year": "2021", "source": "uba-94-2021", "locator": "somewhere", "note": "",
}  # fmt: skip


def add(tables, *rows, name="components", columns=COLUMNS):
    """Append rows to a table of a copy; the line of the last one."""
    with (tables / f"{name}.csv").open("a", newline="") as out:
        csv.writer(out, lineterminator="\n").writerows([row[column] for column in columns] for row in rows)
    return len((tables / f"{name}.csv").read_text().splitlines())


def test_every_factor_names_a_source_with_publisher_link_and_licence(factors):
    assert len(factors.factors) > 1000
    for factor in factors.factors.values():
        assert factors.sources[factor.source.id] == factor.source
        assert factor.source.publisher
        assert factor.source.licence
        assert factor.source.url.startswith("https://")


def test_every_value_lies_within_its_range(factors):
    assert all(f.low <= f.value <= f.high for f in factors.factors.values())


def test_every_table_of_the_folder_is_in_the_set(factors):
    files = {file.stem for file in SHIPPED.glob("*.csv")} - {"sources"}
    assert {*factors.tables, *factors.facts} == files


def test_relative_spread_is_that_of_a_log_normal_whose_95_percent_range_is_low_to_high(factors):
    factor = factors.get("share.error")
    assert factor.value * math.exp(1.959964 * factor.rel_sd) == pytest.approx(factor.high, rel=1e-6)
    assert factor.value * math.exp(-1.959964 * factor.rel_sd) == pytest.approx(factor.low, rel=1e-6)
    assert factors.get("default.psu.units").rel_sd == 0


def test_the_same_tables_have_the_same_id_wherever_they_lie(factors, tables):
    assert load_factor_set(tables).id == factors.id


def test_one_changed_value_makes_another_set(factors, tables):
    text = (tables / "components.csv").read_text()
    (tables / "components.csv").write_text(text.replace("gwp,66.1,", "gwp,66.2,"))
    changed = load_factor_set(tables)
    assert changed.id != factors.id
    assert changed.get("component.mainboard.gwp").value == 66.2


def test_a_new_sound_row_is_a_factor(tables):
    add(tables, ROW)
    assert load_factor_set(tables).get("component.test.gwp").value == 2


DAMAGE = {
    "unknown source": ({"source": "hearsay"}, "'hearsay' is not in sources.csv; add it"),
    "not a number": ({"value": "1,5"}, "could not convert .*; write value, low, high"),
    "a year that is none": ({"year": "last"}, "write value, low, high and year as plain numbers"),
    "low above value": ({"low": "3"}, "not between low 3.0 and high 4.0"),
    "high below value": ({"high": "1.5"}, "not between low 1.0 and high 1.5"),
    "not a finite value": ({"value": "nan"}, "not between"),
    "no end to the range": ({"high": "inf"}, "not between"),
    "no locator": ({"locator": ""}, "locator is empty; fill it in"),
    "no basis of the range": ({"range_basis": ""}, "range_basis is empty; fill it in"),
    "no source": ({"source": ""}, "source is empty; fill it in"),
    "no unit": ({"unit": ""}, "unit is empty; fill it in"),
    "an id that stands elsewhere": (
        {"id": "life.laptop"},
        "already used in lifetimes.csv line 2|give it another id",
    ),
}


@pytest.mark.parametrize(("change", "message"), DAMAGE.values(), ids=DAMAGE)
def test_a_row_that_cannot_be_defended_is_refused_with_its_place_and_the_mend(tables, change, message):
    line = add(tables, ROW | change)
    with pytest.raises(BadFactorRow, match=rf"components\.csv line {line}: .*{message}"):
        load_factor_set(tables)


def test_an_id_that_stands_twice_in_a_table_is_refused_with_both_places(tables):
    line = add(tables, ROW, ROW)
    with pytest.raises(
        BadFactorRow, match=rf"line {line}: .* already used in components\.csv line {line - 1}: give"
    ):
        load_factor_set(tables)


def test_a_row_that_is_too_short_names_the_missing_column(tables):
    line = add(tables, ROW, columns=COLUMNS[:-1])
    with pytest.raises(BadFactorRow, match=rf"components\.csv line {line}: missing column note"):
        load_factor_set(tables)


def test_a_column_that_nobody_reads_is_refused_not_ignored(tables):
    header, rows = (tables / "fuels.csv").read_text().split("\n", 1)
    (tables / "fuels.csv").write_text(header.replace("note", "comment") + "\n" + rows)
    with pytest.raises(
        BadFactorRow, match=r"fuels\.csv line 2: unknown column 'comment'\. Known columns: id"
    ):
        load_factor_set(tables)


def test_every_bad_row_of_a_table_is_named_at_once(tables):
    line = add(tables, ROW | {"unit": ""}, ROW | {"id": "component.other.gwp", "low": "3"})
    with pytest.raises(BadFactorRow) as refused:
        load_factor_set(tables)
    assert [told.split(":")[0] for told in str(refused.value).split("\n")] == [
        f"components.csv line {line - 1}", f"components.csv line {line}",
    ]  # fmt: skip


def test_a_source_without_licence_is_refused(tables):
    text = (tables / "sources.csv").read_text()
    (tables / "sources.csv").write_text(text.replace(",CC BY 4.0,", ",,"))
    with pytest.raises(BadFactorRow, match=r"sources\.csv line \d+: a source needs all of .*licence"):
        load_factor_set(tables)


def test_tables_without_sources_are_refused(tables):
    (tables / "sources.csv").unlink()
    with pytest.raises(BadFactorRow, match=r"sources\.csv is missing"):
        load_factor_set(tables)


def test_asking_for_a_factor_that_is_not_there_names_it_and_the_set(factors):
    with pytest.raises(UnknownFactor, match=f"grid.xx.*{factors.id}"):
        factors.get("grid.xx.2024.gwp")
