"""Whether this is hardware, a virtual machine or a container, and of what kind."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ...base.outcome import Ok, Outcome
from ...identification import hypervisors
from ...machine import sysfs
from ..machine import Machine

_CLOCKS = "sys/devices/system/clocksource/clocksource0/available_clocksource"
_CONTAINERS = (("run/systemd/container", None), (".dockerenv", "docker"), ("run/.containerenv", "podman"))


def read(machine: Machine) -> Outcome[dict[str, Any]]:
    """The word none on hardware; a virtual machine goes by its hypervisor, even in a container."""
    return Ok({"virtual": _wsl(machine) or _hypervisor(machine) or _container(machine) or "none"})


def _wsl(machine: Machine) -> str | None:
    release = (sysfs.text(machine.path("proc/sys/kernel/osrelease")) or "").lower()
    return "wsl" if "microsoft" in release else None


def _hypervisor(machine: Machine) -> str | None:
    """By the firmware's strings, else by the processor's hypervisor flag and the paravirtual clock."""
    folder = machine.path("sys/class/dmi/id")
    maker, product = sysfs.text(folder, "sys_vendor"), sysfs.text(folder, "product_name")
    if hypervisors.is_metal(product):
        return None
    return hypervisors.hypervisor_name(maker, product) or (_unnamed(machine) if _has_flag(machine) else None)


def _unnamed(machine: Machine) -> str:
    """A hypervisor whose firmware says nothing, by what it offers its guests."""
    if sysfs.text(machine.path("sys/hypervisor/type")) == "xen":
        return "xen"
    clocks = sysfs.text(machine.path(_CLOCKS)) or ""
    if "kvm-clock" in clocks:
        return "kvm"
    return "hyper-v" if "hyperv" in clocks else "hypervisor"


def _has_flag(machine: Machine) -> bool:
    """Whether the processor says that it runs under a hypervisor."""
    for line in (sysfs.text(machine.path("proc/cpuinfo")) or "").splitlines():
        if line.startswith("flags"):
            return "hypervisor" in line.split()
    return False


def _container(machine: Machine) -> str | None:
    for path, name in _CONTAINERS:
        if Path(machine.path(path)).exists():
            return name or sysfs.text(machine.path(path)) or "container"
    return None
