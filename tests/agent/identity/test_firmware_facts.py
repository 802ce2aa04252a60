"""On Windows a machine is known by its firmware's table, and by nothing else."""

import pytest
from parcimetre_agent.identity import firmware_facts


def test_windows_machine_states_the_facts_that_linux_names(
    thinkpad_table: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert firmware_facts.of_windows() == {}, "no table, no facts"
    monkeypatch.setattr("parcimetre_agent.windows.firmware.table", lambda: thinkpad_table)
    facts = firmware_facts.of_windows()
    assert facts["product_uuid"] == "00112233-4455-6677-8899-aabbccddeeff"
    assert (facts["product_serial"], facts["board_serial"]) == ("PF3XK1ZQ", "L1HF2CK01ZQ")
    assert (facts["sys_vendor"], facts["product_name"]) == ("LENOVO", "21AHCTO1WW")
