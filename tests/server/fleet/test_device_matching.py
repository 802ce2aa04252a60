"""Knowing machines again: re-imaged, cloned, virtual, or without anything to tell them apart by."""

import pytest
from parcimetre_agent.report import HardwareIdentity
from parcimetre_server.fleet.device_matching import Identities, KnownDevice
from parcimetre_server.store.records import DeviceId

INSTALL, OTHER_INSTALL = "1" * 32, "2" * 32
PRINT, OTHER_PRINT = "e" * 64, "f" * 64
DEVICE = DeviceId("d" * 32)


def met(install_id=INSTALL, fingerprint=PRINT, virtual="none"):
    """Identities that know one machine."""
    identities = Identities()
    identities.remember(KnownDevice(DEVICE, install_id, fingerprint, virtual))
    return identities


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
    assert met(*known).find(HardwareIdentity(*asking)) == (DEVICE if same else None)


def test_two_clones_of_one_image_stay_two_devices():
    identities = met(INSTALL, PRINT, "kvm")
    clone = DeviceId("c" * 32)
    identities.remember(KnownDevice(clone, INSTALL, OTHER_PRINT, "kvm"))
    assert identities.find(HardwareIdentity(INSTALL, "kvm", PRINT)) == DEVICE
    assert identities.find(HardwareIdentity(INSTALL, "kvm", OTHER_PRINT)) == clone


def test_a_reimaged_machine_is_no_longer_known_by_its_old_installation():
    identities = met(INSTALL, PRINT)
    identities.remember(KnownDevice(DEVICE, OTHER_INSTALL, PRINT, "none"))
    assert identities.find(HardwareIdentity(INSTALL, "none", None)) is None
    assert identities.find(HardwareIdentity(OTHER_INSTALL, "none", None)) == DEVICE
