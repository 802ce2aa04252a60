"""Knowing machines again: re-imaged, cloned, virtual, or without anything to tell them apart by."""

import pytest
from parcimetre_agent.report import HardwareIdentity
from parcimetre_server.fleet.device_matching import Candidate, Decision, Identities, KnownDevice, decide
from parcimetre_server.store.records import DeviceId

INSTALL, OTHER_INSTALL = "1" * 32, "2" * 32
PRINT, OTHER_PRINT = "e" * 64, "f" * 64
DEVICE = DeviceId("d" * 32)


def met(install_id=INSTALL, fingerprint=PRINT, virtual="none"):
    """Identities that know one machine."""
    identities = Identities()
    identities.remember(KnownDevice(DEVICE, install_id, fingerprint, virtual))
    return identities


def found(identities, *asking):
    """The devices that a machine may be."""
    return [one.device_id for one in identities.matching(HardwareIdentity(*asking))]


@pytest.mark.parametrize(
    ("known", "asking", "same"),
    [
        pytest.param((INSTALL, PRINT, "none"), (INSTALL, "none", PRINT), True, id="same machine"),
        pytest.param((INSTALL, PRINT, "none"), (OTHER_INSTALL, "none", PRINT), True, id="re-imaged"),
        pytest.param((INSTALL, PRINT, "none"), (INSTALL, "none", OTHER_PRINT), False, id="cloned disk"),
        pytest.param((INSTALL, None, "none"), (INSTALL, "none", PRINT), True, id="fingerprint readable now"),
        pytest.param((INSTALL, PRINT, "none"), (INSTALL, "none", None), True, id="no longer readable"),
        pytest.param((INSTALL, None, "none"), (OTHER_INSTALL, "none", None), False, id="nothing in common"),
        pytest.param((INSTALL, PRINT, "kvm"), (INSTALL, "kvm", PRINT), True, id="same guest"),
        pytest.param(
            (INSTALL, PRINT, "kvm"), (OTHER_INSTALL, "kvm", PRINT), False, id="guests share a print"
        ),
        pytest.param((INSTALL, PRINT, "kvm"), (INSTALL, "kvm", OTHER_PRINT), False, id="cloned guest"),
        pytest.param((INSTALL, PRINT, "none"), (INSTALL, "kvm", None), False, id="image moved into a guest"),
    ],
)
def test_a_machine_is_known_again_or_split(known, asking, same):
    assert found(met(*known), *asking) == ([DEVICE] if same else [])


def test_two_clones_of_one_image_stay_two_devices():
    identities = met(INSTALL, PRINT, "kvm")
    clone = DeviceId("c" * 32)
    identities.remember(KnownDevice(clone, INSTALL, OTHER_PRINT, "kvm"))
    assert found(identities, INSTALL, "kvm", PRINT) == [DEVICE]
    assert found(identities, INSTALL, "kvm", OTHER_PRINT) == [clone]


def test_a_reimaged_machine_is_no_longer_known_by_its_old_installation():
    identities = met(INSTALL, PRINT)
    identities.remember(KnownDevice(DEVICE, OTHER_INSTALL, PRINT, "none"))
    assert found(identities, INSTALL, "none", None) == []
    assert found(identities, OTHER_INSTALL, "none", None) == [DEVICE]


def test_a_machine_is_known_by_the_fingerprint_that_it_had_under_earlier_rules():
    asks = HardwareIdentity(OTHER_INSTALL, "none", OTHER_PRINT, earlier_fingerprint=PRINT)
    assert [one.device_id for one in met().matching(asks)] == [DEVICE]
    same = HardwareIdentity(INSTALL, "none", OTHER_PRINT, earlier_fingerprint=PRINT)
    assert [one.device_id for one in met().matching(same, DEVICE)] == [DEVICE]


def test_a_device_that_lost_its_fingerprint_is_no_longer_found_by_it():
    identities = met()
    identities.remember(KnownDevice(DEVICE, INSTALL, None, "none"))
    assert found(identities, OTHER_INSTALL, "none", PRINT) == []


def test_the_credential_of_a_device_makes_it_a_candidate_unless_the_hardware_contradicts():
    hardware = HardwareIdentity(OTHER_INSTALL, "none", None)
    assert [one.device_id for one in met().matching(hardware, DEVICE)] == [DEVICE]
    assert met().matching(HardwareIdentity(OTHER_INSTALL, "none", OTHER_PRINT), DEVICE) == []
    assert met().matching(HardwareIdentity(OTHER_INSTALL, "kvm", None), DEVICE) == []


M, A, B = "M", "M/A", "M/B"
OTHER = DeviceId("b" * 32)


@pytest.mark.parametrize(
    ("candidates", "proven", "secret", "decision"),
    [
        pytest.param([], None, A, Decision(), id="nothing known"),
        pytest.param([], DEVICE, A, Decision(), id="a credential of other hardware proves nothing"),
        pytest.param([(DEVICE, A)], DEVICE, B, Decision(DEVICE, "credential"), id="its own credential"),
        pytest.param([(DEVICE, A)], None, A, Decision(DEVICE, "org unit"), id="secret of its unit"),
        pytest.param([(DEVICE, A)], None, M, Decision(DEVICE, "org unit"), id="secret of a unit above"),
        pytest.param([(DEVICE, A)], None, B, Decision(may_be=DEVICE), id="secret of another unit"),
        pytest.param([(DEVICE, M)], None, A, Decision(may_be=DEVICE), id="secret of a unit below"),
        pytest.param([(DEVICE, A)], OTHER, B, Decision(may_be=DEVICE), id="credential of another device"),
        pytest.param(
            [(DEVICE, A), (OTHER, B)], None, B, Decision(OTHER, "org unit"), id="the one of the secret's unit"
        ),
        pytest.param(
            [(OTHER, B, True), (DEVICE, A)],
            None,
            "M/C",
            Decision(may_be=DEVICE),
            id="not one that waits itself",
        ),
    ],
)
def test_who_a_machine_is_follows_from_its_credential_or_the_secrets_unit(
    candidates, proven, secret, decision
):
    assert decide([Candidate(*one) for one in candidates], proven, secret) == decision
