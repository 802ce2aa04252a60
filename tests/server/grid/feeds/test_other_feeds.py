"""Feeds beside RTE's; documents laid out as their publishers describe them, figures made up."""

import json
from datetime import UTC, datetime

import pytest
from parcimetre_server.grid.feeds import parse_feed
from parcimetre_server.grid.feeds.times import BadFeed

AT = int(datetime(2026, 3, 1, 12, tzinfo=UTC).timestamp())
ENTSOE = """<?xml version="1.0" encoding="UTF-8"?>
<GL_MarketDocument xmlns="urn:iec62325.351:tc57wg16:451-6:generationloaddocument:3:0">
  <TimeSeries><inBiddingZone_Domain.mRID codingScheme="A01">10Y1001A1001A83F</inBiddingZone_Domain.mRID>
    <curveType>{curve}</curveType><MktPSRType><psrType>B14</psrType></MktPSRType>
    <Period><timeInterval><start>2026-03-01T12:00Z</start><end>2026-03-01T13:00Z</end></timeInterval>
      <resolution>PT15M</resolution>
      <Point><position>1</position><quantity>1000</quantity></Point>
      <Point><position>3</position><quantity>800</quantity></Point></Period></TimeSeries>
  <TimeSeries><inBiddingZone_Domain.mRID>10Y1001A1001A83F</inBiddingZone_Domain.mRID>
    <curveType>A01</curveType><MktPSRType><psrType>B02</psrType></MktPSRType>
    <Period><timeInterval><start>2026-03-01T12:00Z</start><end>2026-03-01T13:00Z</end></timeInterval>
      <resolution>PT60M</resolution><Point><position>1</position><quantity>200</quantity></Point></Period>
  </TimeSeries>
  <TimeSeries><outBiddingZone_Domain.mRID>10Y1001A1001A83F</outBiddingZone_Domain.mRID>
    <curveType>A01</curveType><MktPSRType><psrType>B10</psrType></MktPSRType>
    <Period><timeInterval><start>2026-03-01T12:00Z</start><end>2026-03-01T13:00Z</end></timeInterval>
      <resolution>PT60M</resolution><Point><position>1</position><quantity>500</quantity></Point></Period>
  </TimeSeries>
</GL_MarketDocument>"""


def test_entso_e_s_types_add_up_and_pumping_is_demand():
    found = parse_feed(ENTSOE.format(curve="A01"), "DE")
    assert [reading.start - AT for reading in found] == [0, 900, 1800, 2700]
    assert [reading.produced_mw for reading in found] == [
        {"nuclear": 1000, "coal": 200}, {"coal": 200}, {"nuclear": 800, "coal": 200}, {"coal": 200},
    ]  # fmt: skip


def test_a_curve_that_holds_repeats_the_value_before_a_position_left_out():
    found = parse_feed(ENTSOE.format(curve="A03"), "DE")
    assert [reading.produced_mw["nuclear"] for reading in found] == [1000, 1000, 800, 800]


def electricity_maps(**record):
    base = {"zone": "DE", "carbonIntensity": 302, "datetime": "2026-03-01T12:00:00.000Z",
            "emissionFactorType": "lifecycle", "isEstimated": True}  # fmt: skip
    more = base | {"datetime": "2026-03-01T13:00:00.000Z", "carbonIntensity": None}
    last = base | {"datetime": "2026-03-01T14:00:00.000Z", "carbonIntensity": 280}
    return json.dumps({"zone": "DE", "history": [base | record, more, last, last]})


def test_electricity_maps_hours_hold_for_four_quarters_and_an_hour_without_figure_is_a_gap():
    hours = parse_feed(electricity_maps(), "DE")
    assert {reading.start - AT: reading.kg_per_kwh for reading in hours if reading.start < AT + 3600} == {
        0: 0.302, 900: 0.302, 1800: 0.302, 2700: 0.302,
    }  # fmt: skip
    assert not [reading for reading in hours if AT + 3600 <= reading.start < AT + 7200]
    assert hours[0].source == "Electricity Maps, estimated there"


def test_electricity_maps_csv_takes_the_life_cycle_column():
    text = (
        "Datetime (UTC),Country,Zone name,Zone id,Carbon intensity gCO₂eq/kWh (direct),"
        "Carbon intensity gCO₂eq/kWh (Life cycle),Data source,Data estimated\n"
        "2026-03-01 12:00:00,Germany,Germany,DE,250.1,301.5,ENTSOE,false\n"
        "2026-03-01 13:00:00,Germany,Germany,DE,,,ENTSOE,true\n"
    )
    found = parse_feed(text, "DE")
    assert [(found[0].start, found[0].kg_per_kwh)] == [(AT, pytest.approx(0.3015))]


def neso(**record):
    mix = [{"fuel": "gas", "perc": 40.0}, {"fuel": "imports", "perc": 10.0}, {"fuel": "wind", "perc": 50.0}]
    base = {"from": "2026-03-01T12:00Z", "to": "2026-03-01T12:30Z", "generationmix": mix}
    later = base | {"from": "2026-03-01T12:30Z", "to": "2026-03-01T13:00Z"}
    return json.dumps({"data": [base | record, later]})


def test_neso_s_half_hours_are_shares_of_generation():
    found = parse_feed(neso(), "GB")
    assert [reading.start - AT for reading in found] == [0, 900, 1800, 2700]
    assert found[0].shares["fuel", "gas"] == pytest.approx(0.4)


def test_own_values_are_read_with_what_they_say_of_losses():
    text = (
        "start_utc,kg_per_kwh,source,at_meter\n2026-03-01T12:00Z,0,solar roof,yes\n2026-03-01T12:15Z,0.05,,\n"
    )
    zero, plain = parse_feed(text, "FR")
    assert (zero.kg_per_kwh, zero.at_meter, zero.source) == (0.0, True, "solar roof")
    assert (plain.kg_per_kwh, plain.at_meter, plain.source) == (0.05, False, "own values")


@pytest.mark.parametrize(
    ("text", "zone", "sentence"),
    [
        ("", "FR", "unknown file format"),
        ("start,gco2\n1,2\n", "FR", "unknown file format"),
        ("{}", "FR", "unknown file format"),
        ("{", "FR", "not valid JSON"),
        ("<GL", "FR", "not valid XML"),
        ('<!DOCTYPE x [<!ENTITY a "b">]><GL_MarketDocument>&a;</GL_MarketDocument>', "FR", "not valid XML"),
        ("<Acknowledgement_MarketDocument/>", "FR", "documentType=A75"),
        (ENTSOE.format(curve="A01").replace("PT15M", "P1D"), "DE", "resolution 'P1D'"),
        (electricity_maps(emissionFactorType="direct"), "DE", "emissionFactorType=lifecycle"),
        (electricity_maps(), "FR", "--zone DE, not FR"),
        (neso(), "FR", "--zone GB"),
        (neso(generationmix=None, intensity={"forecast": 200}), "GB", "direct emissions only"),
        ("start_utc,kg_per_kwh\n2026-03-01T12:00Z,52\n", "FR", "Is the value in grams"),
        ("start_utc,kg_per_kwh,at_meter\n2026-03-01T12:00Z,0.05,perhaps\n", "FR", "give yes"),
        ("start_utc,kg_per_kwh\n2026-03-01T12:00,0.05\n", "FR", "offset from UTC"),
    ],
)  # fmt: skip
def test_what_cannot_be_used_is_refused_with_the_mend(text, zone, sentence):
    with pytest.raises(BadFeed, match=sentence):
        parse_feed(text, zone)
